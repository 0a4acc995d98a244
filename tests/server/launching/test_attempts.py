"""Servers that share an engine but no data folder start one evaluation for identical creates."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from evals_mcp.errors import InvalidRequestError
from evals_mcp.launching.attempts import attempt_key
from evals_mcp.launching.launch import parameters_of
from evals_mcp.launching.repeats import EarlierCreates
from evals_mcp.providers.protocol import AnyRequest
from evals_mcp.providers.same_request import SEARCHED_JOBS
from evals_schemas.evaluation_api.evaluations import EvaluationCreated, EvaluationJob
from tests.server.launching.test_repeats import CLASSIFY, CreatingProcess, Service
from tests.volume import examples

WINDOW = 900


@dataclass
class Engine(Service):
    """Starts one evaluation for each key, and refuses a key that comes with another body."""

    by_key: dict[str, tuple[str, Any]] = field(default_factory=dict[str, tuple[str, Any]])
    process: CreatingProcess | None = None
    refusal: InvalidRequestError | None = None

    async def create_evaluation(
        self, request: AnyRequest, key: str | None = None
    ) -> EvaluationCreated:
        assert self.process is not None
        assert key is not None
        if self.refusal:
            raise self.refusal
        body = parameters_of(request)
        if key not in self.by_key:
            evaluation_id = f"eval-{len(self.by_key) + 1}"
            self.by_key[key] = evaluation_id, body
            job = EvaluationJob(
                workflow_id=evaluation_id,
                type=request.type,
                status="running",
                created_at=self.process.now,
                parameters=body,
            )
            self.jobs.insert(0, job)
        evaluation_id, first_body = self.by_key[key]
        if first_body != body:
            raise InvalidRequestError("This Idempotency-Key came with another request before.")
        return EvaluationCreated(workflow_id=evaluation_id, status="pending")

    def end(self, evaluation_id: str, status: str) -> None:
        (job,) = [job for job in self.jobs if job.workflow_id == evaluation_id]
        job.status = status

    def end_all(self) -> None:
        for job in self.jobs:
            job.status = "completed"

    def crowd(self) -> None:
        """Start so many other evaluations that the list shows no earlier one."""
        other = {**CLASSIFY["parameters"], "input_data_file_path": "file-other"}
        now = self.process.now if self.process else None
        self.jobs[:0] = [
            EvaluationJob(
                workflow_id=f"other-{len(self.jobs)}-{number}",
                type="classify",
                status="completed",
                created_at=now,
                parameters=other,
            )
            for number in range(SEARCHED_JOBS)
        ]


class TwoServers:
    """Two servers with a data folder each, on one engine and with one clock."""

    def __init__(self) -> None:
        self.engine = Engine()
        self.one, self.two = CreatingProcess(WINDOW), CreatingProcess(WINDOW)
        for server in (self.one, self.two):
            server.service = self.engine
        self.engine.process = self.one

    def wait(self, seconds: float) -> None:
        for server in (self.one, self.two):
            server.now += timedelta(seconds=seconds)

    async def at_once(self, **changes: Any) -> list[str]:
        """Return what both servers answer if both search before either has created anything."""
        ids: list[str] = []
        searches: list[tuple[CreatingProcess, EarlierCreates]] = [
            (server, await server.repeats.search(server.launch()))
            for server in (self.one, self.two)
        ]
        for server, earlier in searches:
            launch = server.launch(**changes) if server is self.two else server.launch()
            if earlier.evaluation:
                ids.append(earlier.evaluation.evaluation_id)
            else:
                ids.append((await server.repeats.create(launch, earlier, None)).evaluation_id)
        return ids


@pytest.fixture
def servers() -> TwoServers:
    return TwoServers()


async def test_creates_at_once_start_one(servers: TwoServers) -> None:
    assert await servers.at_once() == ["eval-1", "eval-1"]


@pytest.mark.parametrize("status", ["error", "user_error"])
async def test_creates_at_once_after_a_failed_one_start_one_more(
    servers: TwoServers, status: str
) -> None:
    await servers.at_once()
    servers.engine.end("eval-1", status)
    servers.wait(10)
    assert await servers.at_once() == ["eval-2", "eval-2"]


@pytest.mark.parametrize(
    ("seconds", "expected"), [(WINDOW, "eval-1"), (WINDOW + 1, "eval-2"), (90_000, "eval-2")]
)
async def test_creates_at_once_after_the_time_for_repetitions_start_one_more(
    servers: TwoServers, seconds: int, expected: str
) -> None:
    await servers.at_once()
    servers.engine.end("eval-1", "completed")
    servers.wait(seconds)
    assert await servers.at_once() == [expected, expected]


async def test_again_starts_another_one_at_each_server(servers: TwoServers) -> None:
    (first, _) = await servers.at_once()
    more = [
        await server.started(server.launch(again=True)) for server in (servers.one, servers.two)
    ]
    assert len({first, *more}) == 3


async def test_earlier_attempts_that_the_list_no_longer_shows_are_passed_by(
    servers: TwoServers,
) -> None:
    for _ in range(3):
        await servers.at_once()
        servers.engine.end_all()
        servers.wait(90_000)
    servers.engine.crowd()
    assert await servers.at_once() == ["eval-4", "eval-4"]


async def test_a_create_with_another_number_of_workers_is_the_same_one(servers: TwoServers) -> None:
    judge = {**CLASSIFY["parameters"]["judge"], "num_workers": 9}
    assert await servers.at_once(judge=judge) == ["eval-1", "eval-1"]


async def test_another_number_of_workers_than_an_unlisted_one_had_is_no_obstacle(
    servers: TwoServers,
) -> None:
    await servers.at_once()
    servers.engine.end_all()
    servers.wait(90_000)
    servers.engine.crowd()
    judge = {**CLASSIFY["parameters"]["judge"], "num_workers": 9}
    assert await servers.one.started(servers.one.launch(judge=judge)) == "eval-2"


async def test_a_request_that_the_engine_refuses_is_refused(servers: TwoServers) -> None:
    servers.engine.refusal = InvalidRequestError("No such model.")
    with pytest.raises(InvalidRequestError, match="No such model"):
        await servers.one.started(servers.one.launch())


def test_a_key_does_not_depend_on_how_a_configuration_shows_ids() -> None:
    assert attempt_key("request", "local:eval-1") == attempt_key("request", "eval-1")
    assert attempt_key("request", "eval-1") != attempt_key("request", "eval-2")
    assert attempt_key("request", "") != attempt_key("other", "")


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("create"), st.booleans()),
        st.tuples(st.just("again"), st.booleans()),
        st.tuples(st.just("fail"), st.booleans()),
        st.tuples(st.just("complete"), st.booleans()),
        st.tuples(st.just("wait"), st.sampled_from([1, WINDOW // 2, WINDOW, 90_000])),
    ),
    max_size=12,
)


@hypothesis_settings(max_examples=examples(40), deadline=None)
@given(STEPS)
def test_a_create_repeats_the_young_one_that_has_not_failed_or_starts_another(
    steps: list[tuple[str, Any]],
) -> None:
    async def run() -> None:
        servers = TwoServers()
        engine = servers.engine
        for action, value in steps:
            server = servers.one if value else servers.two
            if action == "wait":
                servers.wait(value)
            elif action == "fail":
                for job in engine.jobs[:1]:
                    job.status = "error"
            elif action == "complete":
                engine.end_all()
            elif action == "again":
                before = len(engine.jobs)
                await server.started(server.launch(again=True))
                assert len(engine.jobs) == before + 1
            else:
                oldest = server.now - timedelta(seconds=WINDOW)
                repeated = [
                    job.workflow_id
                    for job in engine.jobs
                    if job.status == "running"
                    or (job.status == "completed" and job.created_at and job.created_at >= oldest)
                ]
                before = len(engine.jobs)
                answer = await server.started(server.launch())
                assert len(engine.jobs) == before + (not repeated)
                assert answer == (repeated[0] if repeated else engine.jobs[0].workflow_id)

    anyio.run(run)
