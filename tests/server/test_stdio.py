"""The real command in a process of its own, spoken to as a client does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Timer
from typing import Any

import anyio
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from tests.server.serving import text_of

LEVEL: dict[str, str] = {}
HEAVY = ("jinja2", "sqlite3", "aiohttp", "evals_engine", "msgspec", "rapidfuzz", "regex")
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
OTHER_LIST: dict[str, Any] = {"jsonrpc": "2.0", "id": 4, "method": "prompts/list"}
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
        "EVALS_MCP_STATE__FOLDER": str(folder / "state"),
        **LEVEL,
    }


@contextmanager
def spoken_to(
    folder: Path, variables: Mapping[str, str] | None = None, flags: Sequence[str] = ()
) -> Generator[subprocess.Popen[str]]:
    """The server with both pipes open; it ends as its input does."""
    environ = {**environment(folder), **(variables or {})}
    if flags or variables:
        # A coverage measurement inside the process would import modules of its own.
        environ = {name: value for name, value in environ.items() if "COVERAGE" not in name}
    with subprocess.Popen(
        [sys.executable, *flags, "-m", "evals_mcp.cli"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environ,
        encoding="utf-8",
        cwd=folder,
    ) as process:
        watchdog = Timer(60, process.kill)
        watchdog.start()
        try:
            yield process
        finally:
            watchdog.cancel()


def said(process: subprocess.Popen[str], message: dict[str, Any]) -> dict[str, Any]:
    """The next line of the server after this message."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(message) + "\n")
    process.stdin.flush()
    return json.loads(process.stdout.readline()) if "id" in message else {}


def exchange(
    folder: Path, *messages: dict[str, Any], flags: tuple[str, ...] = ()
) -> tuple[list[dict[str, Any]], str]:
    """What the server answers to these messages before its input ends, and its standard error."""
    with spoken_to(folder, flags=flags) as process:
        answers = [answer for message in messages if (answer := said(process, message))]
        rest, errors = process.communicate(timeout=60)
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


def test_a_server_that_was_not_asked_for_anything_loads_nothing_heavy(tmp_path: Path) -> None:
    _, listed = exchange(
        tmp_path, INITIALIZE, INITIALIZED, LIST_TOOLS, OTHER_LIST, flags=("-X", "importtime")
    )

    assert "evals_mcp.tools.catalog" in imported(listed)
    for name in HEAVY:
        assert name not in imported(listed)


def test_the_first_answers_do_not_wait_for_the_sdk(tmp_path: Path) -> None:
    never = "import threading; threading.Event().wait()"
    for package in ("mcp", "anyio"):
        (tmp_path / f"{package}.py").write_text(never)

    with spoken_to(tmp_path, {"PYTHONPATH": str(tmp_path)}) as process:
        answers = [said(process, message) for message in (INITIALIZE, LIST_TOOLS)]
        process.kill()

    assert [answer["id"] for answer in answers] == [1, 2]
    assert len(answers[1]["result"]["tools"]) == 13


def test_a_burst_of_requests_has_one_answer_each(tmp_path: Path) -> None:
    ping = {"jsonrpc": "2.0", "id": 5, "method": "ping"}
    burst = (INITIALIZE, INITIALIZED, CALL, LIST_TOOLS, ping)

    with spoken_to(tmp_path) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("".join(json.dumps(message) + "\n" for message in burst))
        process.stdin.flush()
        answers = [json.loads(process.stdout.readline()) for _ in range(4)]
        rest, errors = process.communicate(timeout=60)

    assert sorted(answer["id"] for answer in answers) == [1, 2, 3, 5]
    assert all("result" in answer for answer in answers)
    assert (rest, errors) == ("", "")


def test_a_wrong_setting_is_told_before_any_answer(tmp_path: Path) -> None:
    wrong = {"EVALS_MCP_SERVER__PROVIDER": "nowhere"}

    with spoken_to(tmp_path, wrong) as process:
        answers, errors = process.communicate(json.dumps(INITIALIZE) + "\n", timeout=60)

    assert process.returncode == 2
    assert answers == ""
    assert "server.provider" in errors


@pytest.mark.skipif(os.name == "nt", reason="the shell closes the stream")
def test_a_closed_standard_error_does_not_get_the_protocol(tmp_path: Path) -> None:
    command = f'exec "{sys.executable}" -m evals_mcp.cli 2>&-'
    said = "".join(json.dumps(message) + "\n" for message in (INITIALIZE, INITIALIZED, LIST_TOOLS))

    done = subprocess.run(
        ["/bin/sh", "-c", command],
        input=said,
        capture_output=True,
        env=environment(tmp_path),
        encoding="utf-8",
        cwd=tmp_path,
        timeout=60,
        check=True,
    )

    assert [json.loads(answer)["id"] for answer in done.stdout.splitlines()] == [1, 2]


def test_what_is_printed_by_mistake_misses_the_protocol(tmp_path: Path) -> None:
    code = (
        "import sys; from evals_mcp.stdio.wire import claim_standard_streams as claim; "
        "wire = claim(); print('stray', sys.stdin.read()); wire.write(next(wire.lines()))"
    )

    done = subprocess.run(
        [sys.executable, "-c", code],
        input="spoken\n",
        capture_output=True,
        env=environment(tmp_path),
        encoding="utf-8",
        timeout=60,
        check=True,
    )

    assert done.stdout == "spoken\n"
    assert done.stderr.startswith("stray")


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
