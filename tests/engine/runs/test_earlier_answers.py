"""Evaluations that judge the answers which another evaluation generates."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import Any

import pytest

from evals_engine.config import EngineConfig, ModelEndpoint
from tests.engine.model_server import ChatRequest, ModelServer, Reply, completion, failure, verdict
from tests.engine.running import MODEL_JUDGE, EngineClient, running_engine

CANDIDATE = {
    "model": "candidate-1",
    "model_source": "serverless",
    "system_template": "Answer briefly.",
    "input_template": "{{ question }}",
    "max_tokens": 100,
    "temperature": 1,
}
ROWS = [{"question": f"What is {n} + 1?", "expected": str(n + 1)} for n in range(6)]


def config_for(tmp_path: Path, server: ModelServer) -> EngineConfig:
    return EngineConfig(
        tmp_path / "engine", serverless=ModelEndpoint(server.base_url), max_retries=0
    )


class Answering:
    """Answers as a candidate that never says the same twice, and as a judge."""

    def __init__(self) -> None:
        self._numbers = count()

    def __call__(self, request: ChatRequest) -> Reply:
        if request.body["model"] != "candidate-1":
            return verdict(feedback="", label="good")
        if "What is 4" in request.user:
            return failure(400)
        return completion(f"answer {next(self._numbers)}")


def body(file_id: str, answers_from: str | None = None, **changes: Any) -> dict[str, Any]:
    judge = MODEL_JUDGE | {"system_template": changes.pop("rubric", "Is it right? {{ expected }}")}
    parameters = {
        "judge": judge,
        "input_data_file_path": file_id,
        "model_to_evaluate": CANDIDATE,
        "labels": ["good", "bad"],
        "pass_labels": ["good"],
        **changes,
    }
    return {"type": "classify", "parameters": parameters} | (
        {} if answers_from is None else {"answers_from": answers_from}
    )


async def created(engine: EngineClient, request: dict[str, Any]) -> str:
    answer = await engine.http.post("/evaluation", json=request)
    assert answer.status_code == 200, answer.text
    return answer.json()["workflow_id"]


async def test_an_evaluation_waits_for_another_one_and_judges_its_answers(tmp_path: Path) -> None:
    async with (
        ModelServer(Answering()) as models,
        running_engine(config_for(tmp_path, models)) as engine,
    ):
        first = await created(engine, body(await engine.upload(ROWS)))
        # Another projection of the same rows: without a column that its judge does not read.
        narrow = await engine.upload([{"question": row["question"]} for row in ROWS])
        second = await created(engine, body(narrow, first, rubric="Is it kind?"))
        jobs = [await engine.finished(each) for each in (first, second)]
        rows = [await engine.result_rows(job) for job in jobs]
        generated = [r for r in models.requests if r.body["model"] == "candidate-1"]

    assert jobs[1]["parameters"]["answers_from"] == first
    _, checked, *_ = jobs[1]["status_updates"]
    assert checked["timestamp"] >= jobs[0]["status_updates"][-1]["timestamp"]
    assert len(generated) == len(ROWS)
    outputs = [[row.get("MODEL_TO_EVALUATE_OUTPUT") for row in each] for each in rows]
    assert outputs[0] == outputs[1]
    assert outputs[0].count(None) == 1
    failed = next(row for row in rows[1] if not row["evaluation_successful"])
    assert f"{first} has no answer to this row: " in failed["evaluation_error"]
    assert [job["status"] for job in jobs] == ["completed", "completed"]


async def test_an_evaluation_whose_answers_were_never_complete_ends_with_what_to_do(
    tmp_path: Path,
) -> None:
    async with (
        ModelServer(lambda _: completion("late", delay=3600)) as models,
        running_engine(config_for(tmp_path, models)) as engine,
    ):
        file_id = await engine.upload(ROWS)
        first = await created(engine, body(file_id))
        second = await created(engine, body(file_id, first, rubric="Kind? {{ expected }}"))
        await engine.until(first, lambda job: job["status"] == "running")
        await engine.http.post(f"/evaluation/{first}/cancel")
        job = await engine.finished(second)

    assert job["status"] == "user_error"
    assert job["results"]["error"] == (
        f"This evaluation judges the answers of {first}, which ended before it had answers to all "
        "rows. Start both again, or this one alone: it then generates its own answers."
    )


@pytest.mark.parametrize(
    ("answers_from", "change", "reason"),
    [
        ("eval-0000-1", {}, "No evaluation 'eval-0000-1'."),
        (None, {"temperature": 0}, "generates other answers"),
        (None, "answer", "generates other answers"),
    ],
)
async def test_only_the_answers_of_the_same_models_are_taken(
    tmp_path: Path, answers_from: str | None, change: Any, reason: str
) -> None:
    async with (
        ModelServer(Answering()) as models,
        running_engine(config_for(tmp_path, models)) as engine,
    ):
        file_id = await engine.upload([row | {"answer": "x"} for row in ROWS])
        first = await created(engine, body(file_id))
        other = change if isinstance(change, str) else CANDIDATE | change
        request = body(file_id, answers_from or first, model_to_evaluate=other)
        answer = await engine.http.post("/evaluation", json=request)

    assert answer.status_code == 400
    assert reason in answer.json()["error"]["message"]
