"""Figures of a comparison in the form of its answer: six digits, and rates in percent."""

from __future__ import annotations

from evals_mcp.results.statistics.estimate import Estimate, rounded
from evals_schemas.tools.comparisons import DifferenceInterval
from evals_schemas.tools.summaries import Interval, Rate

BOOTSTRAP_SEED = 0
"""Fixed, so that the same pairs always give the same interval."""


def rate_of(share: Estimate | None) -> Rate:
    """Return a share of at least one row in percent."""
    assert share is not None, "there is a pair"
    ends = ends_of(share, 100)
    return Rate(
        percent=rounded(100 * share.value),
        count=round(share.value * share.n),
        of=share.n,
        interval=Interval(low=ends.low, high=ends.high, method=ends.method),
    )


def ends_of(estimate: Estimate, scale: int = 1) -> DifferenceInterval:
    """Return the interval of an estimate that has one, multiplied by `scale`."""
    assert estimate.interval is not None, "every rate has an interval"
    low, high = estimate.interval
    return DifferenceInterval(
        low=rounded(scale * low), high=rounded(scale * high), method=estimate.method
    )


def bootstrap_ends(ends: tuple[float, float] | None) -> DifferenceInterval | None:
    """Return a bootstrap interval; None without one."""
    if ends is None:
        return None
    return DifferenceInterval(low=rounded(ends[0]), high=rounded(ends[1]), method="bootstrap")


def six_digits(value: float | None, scale: int = 1) -> float | None:
    """Return a figure multiplied by `scale`; None without one."""
    return None if value is None else rounded(scale * value)
