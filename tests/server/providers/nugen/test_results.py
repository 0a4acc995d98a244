"""Whatever a benchmark service answers is read, or is an error of this project."""

from __future__ import annotations

import json
import math
from typing import Any

import anyio
from hypothesis import given, settings
from hypothesis import strategies as st

from evals_mcp.errors import EvalsMCPError
from evals_mcp.providers.nugen.results import results_of
from evals_schemas.benchmark_api.benchmarks import BenchmarkResults, BenchmarkWireResults
from tests.server.nugen_exchanges import BENCHMARK_ID, Played, Route, nugen
from tests.server.scripted_service import answer
from tests.volume import examples

ID = "eval-any"

SCALAR = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(
        ["", "READY", "failed", "evaluated", "1/2", "2026-09-01T00:00:00", "9999-12-31"]
    )
    | st.text(max_size=5)
)
NAMES = st.sampled_from(
    [
        "evaluation_id", "evaluations", "status", "model_id", "model_id_2", "baseline_model_id",
        "metrics", "base_model", "eval_model", "method", "raw_answers_count", "completed_at",
        "created_at", "start_time", "accuracy", "accuracy_mean", "accuracy_std", "total_questions",
        "failed_questions", "correct_answers", "average_score", "progress", "questions_completed",
        "total", "detailed_results", "questions", "question", "score", "benchmarks", "id",
        "models", "error", "mean",
    ]
)  # fmt: skip
JSON = st.recursive(
    SCALAR,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(NAMES, below, max_size=6),
    max_leaves=20,
)
OBJECT = st.dictionaries(NAMES, JSON, max_size=10)


def asked(body: Any, status: Any, page: Any) -> list[BenchmarkResults]:
    """Every read of a service that answers these; returns the results that it had."""
    one = f"/api/v3/evaluations/{ID}"
    routes: dict[Route, Played] = {
        ("GET", f"{one}/results"): answer(body),
        ("GET", f"{one}/status"): answer(status),
        ("GET", f"{one}/download"): answer(body),
        ("GET", "/api/v3/evaluations"): answer(page),
        ("POST", "/api/v3/evaluations"): answer(body),
        ("GET", "/api/v3/benchmark/list"): answer(page),
        ("GET", f"/api/v3/benchmark/{BENCHMARK_ID}/data"): answer(body),
        ("GET", "/api/v3/models/base"): answer(page),
    }

    async def all_reads() -> list[BenchmarkResults]:
        found: list[BenchmarkResults] = []
        async with nugen(1, routes, configured=1) as (provider, _):

            async def content(file_id: str) -> None:
                async with provider.dataset_content(file_id) as blocks:
                    async for block in blocks:
                        for line in block.splitlines():
                            json.loads(line)

            async def job() -> None:
                read = await provider.get_evaluation(ID)
                if read.results:
                    found.append(BenchmarkResults.model_validate(read.results))

            for read in (
                job,
                lambda: provider.get_status(ID),
                provider.list_evaluations,
                provider.list_datasets,
                provider.list_models,
                lambda: content(f"rows-{ID}"),
                lambda: content(BENCHMARK_ID),
            ):
                try:
                    await read()
                except EvalsMCPError:
                    continue
        return found

    return anyio.run(all_reads)


@settings(max_examples=examples(60), deadline=None)
@given(body=JSON | OBJECT, status=OBJECT, page=JSON | OBJECT)
def test_any_answer_is_read_or_is_an_error_of_this_project(
    body: Any, status: Any, page: Any
) -> None:
    asked(body, status, page)


@settings(max_examples=examples(60), deadline=None)
@given(body=OBJECT, words=st.sampled_from(["READY", "evaluated", "FAILED", "in_progress"]))
def test_figures_are_finite_numbers_or_absent(body: Any, words: str) -> None:
    for results in asked(body, {"status": words}, {"evaluations": []}):
        for model in results.models:
            for figures in model.metrics.values():
                reported = [value for value in figures.model_dump().values() if value is not None]
                assert reported
                assert all(math.isfinite(value) for value in reported)


def read(**fields: Any) -> BenchmarkResults:
    return results_of(BenchmarkWireResults.model_validate(fields), ID)


def test_blocks_are_distinguished_by_their_model_and_not_by_their_label() -> None:
    found = read(
        model_id="a",
        model_id_2="b",
        base_model={"model_id": "b", "metrics": {"accuracy": 0.1}},
        eval_model={"model_id": "a", "metrics": {"accuracy": 0.9}},
    )

    assert [(one.model_id, one.metrics["accuracy"].mean) for one in found.models] == [
        ("a", 0.9),
        ("b", 0.1),
    ]


def test_a_block_without_a_model_is_left_out_and_said() -> None:
    found = read(model_id="a", model_id_2="b", base_model={"metrics": {"accuracy": 0.1}})

    assert found.models == []
    assert found.note == "The service does not name the model of a part of its figures."


def test_an_average_over_improvements_is_no_figure() -> None:
    metrics = {"accuracy": 0.5, "avg_improvement": 7.0, "improvement_%": 7.0}
    assert set(read(model_id="a", metrics=metrics).models[0].metrics) == {"accuracy"}


def test_a_named_mean_counts_more_than_a_plain_value() -> None:
    for metrics in ({"score": 1, "score_mean": 2}, {"score_mean": 2, "score": 1}):
        assert read(model_id="a", metrics=metrics).models[0].metrics["score"].mean == 2


def test_what_is_no_number_is_left_out_and_said() -> None:
    found = read(model_id="a", metrics={"accuracy": "high", "relevance": {"mean": 0.5, "n": 3}})

    assert set(found.models[0].metrics) == {"relevance"}
    assert found.note == "Left out, because not numbers: 'accuracy'."


def test_failed_questions_are_counted_beside_those_with_a_score() -> None:
    metrics = {"total_questions": 10, "failed_questions": 3, "correct_answers": 5.0}
    (model,) = read(model_id="a", metrics=metrics).models

    assert (model.questions, model.failed, model.correct) == (7, 3, 5)


def test_questions_are_shared_out_where_only_answers_are_counted() -> None:
    wire = BenchmarkWireResults(
        model_id="a",
        model_id_2="b",
        base_model={"model_id": "a", "metrics": {}},
        eval_model={"model_id": "b", "metrics": {}},
    )

    assert [model.questions for model in results_of(wire, ID, 20).models] == [10, 10]
    assert [model.questions for model in results_of(wire, ID, 21).models] == [None, None]
