"""The results of a benchmark evaluation as text that a model can quote, by model."""

from __future__ import annotations

from collections.abc import Iterable

from evals_mcp.cleaning import inert, quoted
from evals_mcp.results.number_text import (
    counted,
    ends,
    fixed,
    p_text,
    percent,
    percent_ends,
    score,
    score_ends,
)
from evals_schemas.tools.summaries import (
    BenchmarkDifference,
    BenchmarkSummary,
    Interval,
    MetricSummary,
)


def benchmark(summary: BenchmarkSummary) -> Iterable[str]:
    """Yield a line per figure of each model, then the differences between two models."""
    for model in summary.models:
        yield f"{quoted(model.model_id, 120)}:"
        if rate := model.correct:
            share = f"{percent(rate.percent)} %{_range(rate.interval)}"
            yield f"- correct: {rate.count} of {rate.of}, {share}"
        yield from map(_metric, model.metrics)
    yield from map(_difference, summary.differences)


def _metric(metric: MetricSummary) -> str:
    parts = [f"mean {score(metric.mean)}" if metric.mean is not None else "mean not reported"]
    if interval := metric.interval:
        parts[0] += f" (95 % interval {score_ends(interval.low, interval.high)})"
    if metric.std is not None:
        parts.append(f"standard deviation {score(metric.std)} (population)")
    if metric.min is not None and metric.max is not None:
        parts.append(score_ends(metric.min, metric.max))
    if metric.n is not None:
        parts.append(f"n {metric.n}")
    return f"- {inert(metric.metric, 60)}: {', '.join(parts)}"


def _difference(difference: BenchmarkDifference) -> str:
    of_correct = difference.of == "correct"
    first, second = quoted(difference.model_id, 120), quoted(difference.model_id_2, 120)
    both_ends = ends if of_correct else score_ends
    sign = "+" if difference.difference >= 0 else ""
    size = fixed(difference.difference) if of_correct else score(difference.difference)
    parts = [f"{sign}{size}{' points' if of_correct else ''}"]
    parts += [
        f"95 % {both_ends(interval.low, interval.high)} ({interval.method})"
        for interval in (difference.interval, difference.bootstrap)
        if interval
    ]
    if difference.p_value is not None:
        parts.append(
            f"{'exact McNemar' if of_correct else 'paired t'} {p_text(difference.p_value)}"
        )
    if of_correct:
        parts.append(
            f"only {first} right: {difference.only_first}, "
            f"only {second} right: {difference.only_second}"
        )
    what = f"{inert(difference.of, 60)}, {second} - {first}"
    over = counted(difference.questions, "question")
    return f"{what}, over {over}: {'; '.join(parts)}"


def _range(interval: Interval | None) -> str:
    if interval is None:
        return ""
    return f" (95 % interval {percent_ends(interval.low, interval.high)} %)"
