"""A benchmark evaluation whose server is killed: another process finishes it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import httpx2
import pytest

from tests.engine.benchmark_client import BenchmarkClient, has_ended
from tests.engine.model_server import ChatRequest, ModelServer, Reply, completion
from tests.journeys.served import ServedEngine, served_engine

pytestmark = pytest.mark.usefixtures("lines_not_counted")

QUESTIONS = 150
IN_FLIGHT = 25
"""Calls to a model of the serverless endpoint that the engine makes at once."""


def client_of(engine: ServedEngine) -> httpx2.AsyncClient:
    base_url = engine.url.removesuffix("/v1") + "/api/v3"
    return httpx2.AsyncClient(base_url=base_url, timeout=60)


async def test_a_benchmark_evaluation_outlives_kill_9_and_repeats_only_what_was_in_flight(
    tmp_path: Path,
) -> None:
    asked: Counter[tuple[str, str]] = Counter()

    def reply(request: ChatRequest) -> Reply:
        asked[request.body["model"], str(request.user)] += 1
        return completion("yes", delay=0.1)

    questions = [{"question": f"q{n}", "answer": "yes"} for n in range(QUESTIONS)]
    async with ModelServer(reply, models=("alpha", "beta")) as models:
        settings = {"LOCAL__MODELS__BASE_URL": models.base_url, "LOCAL__LEASE_SECONDS": "3"}
        async with served_engine(tmp_path, **settings) as first, client_of(first) as http:
            client = BenchmarkClient(http)
            evaluation = await client.create(
                model_id="alpha", model_id_2="beta", benchmark_id=await client.upload(questions)
            )
            await client.until(
                evaluation, lambda status: status["questions_completed"] >= QUESTIONS // 2
            )
            first.kill()
        async with served_engine(tmp_path, **settings) as second, client_of(second) as http:
            client = BenchmarkClient(http)
            await client.until(evaluation, has_ended, seconds=300)
            results = await client.results(evaluation)
            rows = await client.rows(evaluation)
    assert results["status"] == "completed"
    assert [row["question"] for row in rows[::2]] == [one["question"] for one in questions]
    assert results["base_model"]["metrics"]["correct_answers"] == QUESTIONS
    assert results["eval_model"]["metrics"]["correct_answers"] == QUESTIONS
    assert len(asked) == 2 * QUESTIONS
    # In flight means sent to a model, or answered and not yet on disk.
    assert asked.total() - len(asked) <= 2 * 2 * IN_FLIGHT
