"""Benchmark evaluations: what is asked, judged, counted and answered."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from dirty_equals import IsFloat, IsPartialDict, IsStr
from inline_snapshot import snapshot

from evals_engine.config import EngineConfig, ModelEndpoint
from evals_schemas.benchmark_api.benchmarks import BenchmarkEvaluationPage
from tests.engine.benchmark_client import (
    MODELS,
    TIME,
    beta_knows_half,
    config_of,
    has_ended,
    knows_all,
    serving,
    with_models,
)
from tests.engine.model_server import ChatRequest, ModelServer, Reply, completion, verdict


async def test_a_single_model_is_run_on_every_question_and_answered_in_the_contracts_form(
    tmp_path: Path,
) -> None:
    async with with_models(tmp_path, beta_knows_half) as client:
        benchmark = await client.upload(name="Capitals")
        created = await client.http.post(
            "/evaluations", json={"model_id": "beta", "benchmark_id": benchmark}
        )
        assert created.json() == {
            "evaluation_id": IsStr(regex=r"beval-[0-9a-f]{4}-\d+"),
            "model_id": "beta",
            "status": "pending",
            "benchmark_id": benchmark,
            "created_at": TIME,
            "message": "Evaluation created successfully and queued for execution",
        }
        evaluation = created.json()["evaluation_id"]
        assert await client.until(evaluation, has_ended) == {
            "evaluation_id": evaluation,
            "status": "completed",
            "benchmark_id": benchmark,
            "progress": "4/4 questions",
            "questions_completed": 4,
            "total_questions": 4,
            "avg_time_per_question": IsFloat(ge=0),
            "eta_seconds": None,
            "start_time": TIME,
            "end_time": TIME,
            "error": None,
            "reason": None,
            "note": None,
        }
        assert await client.results(evaluation) == {
            "evaluation_id": evaluation,
            "model_id": "beta",
            "model_id_2": None,
            "benchmark_id": benchmark,
            "status": "completed",
            "method": "eval",
            "raw_answers_count": 4,
            "created_at": TIME,
            "completed_at": TIME,
            "metrics": {
                "accuracy": 0.5,
                "relevance": IsFloat(gt=0, lt=1),
                "average_score": 0.5,
                "total_questions": 4,
                "correct_answers": 2,
                "failed_questions": 0,
                "accuracy_mean": 0.5,
                "accuracy_std": 0.5,
                "accuracy_min": 0.0,
                "accuracy_max": 1.0,
                "relevance_mean": IsFloat(gt=0, lt=1),
                "relevance_std": IsFloat(gt=0, lt=1),
                "relevance_min": IsFloat(ge=0, lt=1),
                "relevance_max": IsFloat(gt=0, le=1),
            },
            "base_model": None,
            "eval_model": None,
            "comparison": None,
            "paired_answers": None,
            "judge": "rule/contains",
            "custom_metrics": None,
            "error": None,
            "reason": None,
            "usage": {
                "input_tokens": 160,
                "output_tokens": 80,
                "by_role": {
                    "model_id": {
                        "calls": 4,
                        "input_tokens": 160,
                        "output_tokens": 80,
                        "unreported_calls": 0,
                    }
                },
            },
        }


async def test_two_models_are_compared_side_by_side_on_the_same_questions(tmp_path: Path) -> None:
    async with with_models(tmp_path, beta_knows_half) as client:
        evaluation = await client.create(
            model_id="beta", model_id_2="alpha", benchmark_id=await client.upload()
        )
        status = await client.until(evaluation, has_ended)
        assert (status["progress"], status["total_questions"]) == ("8/8 questions", 8)
        results = await client.results(evaluation)
        assert results["method"] == "eval-compare"
        assert results["metrics"] is None
        assert results["raw_answers_count"] == 8
        assert results["base_model"] == {
            "model_id": "beta",
            "metrics": IsPartialDict(accuracy_mean=0.5, accuracy_std=0.5, correct_answers=2),
        }
        assert results["eval_model"] == {
            "model_id": "alpha",
            "metrics": IsPartialDict(accuracy_mean=1.0, accuracy_std=0.0, accuracy_min=1.0),
        }
        accuracy, relevance = results["comparison"]["metrics"]
        assert accuracy == {
            "metric": "accuracy_mean",
            "base": 0.5,
            "evaluated": 1.0,
            "improvement_%": 100.0,
        }
        assert relevance["metric"] == "relevance_mean"
        assert results["comparison"]["summary"] == {
            "avg_improvement": pytest.approx((100.0 + relevance["improvement_%"]) / 2),
            "improved": 2,
            "declined": 0,
            "unchanged": 0,
        }


async def test_the_download_has_each_answer_by_question_and_model(tmp_path: Path) -> None:
    async with with_models(tmp_path, beta_knows_half) as client:
        evaluation = await client.create(
            model_id="alpha", model_id_2="beta", benchmark_id=await client.upload()
        )
        await client.until(evaluation, has_ended)
        answer = (await client.http.get(f"/evaluations/{evaluation}/download")).json()
        rows = answer.pop("detailed_results")
        assert answer == IsPartialDict(evaluation_id=evaluation, status="completed")
        assert [(row["question_id"], row["model_id"]) for row in rows] == [
            (number, model) for number in range(1, 5) for model in ("alpha", "beta")
        ]
        assert rows[:2] == snapshot(
            [
                {
                    "question_id": 1,
                    "question": "Capital of France?",
                    "expected_answer": "Paris",
                    "model_id": "alpha",
                    "model_answer": "It is Paris.",
                    "score": 1.0,
                    "relevance": 0.5882352941176471,
                    "correct": True,
                    "feedback": 'rule/contains: contains "Paris"',
                    "judge_raw_output": IsStr(regex=r'\{"feedback": .*, "score": 1.0\}'),
                    "error": None,
                    "failed_at": None,
                },
                {
                    "question_id": 1,
                    "question": "Capital of France?",
                    "expected_answer": "Paris",
                    "model_id": "beta",
                    "model_answer": "I do not know.",
                    "score": 0.0,
                    "relevance": 0.10526315789473684,
                    "correct": False,
                    "feedback": 'rule/contains: lacks "Paris"',
                    "judge_raw_output": IsStr(regex=r'\{"feedback": .*, "score": 0.0\}'),
                    "error": None,
                    "failed_at": None,
                },
            ]
        )


async def test_the_model_is_asked_the_question_alone(tmp_path: Path) -> None:
    seen: list[ChatRequest] = []

    def reply(request: ChatRequest) -> Reply:
        seen.append(request)
        return completion("Paris")

    question = "What is {{ 7 * 7 }}?\n  Say it."
    async with with_models(tmp_path, reply) as client:
        benchmark = await client.upload([{"question": question, "answer": "Paris"}])
        await client.results(await client.create(model_id="alpha", benchmark_id=benchmark))
    (request,) = seen
    assert request.body["messages"] == [{"role": "user", "content": question}]
    assert request.body["max_tokens"] == 1024


async def test_a_model_judges_by_a_rubric_and_counts_as_correct_from_one_half(
    tmp_path: Path,
) -> None:
    grades = {"France": 0.5, "Italy": 0.25, "Spain": 1, "Japan": 0.75}
    rubrics: list[str] = []

    def reply(request: ChatRequest) -> Reply:
        if request.body["model"] == "alpha":
            return completion("an answer")
        rubrics.append(request.system)
        country = next(name for name in grades if name in str(request.user))
        return verdict(feedback="because", score=grades[country])

    async with with_models(tmp_path, reply, benchmark_judge="judge-1") as client:
        evaluation = await client.create(model_id="alpha", benchmark_id=await client.upload())
        results = await client.results(evaluation)
        rows = await client.rows(evaluation)
    assert results["judge"] == "judge-1"
    assert results["metrics"] == IsPartialDict(
        accuracy=0.75, relevance=0.625, average_score=0.625, correct_answers=3
    )
    assert [(row["score"], row["relevance"], row["correct"]) for row in rows] == [
        (0.5, 0.5, True),
        (0.25, 0.25, False),
        (1.0, 1.0, True),
        (0.75, 0.75, True),
    ]
    assert rows[0]["feedback"] == "because"
    assert json.loads(rows[0]["judge_raw_output"]) == {"feedback": "because", "score": 0.5}
    assert any("Madrid" in rubric for rubric in rubrics)


async def test_answers_that_could_not_be_had_or_judged_are_counted_and_in_no_mean(
    tmp_path: Path,
) -> None:
    questions = [{"question": f"q{n}", "answer": "yes"} for n in range(10)]

    def reply(request: ChatRequest) -> Reply:
        if request.body["model"] == "judge-1":
            unread = "q1\n" in str(request.user)
            return completion("no idea") if unread else verdict(feedback="", score=1)
        failing = request.body["model"] == "beta" and request.user == "q0"
        return Reply(status=500) if failing else completion("yes")

    async with with_models(tmp_path, reply, benchmark_judge="judge-1") as client:
        evaluation = await client.create(
            model_id="alpha", model_id_2="beta", benchmark_id=await client.upload(questions)
        )
        results = await client.results(evaluation)
        rows = await client.rows(evaluation)
    assert results["status"] == "completed"
    assert results["raw_answers_count"] == 19
    assert results["base_model"]["metrics"] == IsPartialDict(
        total_questions=10, failed_questions=1, correct_answers=9, accuracy_mean=1.0
    )
    assert results["eval_model"]["metrics"] == IsPartialDict(
        total_questions=10, failed_questions=2, correct_answers=8, accuracy_mean=1.0
    )
    failed = [row for row in rows if row["score"] is None]
    assert [(row["question_id"], row["model_id"], row["failed_at"]) for row in failed] == [
        (1, "beta", "generation"),
        (2, "alpha", "verdict"),
        (2, "beta", "verdict"),
    ]
    assert failed[0] == IsPartialDict(model_answer=None, correct=None, relevance=None)
    assert "500" in failed[0]["error"]
    assert failed[1]["model_answer"] == "yes"


async def test_more_than_thirty_percent_failed_questions_fail_the_evaluation(
    tmp_path: Path,
) -> None:
    async with with_models(tmp_path, lambda _: Reply(status=503)) as client:
        evaluation = await client.create(model_id="alpha", benchmark_id=await client.upload())
        status = await client.until(evaluation, has_ended)
        assert status["status"] == "failed"
        assert "more than 30%" in status["error"]
        results = await client.results(evaluation)
        assert results["status"] == "failed"
        assert "503" in results["error"]
        assert results["metrics"] == IsPartialDict(accuracy=None, accuracy_std=None)


async def test_only_the_metrics_that_are_asked_for_are_answered(tmp_path: Path) -> None:
    async with with_models(tmp_path, knows_all) as client:
        benchmark = await client.upload()
        for asked in (["accuracy"], {"accuracy": {"weight": 1}}):
            evaluation = await client.create(
                model_id="alpha", benchmark_id=benchmark, custom_metrics=asked
            )
            metrics = (await client.results(evaluation))["metrics"]
            assert metrics["accuracy_mean"] == metrics["accuracy"] == 1.0
            assert not [name for name in metrics if name.startswith("relevance")]


async def test_results_before_the_end_are_refused_with_status_and_progress(
    tmp_path: Path,
) -> None:
    def late(_: ChatRequest) -> Reply:
        return completion("late", delay=60)

    async with with_models(tmp_path, late, stop_seconds=0.1) as client:
        evaluation = await client.create(
            model_id="alpha", model_id_2="beta", benchmark_id=await client.upload()
        )
        running = await client.until(evaluation, lambda status: status["start_time"] is not None)
        assert running["status"] == "in_progress"
        for what in ("results", "download"):
            detail = await client.detail("GET", f"/evaluations/{evaluation}/{what}", 400)
            assert "in_progress (0/8 questions)" in detail


async def test_a_cancelled_evaluation_has_failed_and_keeps_what_was_judged(
    tmp_path: Path,
) -> None:
    questions = [{"question": f"q{n}", "answer": "yes"} for n in range(100)]

    def reply(request: ChatRequest) -> Reply:
        return completion("yes", delay=0 if str(request.user) < "q2" else 60)

    async with with_models(tmp_path, reply, stop_seconds=0.1) as client:
        evaluation = await client.create(
            model_id="alpha", benchmark_id=await client.upload(questions)
        )
        await client.until(evaluation, lambda status: status["questions_completed"] > 0)
        assert (await client.http.post(f"/evaluations/{evaluation}/cancel")).status_code == 200
        status = await client.until(evaluation, has_ended)
        assert status["status"] == "failed"
        assert re.match(r"Cancelled after \d+ of 100 rows", status["error"])
        done = status["questions_completed"]
        results = await client.results(evaluation)
        assert results["metrics"]["total_questions"] == done == len(await client.rows(evaluation))
        again = await client.http.post(f"/evaluations/{evaluation}/cancel")
        assert again.json()["status"] == "failed"


async def test_a_run_that_was_stopped_goes_on_with_the_judge_it_was_created_with(
    tmp_path: Path,
) -> None:
    seen: list[str] = []

    def reply(request: ChatRequest) -> Reply:
        seen.append(str(request.user))
        return completion("yes", delay=0.02)

    questions = [{"question": f"q{n}", "answer": "yes"} for n in range(200)]
    async with ModelServer(reply, models=MODELS) as server:
        config = config_of(tmp_path, server)
        async with serving(config) as client:
            evaluation = await client.create(
                model_id="alpha", model_id_2="beta", benchmark_id=await client.upload(questions)
            )
            await client.until(evaluation, lambda status: status["questions_completed"] >= 100)
        async with serving(replace(config, benchmark_judge="rule/regex")) as client:
            results = await client.results(evaluation)
            assert results["judge"] == "rule/contains"
            assert len(await client.rows(evaluation)) == 400
    assert results["eval_model"]["metrics"]["correct_answers"] == 200
    assert len(set(seen)) == 200
    assert len(seen) <= 2 * (200 + 25)


async def test_the_list_has_pages_and_filters_and_tells_the_total(tmp_path: Path) -> None:
    async with with_models(tmp_path, beta_knows_half) as client:
        benchmark = await client.upload()
        ids = [
            await client.create(model_id=model, benchmark_id=benchmark)
            for model in ("alpha", "beta", "alpha")
        ]
        for evaluation in ids:
            await client.until(evaluation, has_ended)

        async def listed(**query: Any) -> tuple[set[str], int]:
            answer = (await client.http.get("/evaluations", params=query)).json()
            BenchmarkEvaluationPage.model_validate(answer)
            return {one["evaluation_id"] for one in answer["evaluations"]}, answer["total"]

        assert await listed() == (set(ids), 3)
        assert await listed(model_id="beta") == ({ids[1]}, 1)
        assert await listed(status="completed", model_id="alpha") == ({ids[0], ids[2]}, 2)
        assert await listed(status="in_progress") == (set(), 0)
        first, total = await listed(limit=2)
        rest, _ = await listed(limit=2, offset=2)
        assert (first | rest, total, len(first)) == (set(ids), 3, 2)
        (line,) = (await client.http.get("/evaluations?model_id=beta")).json()["evaluations"]
        assert line == {
            "evaluation_id": ids[1],
            "model_id": "beta",
            "model_id_2": None,
            "benchmark_id": benchmark,
            "status": "completed",
            "judge_provider": "rule/contains",
            "created_at": TIME,
            "metrics": IsPartialDict(accuracy=0.5),
        }


async def test_a_dedicated_endpoint_is_run_by_its_name(tmp_path: Path) -> None:
    async with ModelServer(knows_all, models=()) as server:
        endpoint = ModelEndpoint(server.base_url)
        config = EngineConfig(tmp_path, dedicated={"mine": endpoint})
        async with serving(config) as client:
            evaluation = await client.create(model_id="mine", benchmark_id=await client.upload())
            assert (await client.results(evaluation))["metrics"]["accuracy"] == 1.0
            models = (await client.http.get("/models/base")).json()
            assert models == {"models": [{"model_id": "mine", "model_name": "mine", "type": "llm"}]}


async def test_a_model_is_taken_at_its_word_where_the_endpoint_lists_none(tmp_path: Path) -> None:
    async with (
        ModelServer(knows_all, models=()) as server,
        serving(config_of(tmp_path, server)) as client,
    ):
        evaluation = await client.create(model_id="any", benchmark_id=await client.upload())
        assert (await client.results(evaluation))["status"] == "completed"


async def test_an_evaluation_that_ends_before_its_first_question_has_a_reason_and_no_figures(
    tmp_path: Path,
) -> None:
    async with with_models(tmp_path, knows_all) as client:
        benchmark = await client.upload()
        (tmp_path / "engine" / "files" / benchmark).unlink()
        evaluation = await client.create(model_id="alpha", benchmark_id=benchmark)
        status = await client.until(evaluation, has_ended)
        assert (status["status"], status["start_time"]) == ("failed", None)
        results = await client.results(evaluation)
        assert "upload it again" in results["error"]
        assert (results["metrics"], results["raw_answers_count"]) == (None, 0)
        assert await client.rows(evaluation) == []


async def test_rows_that_are_gone_from_the_disk_are_told_so(tmp_path: Path) -> None:
    async with with_models(tmp_path, knows_all) as client:
        evaluation = await client.create(model_id="alpha", benchmark_id=await client.upload())
        await client.results(evaluation)
        for path in (tmp_path / "engine" / "files").glob("file-*"):
            path.unlink()
        assert "gone" in await client.detail("GET", f"/evaluations/{evaluation}/download", 404)
