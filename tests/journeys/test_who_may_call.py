"""Who may call over HTTP, which tools, and which servers do not start."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path

import pytest

from evals_mcp.errors import OperatorError
from evals_mcp.http.serve import HttpService
from evals_mcp.services import SERVICES
from evals_mcp.settings.loading import load_settings
from evals_mcp.tools.catalog import BY_NAME
from evals_mcp.views.app.tools import APP_TOOLS_BY_NAME
from tests.journeys.caller import tool_call
from tests.journeys.issuer import AUDIENCE, EVERYTHING, Issuer
from tests.journeys.shared_vendor import of_one_vendor
from tests.journeys.two_users import (
    ALICE,
    ROWS,
    bearer,
    callers,
    of_issuer,
    serving,
)

# Who may call at all


async def test_without_a_key_nothing_is_answered(tmp_path: Path) -> None:
    async with of_one_vendor(tmp_path, ALICE) as (vendor, (user,)):
        user.headers = {}
        for body in ({"jsonrpc": "2.0", "id": 1, "method": "ping"}, tool_call("list_models")):
            answer = await user.post(body)
            assert answer.status == 403
            assert "X-Together-Api-Key" in answer.text
            # With either, clients would try to log in, and hide the sentence.
            assert "www-authenticate" not in answer.headers
    assert not vendor.asked


def as_chunks(body: bytes) -> AsyncGenerator[bytes]:
    async def chunks() -> AsyncGenerator[bytes]:
        yield body[:20]
        yield body[20:-1]
        yield body[-1:]

    return chunks()


async def test_a_token_that_may_only_read_is_challenged_by_every_writing_tool_and_no_other(
    tmp_path: Path,
) -> None:
    issuer = Issuer()
    settings = of_issuer(
        tmp_path, issuer, SERVER__PROVIDER="local", HTTP__MAX_BODY_BYTES=str(9 * 2**20)
    )
    reader = bearer(issuer.token("alice", "evals:read"))
    async with serving(settings, issuer) as url, callers(url, reader) as (user,):
        for tool, definition in (BY_NAME | APP_TOOLS_BY_NAME).items():
            answer = await user.call(tool)
            if definition.read_only:
                assert answer.status == 200
                assert "www-authenticate" not in answer.headers
                continue
            assert answer.status == 403
            challenge = answer.headers["www-authenticate"]
            assert 'error="insufficient_scope"' in challenge
            assert 'scope="evals:read evals:write"' in challenge
        assert (await user.answer("list_datasets"))["datasets"] == []


def disguised() -> Iterator[bytes]:
    """Calls of a writing tool in forms that are hard to recognise from the body."""
    plain = json.dumps(tool_call("upload_dataset", rows=ROWS))
    yield plain.replace("upload_dataset", "\\u0075pload_dataset").encode()
    yield plain.replace("tools/call", "tools\\/call").encode()
    yield plain.replace('"params"', '"params": {"name": "list_models"}, "params"').encode()
    yield plain.replace('"method"', '"method": "ping", "method"').encode()
    yield plain.encode("utf-16")
    yield b"\xef\xbb\xbf" + plain.encode()
    yield f"[{plain}]".encode()
    yield plain.replace('"id": 1', '"id": ' + "9" * 4300).encode()
    yield plain.replace('"rows"', f'"deep": {"[" * 150}{"]" * 150}, "rows"').encode()
    yield json.dumps(tool_call("upload_dataset", rows=[{"a": "x" * 5 * 2**20}])).encode()


async def test_no_disguise_of_a_call_lets_a_reader_write(tmp_path: Path) -> None:
    issuer = Issuer()
    settings = of_issuer(
        tmp_path, issuer, SERVER__PROVIDER="local", HTTP__MAX_BODY_BYTES=str(9 * 2**20)
    )
    tokens = [bearer(issuer.token("alice", scope)) for scope in ("evals:read", EVERYTHING)]
    async with serving(settings, issuer) as url, callers(url, *tokens) as (reader, writer):
        for body in disguised():
            sent = reader.headers | {"Content-Type": "application/json"}
            accept = {"Accept": "application/json, text/event-stream"}
            await reader.post(body)
            await reader.http.post("/mcp", content=as_chunks(body), headers=sent | accept)
        assert {answer.status for answer in reader.answers} <= {400, 403}
        assert (await writer.answer("list_datasets"))["datasets"] == []
        assert (await writer.call("upload_dataset", rows=ROWS)).status == 200


# Servers that do not start


@pytest.mark.parametrize(
    ("host", "settings", "named"),
    [
        ("0.0.0.0", {}, "http.mode"),
        ("::", {}, "http.mode"),
        (None, {"HTTP__HOST": "0.0.0.0"}, "http.mode"),
        (None, {"HTTP__MODE": "header", "SERVER__PROVIDER": "local"}, "server.provider"),
        (None, {"HTTP__MODE": "oauth"}, "oauth.issuer"),
        (None, {"HTTP__MODE": "oauth", "OAUTH__ISSUER": "https://a.example"}, "oauth.resource"),
        (
            "0.0.0.0",
            {
                "HTTP__MODE": "oauth",
                "OAUTH__ISSUER": "http://a.example",
                "OAUTH__RESOURCE": AUDIENCE,
            },
            "oauth.issuer",
        ),
        (
            None,
            {
                "HTTP__MODE": "oauth",
                "OAUTH__ISSUER": "https://a.example",
                "OAUTH__RESOURCE": "https://evals.example/other",
            },
            "oauth.resource",
        ),
    ],
)
def test_an_unsafe_server_does_not_start_and_names_the_setting(
    host: str | None, settings: dict[str, str], named: str, tmp_path: Path
) -> None:
    configured = load_settings(None, unsafe(tmp_path, settings), tmp_path, SERVICES)
    with pytest.raises(OperatorError, match=re.escape(named)):
        HttpService(configured, "0.0", host or configured.http.host, 0)


def unsafe(folder: Path, settings: dict[str, str]) -> dict[str, str]:
    """Return an environment with these settings, which stores everything below one folder."""
    stored = {
        "LOCAL__DATA_DIR": str(folder / "engine"),
        "BUDGET__KEY_FILE": str(folder / "confirm.key"),
        "STATE__FOLDER": str(folder / "state"),
    }
    return {f"EVALS_MCP_{name}": value for name, value in (stored | settings).items()}


def test_the_command_of_an_unsafe_server_ends_with_one_line_and_exit_code_2(
    tmp_path: Path,
) -> None:
    own = {name: value for name, value in os.environ.items() if not name.startswith("EVALS_")}
    command = [sys.executable, "-m", "evals_mcp.cli", "serve", "--http", "--port", "0"]
    done = subprocess.run(
        [*command, "--host", "0.0.0.0"],
        check=False,
        capture_output=True,
        encoding="utf-8",
        env=own | unsafe(tmp_path, {}),
        cwd=tmp_path,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert "http.mode" in done.stderr
