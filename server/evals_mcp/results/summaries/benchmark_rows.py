"""The summary of a benchmark evaluation, computed from its rows: one row per question and model."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any, cast

from evals_mcp.cleaning import clean, quoted
from evals_mcp.results.comparisons.comparison import Comparison, compare_answers
from evals_mcp.results.comparisons.joining import KeyedRow, join
from evals_mcp.results.rows import PASSING_SCORE, Row, RowVerdict
from evals_mcp.results.statistics.estimate import UNIT, rounded, within
from evals_mcp.results.statistics.scores import mean
from evals_mcp.results.summaries.benchmark_summary import (
    correct_rate,
    judging_notes,
    metric_summary,
    requested_metrics,
    summary_of,
    with_metrics,
)
from evals_schemas.benchmark_api.benchmarks import BenchmarkResults, MetricFigures
from evals_schemas.digests import answer_key, row_key
from evals_schemas.evaluation_api.evaluations import EvaluationJob
from evals_schemas.tools.comparisons import DifferenceInterval, PassDifference, ScoreDifference
from evals_schemas.tools.summaries import (
    BenchmarkDifference,
    BenchmarkedModel,
    BenchmarkSummary,
    Failures,
    Interval,
    MetricSummary,
    Summary,
)

QUESTION = ("question_id", "question")
"""The columns whose values identify a question: rows with equal values are the same question."""

ANSWER = ("model_answer",)
"""The column that holds the judged answer."""

_FROM_ROWS = frozenset({"score", "average_score", "accuracy", "relevance"})
"""Metrics computed from the rows; the service's own values of these are not shown as well."""


@dataclass
class _ModelRows:
    """The rows of one model."""

    keyed: list[KeyedRow] = field(default_factory=list[KeyedRow])
    scores: list[float] = field(default_factory=list[float])
    relevance: list[float] = field(default_factory=list[float])
    judged: int = 0
    correct: int = 0
    failed: int = 0


@dataclass
class BenchmarkRows:
    """Rows of a benchmark evaluation, added one by one and summed up at the end."""

    models: dict[str | None, _ModelRows] = field(default_factory=dict["str | None", _ModelRows])
    """The rows by model id; those without a model id under None."""
    states: Counter[str] = field(default_factory=Counter[str])
    only_scored: int = 0
    """Rows that have a score and do not say whether the answer is correct."""

    def add(self, number: int, verdict: RowVerdict, row: Row) -> None:
        """Add a row with its number and its verdict."""
        model_rows = self.models.setdefault(verdict.verdict, _ModelRows())
        self.states[verdict.state] += 1
        key, answer = row_key(row, QUESTION), answer_key([row.get(name) for name in ANSWER])
        model_rows.keyed.append(KeyedRow(number, key, answer, verdict))
        if verdict.state != "ok":
            model_rows.failed += 1
            return
        model_rows.judged += 1
        model_rows.correct += bool(verdict.passed)
        self.only_scored += row.get("correct") is None
        if verdict.score is not None:
            model_rows.scores.append(verdict.score)
        if _is_number(value := row.get("relevance")):
            model_rows.relevance.append(float(cast("float", value)))

    def summary(self, job: EvaluationJob, *, is_part: bool = False) -> Summary | None:
        """Return the summary of the rows; None without any.

        Args:
            job: the evaluation; only those of its own figures are used that the rows cannot give.
            is_part: whether these are only some of its rows, for which no bootstrap is made.
        """
        if not self.models:
            return None
        reported = BenchmarkResults.model_validate(job.results or {})
        model_ids = _model_ids(job.parameters, self)
        metrics = requested_metrics(job.parameters)
        models = [
            with_metrics(_model(model_id, self.models[model_id], reported), metrics)
            for model_id in model_ids
            if model_id is not None
        ]
        notes = judging_notes(reported)
        if self.only_scored:
            notes.append(
                "The service does not report which answers are correct: a score of "
                f"{PASSING_SCORE:g} or more is counted as correct."
            )
        differences: list[BenchmarkDifference] = []
        if None in self.models:
            notes.append("Rows that do not name their model are left out of the figures by model.")
        elif len(model_ids) > 1:
            differences, omissions = _differences(model_ids, self, is_part=is_part)
            if metrics is not None and "score" not in metrics:
                correct_only = [
                    difference for difference in differences if difference.of == "correct"
                ]
                differences = correct_only or differences
            notes += omissions
        benchmark = BenchmarkSummary(models=models, differences=differences, judge=reported.judge)
        return summary_of(benchmark, _failures(self.states), notes)


def _model_ids(parameters: Mapping[str, Any], collected: BenchmarkRows) -> list[str | None]:
    """Return the model ids of the rows: first those of the request in its order, then others."""
    requested = [parameters.get(name) for name in ("model_id", "model_id_2")]
    first = [name for name in requested if isinstance(name, str) and name in collected.models]
    return [*first, *(name for name in collected.models if name not in first)]


def _model(model_id: str, model_rows: _ModelRows, reported: BenchmarkResults) -> BenchmarkedModel:
    metrics = [
        _metric(metric, values)
        for metric, values in (("score", model_rows.scores), ("relevance", model_rows.relevance))
        if values
    ]
    figures = next((model for model in reported.models if model.model_id == model_id), None)
    if figures:
        metrics += [
            metric_summary(metric, metric_figures, None)
            for metric, metric_figures in figures.metrics.items()
            if metric not in _FROM_ROWS
        ]
    return BenchmarkedModel(
        model_id=clean(model_id, 120),
        correct=correct_rate(model_rows.correct, model_rows.judged, model_rows.failed),
        metrics=metrics,
    )


def _metric(name: str, values: Sequence[float]) -> MetricSummary:
    """Return mean and population deviation, as the contract defines them, and Student's interval.

    If every value lies within 0 to 1, the interval is cut at these bounds.
    """
    centre = math.fsum(values) / len(values)
    spread = math.sqrt(math.fsum((value - centre) ** 2 for value in values) / len(values))
    figures = MetricFigures(mean=centre, std=spread, min=min(values), max=max(values))
    metric = metric_summary(name, figures, len(values))
    if (estimate := mean(values)) and estimate.interval:
        ends = estimate.interval
        if min(values) >= UNIT[0] and max(values) <= UNIT[1]:
            ends = within(ends, *UNIT)
        low, high = map(rounded, ends)
        metric.interval = Interval(low=low, high=high, method="t")
    return metric


def _differences(
    model_ids: Sequence[str | None], collected: BenchmarkRows, *, is_part: bool
) -> tuple[list[BenchmarkDifference], list[str]]:
    """Return the differences of each two models (second minus first), and notes on omissions."""
    differences: list[BenchmarkDifference] = []
    omissions: list[str] = []
    for first, second in combinations([model_id or "" for model_id in model_ids], 2):
        joined = join(collected.models[first].keyed, collected.models[second].keyed)
        joined = replace(joined, is_part=is_part)
        if not joined.pairs:
            both = f"{quoted(first, 120)} and {quoted(second, 120)}"
            omissions.append(f"No question has a verdict for both {both}.")
            continue
        models = (clean(first, 120), clean(second, 120), len(joined.pairs))
        differences += _model_differences(
            compare_answers(joined, same_labels=True, scale=None), models
        )
        if left_out := joined.counts.no_verdict:
            omissions.append(
                "Questions left out of the difference because one of the two models, or both, "
                f"have no verdict: {left_out}."
            )
    return differences, omissions


def _model_differences(
    comparison: Comparison, models: tuple[str, str, int]
) -> list[BenchmarkDifference]:
    differences: list[BenchmarkDifference] = []
    if comparison.passes:
        differences.append(_correct_difference(comparison.passes, models))
    if comparison.scores:
        differences.append(_score_difference(comparison.scores, models))
    return differences


def _correct_difference(
    passes: PassDifference, models: tuple[str, str, int]
) -> BenchmarkDifference:
    first, second, questions = models
    return BenchmarkDifference(
        of="correct",
        model_id=first,
        model_id_2=second,
        questions=questions,
        first=passes.a.count or 0,
        second=passes.b.count or 0,
        difference=passes.difference,
        interval=_interval(passes.interval),
        p_value=passes.p_value,
        only_first=passes.only_a,
        only_second=passes.only_b,
    )


def _score_difference(scores: ScoreDifference, models: tuple[str, str, int]) -> BenchmarkDifference:
    first, second, questions = models
    return BenchmarkDifference(
        of="score",
        model_id=first,
        model_id_2=second,
        questions=questions,
        first=scores.a.mean,
        second=scores.b.mean,
        difference=scores.difference,
        interval=_interval(scores.interval),
        p_value=scores.p_value,
        bootstrap=_interval(scores.bootstrap),
    )


def _interval(interval: DifferenceInterval | None) -> Interval | None:
    return Interval.model_validate(interval.model_dump()) if interval else None


def _failures(states: Counter[str]) -> Failures:
    generation, judge, invalid = (
        states["generation_failed"],
        states["judge_failed"],
        states["invalid"],
    )
    return Failures(
        generation=generation, judge=judge, invalid=invalid, total=generation + judge + invalid
    )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
