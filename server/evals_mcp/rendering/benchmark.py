"""The results of a benchmark evaluation as text that a model can quote, by model."""

from __future__ import annotations

from collections.abc import Iterable

from evals_mcp.cleaning import inert, quoted
from evals_mcp.results.comparisons.headline import p_text
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
            share = f"{rate.percent:.1f} %{_range(rate.interval)}"
            yield f"- correct: {rate.count} of {rate.of}, {share}"
        yield from map(_metric, model.metrics)
    yield from map(_difference, summary.differences)


def _metric(metric: MetricSummary) -> str:
    parts = [f"mean {metric.mean:.4g}" if metric.mean is not None else "mean not reported"]
    if ends := metric.interval:
        parts[0] += f" (95 % interval {ends.low:.4g} to {ends.high:.4g})"
    if metric.std is not None:
        parts.append(f"standard deviation {metric.std:.4g} (population)")
    if metric.min is not None and metric.max is not None:
        parts.append(f"{metric.min:.4g} to {metric.max:.4g}")
    if metric.n is not None:
        parts.append(f"n {metric.n}")
    return f"- {inert(metric.metric, 60)}: {', '.join(parts)}"


def _difference(difference: BenchmarkDifference) -> str:
    of_correct = difference.of == "correct"
    first, second = quoted(difference.model_id, 120), quoted(difference.model_id_2, 120)
    digits, unit = (".1f", " points") if of_correct else (".4g", "")
    parts = [f"{difference.difference:+z{digits}}{unit}"]
    parts += [
        f"95 % {ends.low:z{digits}} to {ends.high:z{digits}} ({ends.method})"
        for ends in (difference.interval, difference.bootstrap)
        if ends
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
    return f"{what}, over {difference.questions} questions: {'; '.join(parts)}"


def _range(interval: Interval | None) -> str:
    if interval is None:
        return ""
    return f" (95 % interval {interval.low:.1f}-{interval.high:.1f} %)"
