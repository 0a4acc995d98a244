"""Identical creates at once are one evaluation: two servers over stdio, 20 clients over HTTP.

python -m tests.proofs.identical_creates [rounds]
"""

from __future__ import annotations

import sqlite3
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path
from typing import Any

import anyio
import httpx2

from tests.engine.model_server import ChatRequest, ModelServer, Reply, verdict
from tests.journeys.caller import Caller
from tests.journeys.conversation import conversation
from tests.journeys.served_http import served_over_http

ROUNDS = 200
HTTP_CLIENTS = 20
ROWS = [{"question": f"What is {n} + 1?", "answer": str(n + 1)} for n in range(2)]

Call = Callable[..., Awaitable[dict[str, Any]]]
"""Calls a tool through one client and returns the structured content of its success."""


class Outcome:
    """What the rounds of one transport have led to."""

    def __init__(self, folder: Path, endpoint: ModelServer, rounds: int) -> None:
        self._folder, self._endpoint, self._rounds = folder, endpoint, rounds
        self.answers: list[list[dict[str, Any]]] = []
        """The answers of each round."""

    @property
    def evaluations(self) -> int:
        """The number of evaluations that the engine has stored."""
        with closing(sqlite3.connect(self._folder / "engine" / "evals.sqlite3")) as connection:
            return connection.execute("SELECT count(*) FROM evaluations").fetchone()[0]

    @property
    def split_rounds(self) -> int:
        """The number of rounds in which the clients got different evaluations."""
        return sum(len({each["evaluation_id"] for each in round_}) > 1 for round_ in self.answers)

    @property
    def model_calls(self) -> Counter[tuple[str, str]]:
        """How often each prompt arrived at the model."""
        return Counter((each.system, str(each.user)) for each in self._endpoint.requests)

    def check(self, *, one_starts: bool = True) -> None:
        """Raise AssertionError unless each round has led to one evaluation.

        Args:
            one_starts: whether exactly one client of each round is answered `started`.
        """
        assert self.split_rounds == 0, self.answers
        assert self.evaluations == self._rounds, self.evaluations
        calls = self.model_calls
        assert len(calls) == self._rounds * len(ROWS), len(calls)
        assert set(calls.values()) == {1}, calls.most_common(3)
        if one_starts:
            for round_ in self.answers:
                outcomes = Counter(answer["outcome"] for answer in round_)
                assert outcomes == {"started": 1, "exists": len(round_) - 1}, outcomes

    def __str__(self) -> str:
        repeated = sum(count - 1 for count in self.model_calls.values())
        return (
            f"{len(self.answers)} rounds, {self.evaluations} evaluations, "
            f"{self.model_calls.total()} model calls, {repeated} of them repeated"
        )


async def over_stdio(folder: Path, rounds: int, *, share_state: bool = True) -> Outcome:
    """Run the rounds with two servers over stdio on one engine folder."""
    async with AsyncExitStack() as stack:
        endpoint = await stack.enter_async_context(_endpoint())
        calls: list[Call] = []
        for name in ("one", "two"):
            state = folder / ("state" if share_state else f"state-{name}")
            server = await stack.enter_async_context(
                conversation(
                    folder,
                    folder,
                    LOCAL__MODELS__BASE_URL=endpoint.base_url,
                    STATE__FOLDER=str(state),
                )
            )
            calls.append(server.answer)
        return await _outcome(folder, endpoint, calls, rounds)


async def over_http(folder: Path, rounds: int, clients: int = HTTP_CLIENTS) -> Outcome:
    """Run the rounds with one server over HTTP and several clients."""
    async with (
        _endpoint() as endpoint,
        served_over_http(
            folder, SERVER__PROVIDER="local", LOCAL__MODELS__BASE_URL=endpoint.base_url
        ) as server,
        AsyncExitStack() as stack,
    ):
        calls: list[Call] = []
        for _ in range(clients):
            http = httpx2.AsyncClient(base_url=server.root, timeout=300)
            calls.append(Caller(await stack.enter_async_context(http)).answer)
        return await _outcome(folder, endpoint, calls, rounds)


@asynccontextmanager
async def _endpoint() -> AsyncGenerator[ModelServer]:
    def judge(_: ChatRequest) -> Reply:
        return verdict(feedback="", label="good")

    async with ModelServer(judge, models=["judge-1"]) as endpoint:
        yield endpoint


async def _outcome(
    folder: Path, endpoint: ModelServer, calls: Sequence[Call], rounds: int
) -> Outcome:
    outcome = Outcome(folder, endpoint, rounds)
    file_id = (await calls[0]("upload_dataset", rows=ROWS))["file_id"]
    for number in range(rounds):
        answers = await _round(calls, _request(file_id, number))
        evaluation_id = answers[0]["evaluation_id"]
        await calls[0]("get_status", evaluation_id=evaluation_id, wait_seconds=45)
        outcome.answers.append(answers)
    return outcome


async def _round(calls: Sequence[Call], request: dict[str, Any]) -> list[dict[str, Any]]:
    """Send one create through each client, all released at the same moment."""
    answers: list[dict[str, Any]] = []
    barrier = anyio.Event()

    async def create(call: Call) -> None:
        await barrier.wait()
        answers.append(await call("create_evaluation", **request))

    async with anyio.create_task_group() as tasks:
        for call in calls:
            tasks.start_soon(create, call)
        await anyio.wait_all_tasks_blocked()
        barrier.set()
    return answers


def _request(file_id: str, number: int) -> dict[str, Any]:
    return {
        "type": "classify",
        "input_data_file_path": file_id,
        "judge": {"model": "judge-1", "system_template": f"Round {number}: {{{{question}}}}"},
        "labels": ["good", "bad"],
        "pass_labels": ["good"],
        "response_column": "answer",
    }


async def _main(rounds: int) -> None:
    for name, run in (("Two servers over stdio", over_stdio), ("20 clients over HTTP", over_http)):
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            outcome = await run(Path(folder), rounds)
            print(f"{name}: {outcome}", flush=True)
            outcome.check()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        outcome = await over_stdio(Path(folder), rounds, share_state=False)
        print(f"Two servers over stdio, state not shared: {outcome}", flush=True)
        outcome.check(one_starts=False)


if __name__ == "__main__":
    anyio.run(_main, int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS)
