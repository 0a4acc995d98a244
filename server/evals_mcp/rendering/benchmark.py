"""What a benchmark evaluation found as text that a model can quote: by model, named by its id."""

from __future__ import annotations

from collections.abc import Iterable

from evals_mcp.results.comparisons.headline import p_text
from evals_schemas.tools.summaries import (
    BenchmarkDifference,
    BenchmarkSummary,
    Interval,
    MetricSummary,
)


def benchmark(found: BenchmarkSummary) -> Iterable[str]:
    """Each model with its figures, then what differs between two."""
    for model in found.models:
        yield f"{model.model_id}:"
        if rate := model.correct:
            share = f"{rate.percent:.1f} %{_range(rate.interval)}"
            yield f"- correct: {rate.count} of {rate.of}, {share}"
        yield from map(_metric, model.metrics)
    yield from map(_difference, found.differences)


def _metric(found: MetricSummary) -> str:
    parts = [f"mean {found.mean:.4g}" if found.mean is not None else "mean untold"]
    if ends := found.interval:
        parts[0] += f" (95 % interval {ends.low:.4g} to {ends.high:.4g})"
    if found.std is not None:
        parts.append(f"standard deviation {found.std:.4g} (population)")
    if found.min is not None and found.max is not None:
        parts.append(f"{found.min:.4g} to {found.max:.4g}")
    if found.n is not None:
        parts.append(f"n {found.n}")
    return f"- {found.metric}: {', '.join(parts)}"


def _difference(found: BenchmarkDifference) -> str:
    of_correct = found.of == "correct"
    digits, unit = (".1f", " points") if of_correct else (".4g", "")
    parts = [f"{found.difference:+z{digits}}{unit}"]
    parts += [
        f"95 % {ends.low:z{digits}} to {ends.high:z{digits}} ({ends.method})"
        for ends in (found.interval, found.bootstrap)
        if ends
    ]
    if found.p_value is not None:
        parts.append(f"{'exact McNemar' if of_correct else 'paired t'} {p_text(found.p_value)}")
    if of_correct:
        parts.append(
            f"right in {found.model_id} only: {found.only_first}, in {found.model_id_2} only: "
            f"{found.only_second}"
        )
    what = f"{found.of}, {found.model_id_2} - {found.model_id}"
    return f"{what}, over {found.questions} questions: {'; '.join(parts)}"


def _range(interval: Interval | None) -> str:
    if interval is None:
        return ""
    return f" (95 % interval {interval.low:.1f}-{interval.high:.1f} %)"
