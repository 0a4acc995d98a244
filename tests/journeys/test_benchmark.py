"""Benchmarks in conversation, with the embedded engine and with a served engine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.engine.model_server import ChatRequest, ModelServer, Reply, completion
from tests.journeys.conversation import Conversation, conversation
from tests.journeys.served import served_engine

pytestmark = pytest.mark.usefixtures("lines_not_counted")

QUESTIONS = 30
TOKEN = "served-engine-token"
MODELS = ("small-model", "large-model")


def answer(request: ChatRequest) -> Reply:
    """Answer as a large model that knows all capitals, or a small one that knows every second."""
    number = int(str(request.user).rpartition(" ")[2].rstrip("?"))
    knows = request.body["model"] == "large-model" or number % 2 == 0
    return completion(f"It is capital-{number}-city." if knows else "I do not know.")


def questions(folder: Path) -> Path:
    path = folder / "capitals.jsonl"
    lines = [
        {"question": f"What is the capital of land {n}?", "answer": f"capital-{n}-city"}
        for n in range(QUESTIONS)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


async def uploaded(talk: Conversation) -> str:
    stored = await talk.answer("upload_dataset", path="capitals.jsonl", benchmark=True)
    return stored["file_id"]


async def finished(talk: Conversation, **request: Any) -> str:
    """Run an evaluation to its end and return its id."""
    created = await talk.answer("create_evaluation", type="benchmark", **request)
    assert created["outcome"] == "started", created
    status = await talk.answer(
        "get_status", evaluation_id=created["evaluation_id"], wait_seconds=45
    )
    assert status["status"] == "completed", status
    return created["evaluation_id"]


async def evaluate(talk: Conversation) -> None:
    """Evaluate one model, another, and both side by side; read rows; compare."""
    benchmark = await uploaded(talk)
    assert await uploaded(talk) == benchmark
    listed = await talk.answer("list_datasets")
    assert [(line["file_id"], line["kind"]) for line in listed["datasets"]] == [
        (benchmark, "benchmark")
    ]
    small, large = [
        await finished(talk, model_id=model, benchmark_id=benchmark) for model in MODELS
    ]
    found = await talk.answer("get_evaluation", evaluation_id=small)
    assert found["summary"]["headline"] == (
        "'small-model' answers 15 of 30 questions correctly: 50.0 % (95 % interval 33.2 to 66.8 "
        "%); judged by rule/contains."
    )
    page = await talk.answer("read_results", evaluation_id=small, limit=2)
    assert (page["showing"], page["matching"], page["total"]) == ("failing", 15, 30)
    assert page["rows"][0]["columns"]["model_answer"] == "I do not know."
    compared = await talk.answer(
        "compare_evaluations", evaluation_id_a=small, evaluation_id_b=large
    )
    assert compared["passes"]["difference"] == 50
    assert compared["headline"].startswith("'large-model' passes 50.0 points more")
    await side_by_side(talk, benchmark)


async def side_by_side(talk: Conversation, benchmark: str) -> None:
    both = await finished(talk, model_id=MODELS[0], model_id_2=MODELS[1], benchmark_id=benchmark)
    status = await talk.answer("get_status", evaluation_id=both)
    found = await talk.answer("get_evaluation", evaluation_id=both)
    assert found["summary"]["headline"].startswith(
        "'large-model' answers more questions correctly than 'small-model': 30 against 15 of 30"
    )
    assert [one["of"] for one in found["summary"]["benchmark"]["differences"]] == [
        "correct",
        "score",
    ]
    wrong = await talk.answer("read_results", evaluation_id=both, label="large-model")
    assert wrong["matching"] == 30
    none = await talk.answer("read_results", evaluation_id=both, label="gud")
    assert none["next_step"] == (
        "No row has the label 'gud'; the models are 'small-model', 'large-model'."
    )
    lines = await talk.answer("list_evaluations", type="benchmark")
    assert len(lines["evaluations"]) == 3
    headlines = {line["evaluation_id"]: line["headline"] for line in lines["evaluations"]}
    assert headlines[both] == found["summary"]["headline"]
    assert status["headline"].removeprefix("From totals: ") == headlines[both]


async def test_models_are_run_on_a_benchmark_by_the_engine_inside(tmp_path: Path) -> None:
    questions(tmp_path)
    async with (
        ModelServer(answer, MODELS) as model,
        conversation(tmp_path, tmp_path, LOCAL__MODELS__BASE_URL=model.base_url) as talk,
    ):
        await evaluate(talk)


async def test_models_are_run_on_a_benchmark_by_a_service_on_the_network(tmp_path: Path) -> None:
    questions(tmp_path)
    async with (
        ModelServer(answer, MODELS) as model,
        served_engine(
            tmp_path / "served", LOCAL__MODELS__BASE_URL=model.base_url, ENGINE__TOKEN=TOKEN
        ) as engine,
        conversation(
            tmp_path,
            tmp_path,
            SERVER__PROVIDER="nugen",
            NUGEN__BASE_URL=engine.url.removesuffix("/v1"),
            NUGEN__TOKEN=TOKEN,
        ) as talk,
    ):
        await evaluate(talk)


async def test_two_services_are_told_apart_by_their_ids(tmp_path: Path) -> None:
    questions(tmp_path)
    rows = [{"answer": "yes", "expected": "yes"}, {"answer": "no", "expected": "yes"}]
    async with (
        ModelServer(answer, MODELS) as model,
        served_engine(
            tmp_path / "served", LOCAL__MODELS__BASE_URL=model.base_url, ENGINE__TOKEN=TOKEN
        ) as engine,
        conversation(
            tmp_path,
            tmp_path,
            SERVER__PROVIDER="together",
            TOGETHER__BASE_URL=engine.url,
            TOGETHER__TOKEN=TOKEN,
            NUGEN__BASE_URL=engine.url.removesuffix("/v1"),
            NUGEN__TOKEN=TOKEN,
        ) as talk,
    ):
        benchmark = await uploaded(talk)
        stored = await talk.answer("upload_dataset", rows=rows, name="rows")
        data_set = stored["file_id"]
        assert (benchmark.split(":")[0], ":" in data_set) == ("nugen", False)
        judged = {
            "type": "classify",
            "judge": {"model": "rule/exact-match", "system_template": "{{ expected }}"},
            "labels": ["good", "bad"],
            "pass_labels": ["good"],
            "response_column": "answer",
        }
        steered = await talk.refusal(
            "create_evaluation", **judged, input_data_file_path=f"nugen:{data_set}"
        )
        assert "together" in steered
        created = await talk.answer("create_evaluation", **judged, input_data_file_path=data_set)
        run = await finished(talk, model_id=MODELS[0], benchmark_id=benchmark)
        assert (created["provider"], ":" in created["evaluation_id"]) == ("together", False)
        assert run.startswith("nugen:")
        await talk.answer("get_status", evaluation_id=created["evaluation_id"], wait_seconds=45)
        page = await talk.answer("read_results", evaluation_id=created["evaluation_id"])
        assert (page["matching"], page["total"]) == (1, 2)
        lines = await talk.answer("list_evaluations")
        assert {line["evaluation_id"] for line in lines["evaluations"]} == {
            run,
            created["evaluation_id"],
        }
        # From a time when nugen was the only service.
        earlier = await talk.answer("get_status", evaluation_id=run.removeprefix("nugen:"))
        assert earlier["evaluation_id"] == run


async def test_metrics_that_were_not_asked_for_are_not_shown(tmp_path: Path) -> None:
    questions(tmp_path)
    async with (
        ModelServer(answer, MODELS) as model,
        conversation(tmp_path, tmp_path, LOCAL__MODELS__BASE_URL=model.base_url) as talk,
    ):
        benchmark = await uploaded(talk)
        asked = {"model_id": MODELS[0], "custom_metrics": ["accuracy"]}
        done = await finished(talk, benchmark_id=f"local:{benchmark}", **asked)
        found = await talk.answer("get_evaluation", evaluation_id=f"local:{done}")
    assert found["summary"]["benchmark"]["models"][0]["metrics"] == []
    assert found["summary"]["benchmark"]["judge"] == "rule/contains"
    assert found["progress"] == {"done": QUESTIONS, "total": QUESTIONS, "unit": "answers"}
