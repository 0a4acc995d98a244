"""From the results of any generation to one form: figures by model, each metric with its moments.

A service's averages of improvements are not read: they average deviations and extremes too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

from evals_mcp.cleaning import clean
from evals_schemas.benchmark_api.benchmarks import (
    BenchmarkResults,
    BenchmarkWireResults,
    MetricFigures,
    ModelFigures,
    as_count,
    as_number,
)

ROWS_PREFIX = "rows-"
"""How the id of an evaluation's rows begins; the evaluation's own id follows."""

ZONELESS = "The service writes its times without a zone; they are read as UTC."

_COUNTS = frozenset({"total_questions", "correct_answers", "failed_questions"})
_MOMENT = re.compile(r"(.+)_(mean|std|min|max)", re.DOTALL)
_OTHER_NAMES = {"average_score": "score"}


def evaluation_of_rows(file_id: str) -> str | None:
    """The evaluation whose rows a file id stands for; None where it stands for something else."""
    return file_id.removeprefix(ROWS_PREFIX) if file_id.startswith(ROWS_PREFIX) else None


def model_ids(wire: BenchmarkWireResults) -> list[str]:
    """The models in the order of the request: of a comparison, the baseline first."""
    found = (wire.baseline_model_id, wire.model_id, wire.model_id_2)
    return list(dict.fromkeys(model_id for model_id in found if model_id))


def results_of(
    wire: BenchmarkWireResults, evaluation_id: str, answers: int | None = None
) -> BenchmarkResults:
    """The results in the form that tools read.

    Args:
        wire: What the service answers.
        evaluation_id: Whose results they are.
        answers: Questions times models, where the status tells.
    """
    ids, notes = model_ids(wire), list[str]()
    blocks = [block for block in (wire.base_model, wire.eval_model) if block]
    if blocks:
        models = [figures for block in blocks if (figures := _block(block, notes))]
        order = {model_id: place for place, model_id in enumerate(ids)}
        models.sort(key=lambda figures: order.get(figures.model_id, len(order)))
        if len(models) < len(blocks):
            notes.append("The service does not say which model a part of its figures is of.")
    else:
        models = [_figures(model_id, wire.metrics or {}, notes) for model_id in ids[:1]]
    for figures in models:
        if figures.questions is None:
            figures.questions = _share(answers or wire.raw_answers_count, len(ids) or len(models))
    return BenchmarkResults(
        models=models,
        result_file_id=None if wire.raw_answers_count == 0 else f"{ROWS_PREFIX}{evaluation_id}",
        judge=clean(wire.judge, 120) if wire.judge else None,
        note=" ".join(dict.fromkeys(notes)) or None,
    )


def listed_results(
    model_id: str | None, metrics: Mapping[str, Any] | None, evaluation_id: str
) -> BenchmarkResults:
    """What a list tells of a completed evaluation: the first model's figures, or none."""
    models = [_figures(model_id, metrics, [])] if model_id and metrics else []
    return BenchmarkResults(models=models, result_file_id=f"{ROWS_PREFIX}{evaluation_id}")


def _block(block: Mapping[str, Any], notes: list[str]) -> ModelFigures | None:
    model_id, metrics = block.get("model_id"), block.get("metrics")
    if not isinstance(model_id, str) or not model_id:
        return None
    found = cast("dict[str, Any]", metrics) if isinstance(metrics, dict) else {}
    return _figures(model_id, found, notes)


def _figures(model_id: str, metrics: Mapping[str, Any], notes: list[str]) -> ModelFigures:
    total, failed = (
        as_count(metrics.get("total_questions")),
        as_count(metrics.get("failed_questions")),
    )
    found = dict[str, dict[str, float]]()
    unread = list[str]()
    for name, value in metrics.items():
        if name in _COUNTS or "improvement" in name:
            continue
        parts = list(_parts(name, value))
        for metric, moment, number in parts:
            # A plain value is a mean; where the mean is there by name, that one counts.
            if moment:
                found.setdefault(metric, {})[moment] = number
            else:
                found.setdefault(metric, {}).setdefault("mean", number)
        if not parts and value is not None:
            unread.append(clean(name, 40))
    if unread:
        notes.append(f"No numbers, and left out: {', '.join(unread[:5])}.")
    return ModelFigures(
        model_id=model_id,
        metrics={metric: MetricFigures(**moments) for metric, moments in found.items()},
        questions=total if total is None or failed is None else max(0, total - failed),
        correct=as_count(metrics.get("correct_answers")),
        failed=failed,
    )


def _parts(name: str, value: object) -> Iterator[tuple[str, str | None, float]]:
    """Metric, moment and number of one field; the moment is None for a plain value."""
    if isinstance(value, dict):
        moments = cast("dict[str, object]", value)
        for moment in ("mean", "std", "min", "max"):
            if (number := as_number(moments.get(moment))) is not None:
                yield _metric(name), moment, number
    elif (number := as_number(value)) is not None:
        parts = _MOMENT.fullmatch(name)
        yield (_metric(parts[1]), parts[2], number) if parts else (_metric(name), None, number)


def _metric(name: str) -> str:
    return _OTHER_NAMES.get(name) or clean(name, 60) or "unnamed"


def _share(answers: int | None, models: int) -> int | None:
    """Questions of one model; None where the answers do not divide."""
    if answers is None or not models or answers % models:
        return None
    return answers // models
