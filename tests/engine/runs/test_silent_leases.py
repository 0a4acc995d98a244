"""Takeovers: from a process that no longer renews, whatever any clock shows."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
from hypothesis import given
from hypothesis import strategies as st

from evals_engine.app import create_app
from evals_engine.config import EngineConfig, ModelEndpoint
from evals_engine.runs.silent_leases import SilentLeases
from evals_engine.store.leases import Lease
from evals_engine.store.records import ProcessId
from tests.engine.model_server import ChatRequest, ModelServer, Reply, completion
from tests.engine.running import MODEL_JUDGE, EngineClient

TEN = 10.0


def lease(renewals: int, holder: str = "other") -> Lease:
    return Lease("eval-1", ProcessId(holder), renewals)


def test_a_lease_is_silent_once_it_has_stayed_the_same_for_its_seconds() -> None:
    leases = SilentLeases(TEN)
    looks = [leases.among([lease(7)], now) for now in (0.0, 4.0, 8.0, 10.0)]
    assert looks == [[], [], [], [lease(7)]]


def test_another_holder_or_a_renewal_starts_the_time_anew() -> None:
    leases = SilentLeases(TEN)
    for now, current in ((0.0, lease(1)), (5.0, lease(1)), (9.0, lease(2)), (14.0, lease(2))):
        assert leases.among([current], now) == []
    assert leases.among([lease(2, "third")], 19.0) == []
    assert leases.among([], 24.0) == []
    assert leases.among([lease(2, "third")], 29.0) == []


def test_a_pause_of_this_process_does_not_make_others_silent() -> None:
    leases = SilentLeases(TEN)
    assert leases.among([lease(1)], 0.0) == []
    assert leases.among([lease(1)], 7200.0) == []
    assert leases.among([lease(2)], 7201.0) == []


@given(st.lists(st.floats(0.1, 4.0), min_size=1, max_size=60), st.floats(0, 1e9))
def test_a_holder_that_renews_between_any_two_looks_keeps_its_lease(
    pauses: list[float], start: float
) -> None:
    leases, now = SilentLeases(TEN), start
    for renewals, pause in enumerate(pauses):
        now += pause
        assert leases.among([lease(renewals)], now) == []


ROWS = 60
GOOD = json.dumps({"feedback": "", "label": "good"})


@asynccontextmanager
async def engine(config: EngineConfig, ahead: float = 0.0) -> AsyncGenerator[EngineClient]:
    """Run an engine whose clock is some seconds ahead."""
    app = create_app(config, clock=lambda: time.time() + ahead)
    transport = httpx2.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=transport, base_url="http://engine/v1", timeout=60) as http,
    ):
        yield EngineClient(http)


async def test_a_process_whose_clock_is_ahead_takes_no_run_over_and_judges_no_row_again(
    tmp_path: Path,
) -> None:
    judged: Counter[str] = Counter()

    def judge(request: ChatRequest) -> Reply:
        judged[str(request.user)] += 1
        return completion(GOOD, delay=0.02)

    async with ModelServer(judge) as server:
        config = EngineConfig(tmp_path, serverless=ModelEndpoint(server.base_url))
        async with engine(config) as first:
            created = await first.create(
                "classify",
                judge=MODEL_JUDGE | {"num_workers": 2},
                input_data_file_path=await first.upload(
                    {"expected": "a", "answer": str(number)} for number in range(ROWS)
                ),
                model_to_evaluate="answer",
                labels=["good", "bad"],
                pass_labels=["good"],
            )
            await first.until(created, lambda job: job["progress"]["done"] >= 4)
            async with engine(config, ahead=7200) as second:
                job = await second.finished(created)
    assert job["results"]["label_counts"] == {"good": ROWS, "bad": 0}
    assert judged.total() == len(judged) == ROWS
