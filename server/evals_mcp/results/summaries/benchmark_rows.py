"""The summary of a benchmark evaluation from its rows: one for each question and model."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, cast

from evals_mcp.cleaning import clean
from evals_mcp.results.comparisons.comparison import Comparison, compare
from evals_mcp.results.comparisons.joining import KeyedRow, digest, join
from evals_mcp.results.rows import PASSING_SCORE, Row, RowVerdict
from evals_mcp.results.statistics.estimate import UNIT, within
from evals_mcp.results.statistics.scores import mean
from evals_mcp.results.summaries.benchmark_summary import (
    asked_metrics,
    correct_rate,
    metric_summary,
    only_asked,
    rounded,
    summary_of,
    told_notes,
)
from evals_mcp.results.summaries.summary import so_far
from evals_schemas.benchmark_api.benchmarks import BenchmarkResults, MetricFigures
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
"""What makes two rows of one evaluation the same question."""

ANSWER = ("model_answer",)

_FROM_ROWS = frozenset({"score", "average_score", "accuracy", "relevance"})
"""Metrics that the rows give: the service's own figures are not repeated beside them."""


@dataclass
class _OfModel:
    """The rows of one model."""

    keyed: list[KeyedRow] = field(default_factory=list[KeyedRow])
    scores: list[float] = field(default_factory=list[float])
    relevance: list[float] = field(default_factory=list[float])
    judged: int = 0
    correct: int = 0
    failed: int = 0


@dataclass
class _Rows:
    """Everything that one pass over the rows collects."""

    models: dict[str | None, _OfModel] = field(default_factory=dict["str | None", _OfModel])
    states: Counter[str] = field(default_factory=Counter[str])
    untold: int = 0
    """Rows that are scored, and not said to be correct or not."""

    def add(self, number: int, verdict: RowVerdict, row: Row) -> None:
        of = self.models.setdefault(verdict.verdict, _OfModel())
        self.states[verdict.state] += 1
        key = digest(row, QUESTION)
        of.keyed.append(KeyedRow(number, key, digest(row, ANSWER), verdict))
        if verdict.state != "ok":
            of.failed += 1
            return
        of.judged += 1
        of.correct += bool(verdict.passed)
        self.untold += row.get("correct") is None
        if verdict.score is not None:
            of.scores.append(verdict.score)
        if _is_number(value := row.get("relevance")):
            of.relevance.append(float(cast("float", value)))


def summarize_benchmark_rows(
    job: EvaluationJob, rows: Iterable[tuple[int, RowVerdict, Row]]
) -> Summary | None:
    """The summary of an ended evaluation; None where it has no row.

    Args:
        job: the evaluation; of its own figures those are used that rows do not have.
        rows: every row with its number and its verdict.
    """
    found = _Rows()
    for number, verdict, row in rows:
        found.add(number, verdict, row)
    if not found.models:
        return None
    told = BenchmarkResults.model_validate(job.results or {})
    names = _names(job.parameters, found)
    asked = asked_metrics(job.parameters)
    models = [
        only_asked(_model(name, found.models[name], told), asked)
        for name in names
        if name is not None
    ]
    notes = told_notes(told)
    if found.untold:
        notes.append(
            "The service does not tell which answers are correct: a score of "
            f"{PASSING_SCORE:g} or more is counted as correct."
        )
    differences: list[BenchmarkDifference] = []
    if None in found.models:
        notes.append("Not every row says which model answered; those are in no figure by model.")
    elif len(names) > 1:
        differences, reasons = _differences(names, found)
        if asked is not None and "score" not in asked:
            differences = [one for one in differences if one.of == "correct"] or differences
        notes += reasons
    summary = BenchmarkSummary(models=models, differences=differences, judge=told.judge)
    return so_far(summary_of(summary, _failures(found.states), notes), job)


def _names(parameters: Mapping[str, Any], found: _Rows) -> list[str | None]:
    """The models in the order of the request, any other after them."""
    asked = [parameters.get(field) for field in ("model_id", "model_id_2")]
    first = [name for name in asked if isinstance(name, str) and name in found.models]
    return [*first, *(name for name in found.models if name not in first)]


def _model(name: str, of: _OfModel, told: BenchmarkResults) -> BenchmarkedModel:
    metrics = [
        _metric(metric, values)
        for metric, values in (("score", of.scores), ("relevance", of.relevance))
        if values
    ]
    own = next((model for model in told.models if model.model_id == name), None)
    if own:
        metrics += [
            metric_summary(metric, figures, None)
            for metric, figures in own.metrics.items()
            if metric not in _FROM_ROWS
        ]
    return BenchmarkedModel(
        model_id=clean(name, 120),
        correct=correct_rate(of.correct, of.judged, of.failed),
        metrics=metrics,
    )


def _metric(name: str, values: Sequence[float]) -> MetricSummary:
    """Mean and population deviation, as the contract has it, and Student's interval.

    Where every value is from 0 to 1, that is taken for the scale, and the interval stays on it.
    """
    centre = math.fsum(values) / len(values)
    spread = math.sqrt(math.fsum((value - centre) ** 2 for value in values) / len(values))
    figures = MetricFigures(mean=centre, std=spread, min=min(values), max=max(values))
    found = metric_summary(name, figures, len(values))
    if (estimate := mean(values)) and estimate.interval:
        ends = estimate.interval
        if min(values) >= UNIT[0] and max(values) <= UNIT[1]:
            ends = within(ends, *UNIT)
        low, high = map(rounded, ends)
        found.interval = Interval(low=low, high=high, method="t")
    return found


def _differences(
    names: Sequence[str | None], found: _Rows
) -> tuple[list[BenchmarkDifference], list[str]]:
    """The second model against the first, and so on, with what could not be had."""
    differences: list[BenchmarkDifference] = []
    reasons: list[str] = []
    for first, second in combinations([name or "" for name in names], 2):
        joined = join(found.models[first].keyed, found.models[second].keyed)
        if not joined.pairs:
            reasons.append(f"No question has a verdict for both {first} and {second}.")
            continue
        both = compare("benchmark", joined)
        pair = (clean(first, 120), clean(second, 120), len(joined.pairs))
        differences += _of(both, pair)
        if left_out := joined.counts.no_verdict:
            reasons.append(
                "Questions left out of the difference for want of a verdict in one of the two "
                f"models, or in both: {left_out}."
            )
    return differences, reasons


def _of(both: Comparison, pair: tuple[str, str, int]) -> list[BenchmarkDifference]:
    found: list[BenchmarkDifference] = []
    if both.passes:
        found.append(_of_correct(both.passes, pair))
    if both.scores:
        found.append(_of_scores(both.scores, pair))
    return found


def _of_correct(found: PassDifference, pair: tuple[str, str, int]) -> BenchmarkDifference:
    first, second, questions = pair
    return BenchmarkDifference(
        of="correct",
        model_id=first,
        model_id_2=second,
        questions=questions,
        first=found.a.count or 0,
        second=found.b.count or 0,
        difference=found.difference,
        interval=_interval(found.interval),
        p_value=found.p_value,
        only_first=found.only_a,
        only_second=found.only_b,
    )


def _of_scores(found: ScoreDifference, pair: tuple[str, str, int]) -> BenchmarkDifference:
    first, second, questions = pair
    return BenchmarkDifference(
        of="score",
        model_id=first,
        model_id_2=second,
        questions=questions,
        first=found.a.mean,
        second=found.b.mean,
        difference=found.difference,
        interval=_interval(found.interval),
        p_value=found.p_value,
        bootstrap=_interval(found.bootstrap),
    )


def _interval(found: DifferenceInterval | None) -> Interval | None:
    return Interval.model_validate(found.model_dump()) if found else None


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
