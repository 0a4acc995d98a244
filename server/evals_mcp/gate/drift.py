"""Whether a judge has moved: verdicts of the same answers, then and now."""

from __future__ import annotations

from collections.abc import Sequence

from evals_mcp.results.statistics.paired import mcnemar
from evals_schemas.repository.results import DriftCheck

LEVEL = 0.05
"""The exact p-value below which the judge is said to have moved."""


def drift_of(
    metric: str, values: Sequence[tuple[float, float]], checked_at: str | None
) -> DriftCheck:
    """Return what the anchors of a metric show.

    Args:
        metric: its name.
        values: the value of each anchor with a verdict both times, then and now.
        checked_at: when the anchors were judged again, ISO 8601.
    """
    better = sum(now > before for before, now in values)
    worse = sum(now < before for before, now in values)
    p = mcnemar(better, worse)
    return DriftCheck(
        metric=metric,
        anchors=len(values),
        better=better,
        worse=worse,
        p=p,
        moved=p is not None and p < LEVEL,
        checked_at=checked_at,
    )


def drift_sentence(drift: DriftCheck) -> str:
    """Return what the anchors of a metric have shown."""
    changed = f"{drift.worse} judged worse now, {drift.better} better"
    p = "" if drift.p is None else f", exact p = {drift.p:.2g}"
    shown = f"{drift.anchors} answers of the baseline judged again ({changed}{p})"
    if drift.moved:
        return f"The judge moved: {shown}. The baseline was judged anew."
    return f"The judge has not visibly moved: {shown}."
