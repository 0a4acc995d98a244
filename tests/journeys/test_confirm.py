"""A judge that costs money: the user is asked, and nothing starts without an answer."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Literal

import anyio
import pytest
from mcp import Client, MCPError
from mcp.client.session import ClientRequestContext, ElicitationFnT
from mcp_types import ElicitRequestParams, ElicitResult, InputRequiredResult

from evals_mcp.compose import open_providers
from evals_mcp.launching.ask_user import ANSWER_SECONDS
from evals_mcp.lifetime import open_services
from evals_mcp.server import build_server
from evals_mcp.tools.calls.session import Clock
from tests.engine.model_server import ChatRequest, ModelServer, Reply, verdict
from tests.server.serving import MODES, Mode, Served, settings

ROWS = [{"question": f"What is {n} + 1?", "answer": str(n + 1)} for n in range(12)]


def judge(request: ChatRequest) -> Reply:
    return verdict(feedback="", label="good")


def says(action: Literal["accept", "decline", "cancel"]) -> ElicitationFnT:
    async def answer(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        return ElicitResult(action=action)

    return answer


async def never(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
    await anyio.sleep_forever()
    raise AssertionError


class Home:
    """A user's folder, and a model endpoint without known prices."""

    def __init__(self, folder: Path, endpoint: str) -> None:
        self.folder, self.endpoint = folder, endpoint
        self.late = timedelta()
        self.wait: Callable[[float], Awaitable[None]] = anyio.sleep

    @asynccontextmanager
    async def server(
        self, ask: ElicitationFnT | None = None, mode: Mode = "2026-07-28", engine: str = "engine"
    ) -> AsyncGenerator[Served]:
        configured = settings(
            self.folder,
            local={"data_dir": self.folder / engine, "models": {"base_url": self.endpoint}},
            budget={"confirm_above_calls": 0},
        )
        clock = Clock(now=lambda: datetime.now(UTC) + self.late, sleep=self._sleep)
        opening = partial(open_services, configured, open_providers, clock)
        server = build_server("0.0", opening)
        async with Client(server, mode=mode, elicitation_callback=ask) as client:
            yield Served(client)

    async def _sleep(self, seconds: float) -> None:
        await (self.wait(seconds) if seconds == ANSWER_SECONDS else anyio.sleep(seconds))


@asynccontextmanager
async def home(folder: Path) -> AsyncGenerator[Home]:
    with anyio.fail_after(300):
        async with ModelServer(judge, models=["judge-1"]) as endpoint:
            yield Home(folder, endpoint.base_url)


async def wanted(server: Served) -> dict[str, Any]:
    stored = await server.answer("upload_dataset", rows=ROWS)
    return {
        "type": "classify",
        "input_data_file_path": stored["file_id"],
        "judge": {"model": "judge-1", "system_template": "Is it right? {{question}}"},
        "labels": ["good", "bad"],
        "pass_labels": ["good"],
        "response_column": "answer",
    }


async def jobs(server: Served) -> list[str]:
    listed = await server.answer("list_evaluations")
    return [job["evaluation_id"] for job in listed["evaluations"]]


@pytest.mark.parametrize("mode", MODES)
async def test_the_user_agrees_and_it_runs_to_its_end(mode: Mode, tmp_path: Path) -> None:
    async with home(tmp_path) as here, here.server(says("accept"), mode) as server:
        answer = await server.answer("create_evaluation", **await wanted(server))
        assert (answer["outcome"], answer["calls"]) == ("started", len(ROWS))
        status = await server.answer(
            "get_status", evaluation_id=answer["evaluation_id"], wait_seconds=9
        )
        assert status["status"] == "completed"


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("action", ["decline", "cancel"])
async def test_the_user_declines_and_nothing_runs(
    mode: Mode, action: Literal["decline", "cancel"], tmp_path: Path
) -> None:
    async with home(tmp_path) as here, here.server(says(action), mode) as server:
        answer = await server.answer("create_evaluation", **await wanted(server))
        assert answer["outcome"] == "declined"
        assert not await jobs(server)


async def test_the_user_takes_too_long_and_the_code_works(tmp_path: Path) -> None:
    async with home(tmp_path) as here:
        here.wait = lambda _: anyio.lowlevel.checkpoint()
        async with here.server(never, "legacy") as server:
            request = await wanted(server)
            asked = await server.answer("create_evaluation", **request)
            assert asked["outcome"] == "confirm"
            assert not await jobs(server)

            answer = await server.answer("create_evaluation", **request, confirm=asked["confirm"])
            assert answer["outcome"] == "started"
            assert await jobs(server) == [answer["evaluation_id"]]


async def test_a_client_gives_up_while_the_user_thinks_and_nothing_runs(tmp_path: Path) -> None:
    async with home(tmp_path) as here:
        async with here.server(never, "legacy") as server:
            request = await wanted(server)
            with pytest.raises(MCPError, match=r"(?i)timed out"):
                await server.client.call_tool("create_evaluation", request, 0.5)
            assert not await jobs(server)
        async with here.server() as server:
            code = (await server.answer("create_evaluation", **request))["confirm"]
            assert not await jobs(server)
            answer = await server.answer("create_evaluation", **request, confirm=code)
            assert await jobs(server) == [answer["evaluation_id"]]


async def test_a_question_that_is_never_answered_leaves_a_code_that_works(tmp_path: Path) -> None:
    async with home(tmp_path) as here:
        async with here.server(never) as server:
            request = await wanted(server)
            asked = await server.client.session.call_tool(
                "create_evaluation", request, allow_input_required=True
            )
            assert isinstance(asked, InputRequiredResult)
            assert not await jobs(server)
        async with here.server() as server:
            answer = await server.answer(
                "create_evaluation", **request, confirm=asked.request_state
            )
            assert await jobs(server) == [answer["evaluation_id"]]


async def test_a_code_works_once_in_any_server_of_the_user_and_in_no_other(tmp_path: Path) -> None:
    async with home(tmp_path) as here:
        async with here.server() as server:
            request = await wanted(server)
            code = (await server.answer("create_evaluation", **request))["confirm"]
        async with here.server(engine="of-somebody-else") as server:
            theirs = {**request, **await wanted(server)}
            text = await server.refusal("create_evaluation", **theirs, confirm=code)
            assert "not a code that this server has issued to you" in text
            assert not await jobs(server)
        async with here.server() as server:
            altered = code[:-1] + ("A" if code[-1] != "A" else "B")
            text = await server.refusal("create_evaluation", **request, confirm=altered)
            assert "not a code that this server has issued to you" in text
            started = await server.answer("create_evaluation", **request, confirm=code)
        async with here.server() as server:
            replayed = await server.answer("create_evaluation", **request, confirm=code)
            assert replayed["outcome"] == "exists"
            assert await jobs(server) == [started["evaluation_id"]] == [replayed["evaluation_id"]]


async def test_a_code_for_a_second_one_works_once_in_any_server_too(tmp_path: Path) -> None:
    async with home(tmp_path) as here:
        async with here.server(says("accept")) as server:
            request = await wanted(server)
            first = (await server.answer("create_evaluation", **request))["evaluation_id"]
        here.late = timedelta(seconds=2)
        async with here.server() as server:
            asked = await server.answer("create_evaluation", **request, again=True)
            assert asked["outcome"] == "confirm"
        async with here.server() as server:
            second = await server.answer("create_evaluation", **request, confirm=asked["confirm"])
            assert second["outcome"] == "started"
        async with here.server() as server:
            replayed = await server.answer("create_evaluation", **request, confirm=asked["confirm"])
            assert replayed["evaluation_id"] == second["evaluation_id"] != first
            assert len(await jobs(server)) == 2


@pytest.mark.parametrize("mode", MODES)
async def test_after_a_no_a_code_from_before_starts_nothing_at_any_server(
    mode: Mode, tmp_path: Path
) -> None:
    async with home(tmp_path) as here:
        async with here.server() as server:
            request = await wanted(server)
            code = (await server.answer("create_evaluation", **request))["confirm"]
        async with here.server(says("decline"), mode) as server:
            assert (await server.answer("create_evaluation", **request))["outcome"] == "declined"
        async with here.server() as server:
            replayed = await server.answer("create_evaluation", **request, confirm=code)
            assert replayed["outcome"] == "declined"
            assert "confirm" not in replayed
            assert not await jobs(server)

            asked = await server.answer("create_evaluation", **request)
            answer = await server.answer("create_evaluation", **request, confirm=asked["confirm"])
            assert await jobs(server) == [answer["evaluation_id"]]


async def test_a_code_from_an_identical_call_while_the_question_is_open_ends_with_the_no(
    tmp_path: Path,
) -> None:
    decide, asked = anyio.Event(), anyio.Event()

    async def declines(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        asked.set()
        await decide.wait()
        return ElicitResult(action="decline")

    outcomes: list[str] = []
    code = ""
    async with home(tmp_path) as here:
        here.wait = lambda _: anyio.sleep_forever()
        async with here.server(declines, "legacy") as server, here.server() as other:
            request = await wanted(server)

            async def create() -> None:
                answer = await server.answer("create_evaluation", **request)
                outcomes.append(answer["outcome"])

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(create)
                await asked.wait()
                code = (await other.answer("create_evaluation", **request))["confirm"]
                decide.set()
            replayed = await other.answer("create_evaluation", **request, confirm=code)
            assert (outcomes, replayed["outcome"]) == (["declined"], "declined")
            assert not await jobs(other)


async def test_a_code_that_has_expired_is_replaced_by_a_fresh_one(tmp_path: Path) -> None:
    async with home(tmp_path) as here, here.server() as server:
        request = await wanted(server)
        code = (await server.answer("create_evaluation", **request))["confirm"]
        here.late = timedelta(seconds=901)
        stale = await server.answer("create_evaluation", **request, confirm=code)
        assert (stale["outcome"], await jobs(server)) == ("confirm", [])
        assert "has expired" in stale["next_step"]

        fresh = await server.answer("create_evaluation", **request, confirm=stale["confirm"])
        assert await jobs(server) == [fresh["evaluation_id"]]
