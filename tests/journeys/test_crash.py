"""A server is killed in the middle of an evaluation: nothing is lost, little is repeated."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.engine.model_server import ChatRequest, ModelServer, Reply, completion
from tests.engine.running import MODEL_JUDGE, EngineClient
from tests.journeys.served import ServedEngine, served_engine

pytestmark = pytest.mark.usefixtures("lines_not_counted")

ROWS = 300
WORKERS = 16
GOOD = json.dumps({"feedback": "", "label": "good"})


class Calls:
    """A judge that answers after a moment and counts how often each row was judged."""

    def __init__(self) -> None:
        self.by_row: Counter[str] = Counter()

    def __call__(self, request: ChatRequest) -> Reply:
        self.by_row[str(request.user)] += 1
        return completion(GOOD, delay=0.05)


def client_of(engine: ServedEngine) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(base_url=engine.url, timeout=60)


async def start(engine: EngineClient) -> str:
    rows: list[dict[str, Any]] = [
        {"expected": f"e{n}", "answer": f"answer {n}"} for n in range(ROWS)
    ]
    return await engine.create(
        "classify",
        judge=MODEL_JUDGE | {"num_workers": WORKERS},
        input_data_file_path=await engine.upload(rows),
        model_to_evaluate="answer",
        labels=["good", "bad"],
        pass_labels=["good"],
    )


async def test_a_restart_after_kill_9_finishes_and_repeats_only_rows_that_were_in_flight(
    tmp_path: Path,
) -> None:
    calls = Calls()
    async with ModelServer(calls) as judge:
        settings = {"LOCAL__MODELS__BASE_URL": judge.base_url, "LOCAL__LEASE_SECONDS": "3"}
        async with served_engine(tmp_path, **settings) as first, client_of(first) as http:
            engine = EngineClient(http)
            created = await start(engine)
            await engine.until(created, lambda job: job["progress"]["done"] >= ROWS // 3)
            first.kill()
        async with served_engine(tmp_path, **settings) as second, client_of(second) as http:
            engine = EngineClient(http)
            job = await engine.finished(created, seconds=300)
            rows = await engine.result_rows(job)
    assert job["status"] == "completed"
    assert [row["answer"] for row in rows] == [f"answer {n}" for n in range(ROWS)]
    assert job["results"]["label_counts"] == {"good": ROWS, "bad": 0}
    repeated = calls.by_row.total() - ROWS
    assert len(calls.by_row) == ROWS
    # In flight means sent to the judge, or judged and not yet on disk.
    assert repeated <= 2 * WORKERS


async def test_a_second_process_reads_cancels_and_takes_over_what_the_first_one_runs(
    tmp_path: Path,
) -> None:
    async with ModelServer(Calls()) as judge:
        settings = {"LOCAL__MODELS__BASE_URL": judge.base_url, "LOCAL__LEASE_SECONDS": "3"}
        async with (
            served_engine(tmp_path, **settings) as first,
            served_engine(tmp_path, **settings) as second,
            client_of(first) as http_of_first,
            client_of(second) as http_of_second,
        ):
            one, other = EngineClient(http_of_first), EngineClient(http_of_second)
            to_cancel = await start(one)
            await other.until(to_cancel, lambda job: job["progress"]["done"] > 0)
            await other.http.post(f"/evaluation/{to_cancel}/cancel")
            cancelled = await other.finished(to_cancel)
            assert "Cancelled after" in cancelled["results"]["error"]

            to_take_over = await start(one)
            await other.until(to_take_over, lambda job: job["progress"]["done"] > 0)
            first.kill()
            job = await other.finished(to_take_over, seconds=300)
            assert job["results"]["label_counts"]["good"] == ROWS
