"""The real command in a process of its own, spoken to as a client does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from tests.server.serving import text_of

LEVEL: dict[str, str] = {}
HEAVY = ("jinja2", "sqlite3", "aiohttp", "evals_engine", "rapidfuzz", "regex")
INITIALIZE: dict[str, Any] = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "0"},
    },
}
INITIALIZED: dict[str, Any] = {"jsonrpc": "2.0", "method": "notifications/initialized"}
LIST_TOOLS: dict[str, Any] = {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}
CALL: dict[str, Any] = {
    "jsonrpc": "2.0",
    "id": 3,
    "method": "tools/call",
    "params": {"name": "list_datasets", "arguments": {}},
}


def environment(folder: Path) -> dict[str, str]:
    """This process's, with the engine in the test's own folder."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("EVALS_")}
    return {
        **own,
        "EVALS_MCP_SERVER__PROVIDER": "local",
        "EVALS_MCP_LOCAL__DATA_DIR": str(folder / "engine"),
        **LEVEL,
    }


def exchange(
    folder: Path, *messages: dict[str, Any], flags: tuple[str, ...] = ()
) -> tuple[list[dict[str, Any]], str]:
    """What the server answers to these messages before its input ends, and its standard error."""
    command = [sys.executable, *flags, "-m", "evals_mcp.cli"]
    environ = environment(folder)
    if flags:
        # A coverage measurement inside the process would import modules of its own.
        environ = {name: value for name, value in environ.items() if "COVERAGE" not in name}
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environ,
        encoding="utf-8",
        cwd=folder,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        answers: list[dict[str, Any]] = []
        for message in messages:
            process.stdin.write(json.dumps(message) + "\n")
            process.stdin.flush()
            if "id" in message:
                answers.append(json.loads(process.stdout.readline()))
        rest, errors = process.communicate(timeout=30)
        assert process.returncode == 0
    answers += [json.loads(line) for line in rest.splitlines()]
    return answers, errors


def imported(importtime: str) -> set[str]:
    lines = (line for line in importtime.splitlines() if line.startswith("import time:"))
    return {line.rpartition("|")[2].strip() for line in lines}


def test_standard_output_holds_json_rpc_only(tmp_path: Path) -> None:
    answers, errors = exchange(tmp_path, INITIALIZE, INITIALIZED, LIST_TOOLS, CALL)

    assert [answer["id"] for answer in answers] == [1, 2, 3]
    assert all(answer["jsonrpc"] == "2.0" for answer in answers)
    assert answers[2]["result"]["structuredContent"]["total"] == 0
    assert errors == ""


def test_initialize_and_the_tool_list_need_nothing_heavy(tmp_path: Path) -> None:
    flags = ("-X", "importtime")

    _, before = exchange(tmp_path, INITIALIZE, flags=flags)
    _, listed = exchange(tmp_path, INITIALIZE, INITIALIZED, LIST_TOOLS, flags=flags)

    assert "evals_mcp.server" in imported(before)
    for name in (*HEAVY, "evals_mcp.tools.catalog", "evals_schemas.tools", "evals_mcp.compose"):
        assert name not in imported(before)
    for name in HEAVY:
        assert name not in imported(listed)


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
async def test_an_evaluation_runs_from_upload_to_results(tmp_path: Path, mode: str) -> None:
    parameters = StdioServerParameters(
        command=sys.executable, args=["-m", "evals_mcp.cli"], env=environment(tmp_path)
    )
    with anyio.fail_after(60):
        async with Client(stdio_client(parameters), mode=mode) as client:

            async def answer(tool: str, **arguments: Any) -> dict[str, Any]:
                result = await client.call_tool(tool, arguments)
                assert not result.is_error, text_of(result)
                return result.structured_content

            rows = [{"answer": str(n), "expected": str(n - n % 2)} for n in range(50)]
            stored = await answer("upload_dataset", rows=rows)
            started = await answer(
                "create_evaluation",
                type="classify",
                input_data_file_path=stored["file_id"],
                judge={"model": "rule/exact-match", "system_template": "{{expected}}"},
                labels=["right", "wrong"],
                pass_labels=["right"],
                response_column="answer",
            )
            ended = await answer(
                "get_status", evaluation_id=started["evaluation_id"], wait_seconds=30
            )
            found = await answer("get_evaluation", evaluation_id=started["evaluation_id"])

    assert ended["finished"] is True
    assert found["summary"]["headline"].startswith("50.0 % of 50 answers pass")


def test_debug_logs_hold_no_arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LEVEL, "EVALS_MCP_SERVER__LOG_LEVEL", "debug")
    rows = [{"question": "a private row"}]
    call = {**CALL, "params": {"name": "upload_dataset", "arguments": {"rows": rows}}}

    _, errors = exchange(tmp_path, INITIALIZE, INITIALIZED, call)

    assert "a private row" not in errors
