"""Serves a team behind nginx, with the site of `deploy/nginx`, and prints what holds.

    python -m tests.proxy [COMMAND…]

Each argument is a command that runs one nginx; without any, the one on the PATH.
"""

from __future__ import annotations

import json
import re
import ssl
import sys
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anyio
import httpx2

from tests.engine.model_server import ModelServer
from tests.journeys.caller import Caller, tool_call
from tests.journeys.served import served_engine
from tests.journeys.served_http import served_over_http
from tests.journeys.two_users import ALICE, BOB, LABELS, MODELS, ROWS, RULE, says
from tests.proxy.nginx import NAME, Proxy, free_port, proxy, version_of

HEADER = "X-Together-Api-Key"


@dataclass(frozen=True)
class Team:
    """Two users of a server behind nginx."""

    proxy: Proxy
    http: httpx2.AsyncClient
    alice: Caller
    bob: Caller


async def the_main_job(team: Team) -> None:
    """A user uploads, evaluates and reads, and another sees nothing of it."""
    data_set = (await team.alice.answer("upload_dataset", rows=ROWS))["file_id"]
    create = LABELS | {"input_data_file_path": data_set, "judge": RULE}
    evaluation = await team.alice.finished(**create)
    answer = await team.alice.answer("get_evaluation", evaluation_id=evaluation)
    assert answer["summary"]["pass_rate"]["count"] == len(ROWS)
    assert (await team.bob.answer("list_evaluations"))["evaluations"] == []


async def a_large_file_by_link(team: Team) -> None:
    """A file beyond the longest request passes by its signed link."""
    said = await team.alice.call("upload_dataset", path="large.jsonl")
    link = re.search(r"https://[^\s'\"\\]+/links/[^\s'\"\\]+", said.text)
    assert link, said.text
    row = json.dumps({"question": "x" * 2_000, "expected": "1"})
    sent = await team.http.put(link[0], content="\n".join([row] * 4_000).encode())
    assert sent.status_code < 300, sent.text


async def a_long_request_is_refused(team: Team) -> None:
    """A request beyond the limit is answered 413."""
    body = json.dumps(tool_call("upload_dataset", rows=[{"a": "x" * 5_000_000}]))
    sent = await team.http.post("/mcp", content=body, headers=team.alice.headers)
    assert sent.status_code == 413, sent.status_code


async def answers_stream(team: Team) -> None:
    """Progress arrives while a call still waits."""
    data_set = (await team.alice.answer("upload_dataset", rows=ROWS))["file_id"]
    judge = {"model": "slow", "system_template": "Is it right? {{question}} {{expected}}"}
    create = LABELS | {"input_data_file_path": data_set, "judge": judge}
    evaluation = await team.alice.started(**create)
    call = tool_call("get_status", evaluation_id=evaluation, wait_seconds=20)
    call["params"]["_meta"] = {"progressToken": 1}
    headers = {
        "Accept": "application/json, text/event-stream",
        "Content-Type": "application/json",
        **team.alice.headers,
    }
    kinds: list[str] = []
    started = anyio.current_time()
    async with team.http.stream("POST", "/mcp", json=call, headers=headers) as answer:
        async for line in answer.aiter_lines():
            if line.startswith("data: {"):
                message = json.loads(line.removeprefix("data: "))
                kinds.append(message.get("method", "result"))
                if len(kinds) == 1:
                    assert anyio.current_time() - started < 15, "the first line came late"
    assert kinds[0] == "notifications/progress", kinds
    assert kinds[-1] == "result", kinds


async def nothing_secret_is_logged(team: Team) -> None:
    """The log has the request and neither a key nor a link's token."""
    sent = await team.http.get("/links/some-token?secret=1", headers={HEADER: ALICE})
    assert sent.status_code >= 400
    log = team.proxy.log
    assert "POST /mcp 200" in log, log
    assert not [text for text in (ALICE, BOB, "secret=1") if text in log]


async def a_missing_key_is_no_login(team: Team) -> None:
    """A request without a key is answered 403 with the header's name, not with a log-in."""
    nobody = Caller(team.http)
    answer = await nobody.call("list_datasets")
    assert answer.status == 403, answer
    assert HEADER in answer.text


CHECKS: tuple[Callable[[Team], Awaitable[None]], ...] = (
    the_main_job,
    a_large_file_by_link,
    a_long_request_is_refused,
    answers_stream,
    a_missing_key_is_no_login,
    nothing_secret_is_logged,
)


async def check(command: str) -> bool:
    """Print a line for each check of one nginx, and return whether all hold."""
    print(f"nginx {version_of(command)}")
    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        async with (
            ModelServer(says, MODELS) as models,
            served_engine(
                folder / "served",
                LOCAL__MODELS__BASE_URL=models.base_url,
                ENGINE__OWNERS__ALICE__TOKEN=ALICE,
                ENGINE__OWNERS__BOB__TOKEN=BOB,
            ) as engine,
        ):
            return await _check_behind(command, folder, {"TOGETHER__BASE_URL": engine.url})


async def _check_behind(command: str, folder: Path, services: dict[str, str]) -> bool:
    (folder / "nginx").mkdir()
    port = free_port()
    async with served_over_http(
        folder / "server",
        HTTP__MODE="header",
        HTTP__ALLOWED_HOSTS=json.dumps([NAME]),
        HTTP__PUBLIC_URL=f"https://{NAME}:{port}",
        SERVER__PROVIDER="together",
        EXPORT__FOLDER=str(folder / "exports"),
        **services,
    ) as server:
        server_port = int(server.root.rpartition(":")[2])
        with proxy(command, folder / "nginx", port, server_port) as running:
            trusted = ssl.create_default_context(cafile=str(running.certificate))
            async with httpx2.AsyncClient(
                base_url=running.url, verify=trusted, trust_env=False, timeout=90
            ) as http:
                users = [Caller(http, {HEADER: key}) for key in (ALICE, BOB)]
                team = Team(running, http, *users)
                return all([await _holds(each, team) for each in CHECKS])


async def _holds(one: Callable[[Team], Awaitable[Any]], team: Team) -> bool:
    try:
        await one(team)
    except Exception:  # noqa: BLE001 - the table goes on with the next check
        print(f"fail  {one.__doc__}\n{traceback.format_exc()}")
        return False
    print(f"ok    {one.__doc__}")
    return True


async def main() -> int:
    """Check each nginx; return 1 if something does not hold, else 0."""
    return 0 if all([await check(command) for command in sys.argv[1:] or ["nginx"]]) else 1


if __name__ == "__main__":
    sys.exit(anyio.run(main))
