"""Answers of the benchmark contract about an evaluation: status, results and comparison.

The answers are written field by field in the first generation of the contract. The models of
`evals_schemas.benchmark_api.benchmarks` do not fit, as they read all three generations.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from evals_engine.benchmarks.parameters import BenchmarkParameters
from evals_engine.store.records import StatusChange, StoredEvaluation
from evals_schemas.benchmark_api.benchmarks import METRICS
from evals_schemas.evaluation_api.evaluations import ENDED

STATUSES: Mapping[str, tuple[str, ...]] = {
    "pending": ("pending",),
    "in_progress": ("queued", "running"),
    "completed": ("completed",),
    "failed": ("error", "user_error"),
}
"""The statuses of the contract, each with the statuses of an evaluation that it stands for."""

_STATUS_OF = {state: status for status, states in STATUSES.items() for state in states}

StatusHistory = Sequence[StatusChange]
"""The status changes of an evaluation, oldest first."""


def iso_time(seconds: float) -> str:
    """Return a time in Unix seconds in the contract's form: UTC, whole seconds."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"


def parameters_of(evaluation: StoredEvaluation) -> BenchmarkParameters:
    """Return the parameters of a benchmark evaluation."""
    return BenchmarkParameters.model_validate(evaluation.parameters)


def line_of(evaluation: StoredEvaluation) -> dict[str, Any]:
    """Return an evaluation as an entry of a list. Its metrics are those of `model_id`."""
    parameters = parameters_of(evaluation)
    models = (evaluation.results or {}).get("models", [])
    return {
        "evaluation_id": evaluation.id,
        "model_id": parameters.model_id,
        "model_id_2": parameters.model_id_2,
        "benchmark_id": parameters.benchmark_id,
        "status": _STATUS_OF[evaluation.status],
        "judge_provider": parameters.judge,
        "created_at": iso_time(evaluation.created_at),
        "metrics": models[0]["metrics"] if models else None,
    }


def status_of(
    evaluation: StoredEvaluation, history: StatusHistory, now: float, note: str | None
) -> dict[str, Any]:
    """Return the status and progress. A question is done when all models have answered it."""
    parameters = parameters_of(evaluation)
    ended = evaluation.status in ENDED
    start = next((change.time for change in history if change.status == "running"), None)
    end = history[-1].time if ended else None
    done, total = _progress(evaluation, parameters)
    average = None
    if start is not None and done:
        average = max((end or now) - start, 0.0) / done
    return {
        "evaluation_id": evaluation.id,
        "status": _STATUS_OF[evaluation.status],
        "benchmark_id": parameters.benchmark_id,
        "progress": f"{done}/{total} questions",
        "questions_completed": done,
        "total_questions": total,
        "avg_time_per_question": average,
        "eta_seconds": None if average is None or ended else average * (total - done),
        "start_time": None if start is None else iso_time(start),
        "end_time": None if end is None else iso_time(end),
        "error": (evaluation.results or {}).get("error"),
        "reason": (evaluation.results or {}).get("reason"),
        "note": note,
    }


def results_of(evaluation: StoredEvaluation) -> dict[str, Any]:
    """Return the results of an ended evaluation; figures are None if nothing was judged."""
    parameters, results = parameters_of(evaluation), evaluation.results or {}
    return {
        **summary_of(evaluation),
        **_figures(results.get("models", []), parameters.metrics),
        "paired_answers": results.get("paired_answers"),
        "judge": parameters.judge,
        "custom_metrics": _custom_metrics(parameters),
        "error": results.get("error"),
        "reason": results.get("reason"),
        "usage": results.get("usage"),
    }


def _custom_metrics(parameters: BenchmarkParameters) -> list[str] | None:
    """Return the metrics; None if all were requested."""
    return None if parameters.metrics == METRICS else list(parameters.metrics)


def summary_of(evaluation: StoredEvaluation) -> dict[str, Any]:
    """Return the fields that start the results and the rows of an ended evaluation."""
    parameters = parameters_of(evaluation)
    return {
        "evaluation_id": evaluation.id,
        "model_id": parameters.model_id,
        "model_id_2": parameters.model_id_2,
        "benchmark_id": parameters.benchmark_id,
        "status": _STATUS_OF[evaluation.status],
        "method": "eval-compare" if parameters.model_id_2 else "eval",
        "raw_answers_count": (evaluation.results or {}).get("raw_answers_count", 0),
        "created_at": iso_time(evaluation.created_at),
        "completed_at": iso_time(evaluation.updated_at),
    }


def _figures(models: Sequence[Mapping[str, Any]], metrics: Sequence[str]) -> dict[str, Any]:
    """Return the metrics of one model, or those of two with a comparison; other fields are None."""
    fields = ("metrics", "base_model", "eval_model", "comparison")
    figures: dict[str, Any] = {field: None for field in fields}  # noqa: C420 - keys of type str
    match models:
        case [model]:
            return figures | {"metrics": model["metrics"]}
        case [base, evaluated]:
            compared = comparison(metrics, base["metrics"], evaluated["metrics"])
            return figures | {"base_model": base, "eval_model": evaluated, "comparison": compared}
        case _:
            return figures


def comparison(
    metrics: Sequence[str], base: Mapping[str, Any], evaluated: Mapping[str, Any]
) -> dict[str, Any]:
    """Compare the means. An improvement is None if a mean is None or the base mean is 0."""
    lines = [_compared(f"{name}_mean", base, evaluated) for name in metrics]
    deltas = [
        line["evaluated"] - line["base"]
        for line in lines
        if line["base"] is not None and line["evaluated"] is not None
    ]
    improvements = [line["improvement_%"] for line in lines if line["improvement_%"] is not None]
    return {
        "metrics": lines,
        "summary": {
            "avg_improvement": math.fsum(improvements) / len(improvements)
            if improvements
            else None,
            "improved": sum(delta > 0 for delta in deltas),
            "declined": sum(delta < 0 for delta in deltas),
            "unchanged": sum(delta == 0 for delta in deltas),
        },
    }


def progress_text(evaluation: StoredEvaluation) -> str:
    """Return status and progress in a few words."""
    done, total = _progress(evaluation, parameters_of(evaluation))
    return f"{_STATUS_OF[evaluation.status]} ({done}/{total} questions)"


def _progress(evaluation: StoredEvaluation, parameters: BenchmarkParameters) -> tuple[int, int]:
    """Return the done questions and all questions, each counted once per model."""
    models = len(parameters.models)
    return evaluation.done_rows * models, parameters.questions * models


def _compared(name: str, base: Mapping[str, Any], evaluated: Mapping[str, Any]) -> dict[str, Any]:
    before, after = base[name], evaluated[name]
    improvement = 100.0 * (after - before) / before if before and after is not None else None
    return {"metric": name, "base": before, "evaluated": after, "improvement_%": improvement}
