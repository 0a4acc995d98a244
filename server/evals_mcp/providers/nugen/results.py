"""Converts the results of any generation to one form: figures by model and metric.

A service's averages of improvements are not read: they average deviations and extremes too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

from evals_mcp.cleaning import clean, quoted
from evals_schemas.benchmark_api.benchmarks import (
    BenchmarkResults,
    BenchmarkWireResults,
    MetricFigures,
    ModelFigures,
    as_count,
    as_number,
)

ROWS_PREFIX = "rows-"
"""Prefix of the id of an evaluation's rows; the evaluation's own id follows."""

ZONELESS = "The service writes its times without a zone; they are read as UTC."

_COUNTS = frozenset({"total_questions", "correct_answers", "failed_questions"})
_FIGURE = re.compile(r"(.+)_(mean|std|min|max)", re.DOTALL)
_OTHER_NAMES = {"average_score": "score"}


def evaluation_of_rows(file_id: str) -> str | None:
    """Return the id of the evaluation that a file id's rows belong to; None for other files."""
    return file_id.removeprefix(ROWS_PREFIX) if file_id.startswith(ROWS_PREFIX) else None


def model_ids(wire: BenchmarkWireResults) -> list[str]:
    """Return the models in the order of the request; a comparison's baseline is first."""
    listed = (wire.baseline_model_id, wire.model_id, wire.model_id_2)
    return list(dict.fromkeys(model_id for model_id in listed if model_id))


def results_of(
    wire: BenchmarkWireResults, evaluation_id: str, answers: int | None = None
) -> BenchmarkResults:
    """Return the results in the form that tools read.

    Args:
        wire: The service's answer.
        evaluation_id: The evaluation's id.
        answers: Questions times models; None if the status does not report it.
    """
    ids, notes = model_ids(wire), list[str]()
    blocks = [block for block in (wire.base_model, wire.eval_model) if block]
    if blocks:
        models = [figures for block in blocks if (figures := _block(block, notes))]
        order = {model_id: number for number, model_id in enumerate(ids)}
        models.sort(key=lambda figures: order.get(figures.model_id, len(order)))
        if len(models) < len(blocks):
            notes.append("The service does not name the model of a part of its figures.")
    else:
        models = [_figures(model_id, wire.metrics or {}, notes) for model_id in ids[:1]]
    for figures in models:
        if figures.questions is None:
            figures.questions = _share(answers or wire.raw_answers_count, len(ids) or len(models))
    return BenchmarkResults(
        models=models,
        paired_answers=wire.paired_answers,
        result_file_id=None if wire.raw_answers_count == 0 else f"{ROWS_PREFIX}{evaluation_id}",
        judge=clean(wire.judge, 120) if wire.judge else None,
        usage=dict(wire.usage) if wire.usage else None,
        note=" ".join(dict.fromkeys(notes)) or None,
    )


def listed_results(
    model_id: str | None, metrics: Mapping[str, Any] | None, evaluation_id: str
) -> BenchmarkResults:
    """Return what a list reports of a completed evaluation: the first model's figures, if any."""
    models = [_figures(model_id, metrics, [])] if model_id and metrics else []
    return BenchmarkResults(models=models, result_file_id=f"{ROWS_PREFIX}{evaluation_id}")


def _block(block: Mapping[str, Any], notes: list[str]) -> ModelFigures | None:
    model_id, metrics = block.get("model_id"), block.get("metrics")
    if not isinstance(model_id, str) or not model_id:
        return None
    figures = cast("dict[str, Any]", metrics) if isinstance(metrics, dict) else {}
    return _figures(model_id, figures, notes)


def _figures(model_id: str, metrics: Mapping[str, Any], notes: list[str]) -> ModelFigures:
    total, failed = (
        as_count(metrics.get("total_questions")),
        as_count(metrics.get("failed_questions")),
    )
    figures = dict[str, dict[str, float]]()
    unread = list[str]()
    for name, value in metrics.items():
        if name in _COUNTS or "improvement" in name:
            continue
        parts = list(_parts(name, value))
        for metric, figure, number in parts:
            # A plain value is a mean, unless the mean is given by name.
            if figure:
                figures.setdefault(metric, {})[figure] = number
            else:
                figures.setdefault(metric, {}).setdefault("mean", number)
        if not parts and value is not None:
            unread.append(quoted(name, 40))
    if unread:
        notes.append(f"Left out, because not numbers: {', '.join(unread[:5])}.")
    return ModelFigures(
        model_id=model_id,
        metrics={metric: MetricFigures(**values) for metric, values in figures.items()},
        questions=total if total is None or failed is None else max(0, total - failed),
        correct=as_count(metrics.get("correct_answers")),
        failed=failed,
    )


def _parts(name: str, value: object) -> Iterator[tuple[str, str | None, float]]:
    """Yield metric, figure and number of one field; the figure is None for a plain value."""
    if isinstance(value, dict):
        values = cast("dict[str, object]", value)
        for figure in ("mean", "std", "min", "max"):
            if (number := as_number(values.get(figure))) is not None:
                yield _metric(name), figure, number
    elif (number := as_number(value)) is not None:
        parts = _FIGURE.fullmatch(name)
        yield (_metric(parts[1]), parts[2], number) if parts else (_metric(name), None, number)


def _metric(name: str) -> str:
    return _OTHER_NAMES.get(name) or clean(name, 60) or "unnamed"


def _share(answers: int | None, models: int) -> int | None:
    """Return the questions of one model; None if the answers cannot be divided evenly."""
    if answers is None or not models or answers % models:
        return None
    return answers // models
