"""What the benchmark contract says of a stored evaluation: status, results, comparison.

The answers are written out field by field: the models of
`evals_schemas.benchmark_api.benchmarks` read what three generations of the contract answer, and
this is the first one.
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
"""Every status of the contract, with the states of an evaluation that it stands for."""

_STATUS_OF = {state: status for status, states in STATUSES.items() for state in states}

StatusHistory = Sequence[StatusChange]
"""The status changes of an evaluation, oldest first."""


def at(seconds: float) -> str:
    """A time as the contract writes it: UTC, whole seconds."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"


def parameters_of(evaluation: StoredEvaluation) -> BenchmarkParameters:
    """What was asked for."""
    return BenchmarkParameters.model_validate(evaluation.parameters)


def line_of(evaluation: StoredEvaluation) -> dict[str, Any]:
    """One evaluation in a list. The metrics are those of `model_id`."""
    parameters = parameters_of(evaluation)
    models = (evaluation.results or {}).get("models", [])
    return {
        "evaluation_id": evaluation.id,
        "model_id": parameters.model_id,
        "model_id_2": parameters.model_id_2,
        "benchmark_id": parameters.benchmark_id,
        "status": _STATUS_OF[evaluation.status],
        "judge_provider": parameters.judge,
        "created_at": at(evaluation.created_at),
        "metrics": models[0]["metrics"] if models else None,
    }


def status_of(
    evaluation: StoredEvaluation, history: StatusHistory, now: float, note: str | None
) -> dict[str, Any]:
    """How far it is. A question is done when every model has answered it."""
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
        "start_time": None if start is None else at(start),
        "end_time": None if end is None else at(end),
        "error": (evaluation.results or {}).get("error"),
        "reason": (evaluation.results or {}).get("reason"),
        "note": note,
    }


def results_of(evaluation: StoredEvaluation) -> dict[str, Any]:
    """The results of one that has ended; figures are absent where nothing was judged."""
    parameters, found = parameters_of(evaluation), evaluation.results or {}
    return {
        **summary_of(evaluation),
        **_figures(found.get("models", []), parameters.metrics),
        "judge": parameters.judge,
        "custom_metrics": _chosen(parameters),
        "error": found.get("error"),
        "reason": found.get("reason"),
        "usage": found.get("usage"),
    }


def _chosen(parameters: BenchmarkParameters) -> list[str] | None:
    """The metrics where fewer than all were asked for."""
    return None if parameters.metrics == METRICS else list(parameters.metrics)


def summary_of(evaluation: StoredEvaluation) -> dict[str, Any]:
    """What results and rows of one that has ended begin with."""
    parameters = parameters_of(evaluation)
    return {
        "evaluation_id": evaluation.id,
        "model_id": parameters.model_id,
        "model_id_2": parameters.model_id_2,
        "benchmark_id": parameters.benchmark_id,
        "status": _STATUS_OF[evaluation.status],
        "method": "eval-compare" if parameters.model_id_2 else "eval",
        "raw_answers_count": (evaluation.results or {}).get("raw_answers_count", 0),
        "created_at": at(evaluation.created_at),
        "completed_at": at(evaluation.updated_at),
    }


def _figures(models: Sequence[Mapping[str, Any]], metrics: Sequence[str]) -> dict[str, Any]:
    """One model's metrics, or two blocks with their comparison; the other fields are None."""
    fields = ("metrics", "base_model", "eval_model", "comparison")
    figures: dict[str, Any] = {field: None for field in fields}  # noqa: C420 - keys of type str
    match models:
        case [only]:
            return figures | {"metrics": only["metrics"]}
        case [base, evaluated]:
            compared = comparison(metrics, base["metrics"], evaluated["metrics"])
            return figures | {"base_model": base, "eval_model": evaluated, "comparison": compared}
        case _:
            return figures


def comparison(
    metrics: Sequence[str], base: Mapping[str, Any], evaluated: Mapping[str, Any]
) -> dict[str, Any]:
    """The means side by side. An improvement is None where a mean is, or where the base is 0."""
    lines = [_compared(f"{name}_mean", base, evaluated) for name in metrics]
    deltas = [
        line["evaluated"] - line["base"]
        for line in lines
        if line["base"] is not None and line["evaluated"] is not None
    ]
    known = [line["improvement_%"] for line in lines if line["improvement_%"] is not None]
    return {
        "metrics": lines,
        "summary": {
            "avg_improvement": math.fsum(known) / len(known) if known else None,
            "improved": sum(delta > 0 for delta in deltas),
            "declined": sum(delta < 0 for delta in deltas),
            "unchanged": sum(delta == 0 for delta in deltas),
        },
    }


def progress_text(evaluation: StoredEvaluation) -> str:
    """Status and progress in a few words."""
    done, total = _progress(evaluation, parameters_of(evaluation))
    return f"{_STATUS_OF[evaluation.status]} ({done}/{total} questions)"


def _progress(evaluation: StoredEvaluation, parameters: BenchmarkParameters) -> tuple[int, int]:
    """Questions done and in all, each counted once for every model."""
    models = len(parameters.models)
    return evaluation.done_rows * models, parameters.questions * models


def _compared(name: str, base: Mapping[str, Any], evaluated: Mapping[str, Any]) -> dict[str, Any]:
    before, after = base[name], evaluated[name]
    improvement = 100.0 * (after - before) / before if before and after is not None else None
    return {"metric": name, "base": before, "evaluated": after, "improvement_%": improvement}
