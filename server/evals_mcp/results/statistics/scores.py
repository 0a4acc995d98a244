"""Mean, deviation, quantiles and histogram of scores. All values are finite numbers."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from typing import Literal

from evals_mcp.results.statistics.estimate import Estimate
from evals_mcp.results.statistics.rates import t_interval

_ORDINARY = 400
"""Values from 2 to the power of minus this up to its inverse need no scaling."""


def mean(values: Sequence[float], level: float = 0.95) -> Estimate | None:
    """Return the mean with Student's interval; None without values.

    The interval is None with one value, or if all values are the same.
    """
    if not values:
        return None
    n, centre = len(values), average(values)
    std = sample_deviation(values)
    return Estimate(centre, t_interval(centre, std, n, level) if std else None, n, "t")


def average(values: Sequence[float]) -> float:
    """Return the mean of at least one value; no sum of large values overflows."""
    exponent = _exponent(values)
    return math.ldexp(math.fsum(_scaled(values, exponent)) / len(values), exponent)


def sample_deviation(values: Sequence[float]) -> float | None:
    """Return the standard deviation with the denominator n - 1; None if n < 2.

    It is 0 only if all values are the same. Also None if it is larger than the largest float.

    Source: F. W. Bessel's correction; two passes over exact sums of distances from the first value.
    """
    if len(values) < 2:
        return None
    if min(values) == max(values):
        return 0.0
    exponent = _exponent(values)
    first = math.ldexp(values[0], -exponent)
    distances = [value - first for value in _scaled(values, exponent)]
    # Scaled again: the distances may be much smaller than the values.
    inner = _exponent(distances)
    distances = list(_scaled(distances, inner))
    centre = math.fsum(distances) / len(distances)
    squares = math.fsum((distance - centre) ** 2 for distance in distances)
    try:
        return math.ldexp(math.sqrt(squares / (len(values) - 1)), exponent + inner)
    except OverflowError:
        return None


def _exponent(values: Iterable[float]) -> int:
    """Return the power of two by which values are divided so that their squares are floats.

    0 for values of ordinary size, which need no scaling.
    """
    exponent = math.frexp(max(map(abs, values)))[1]
    return exponent if abs(exponent) > _ORDINARY else 0


def _scaled(values: Iterable[float], exponent: int) -> Iterable[float]:
    """Return the values divided by a power of two."""
    return (math.ldexp(value, -exponent) for value in values) if exponent else values


def quantiles(values: Iterable[float], shares: Sequence[float]) -> list[float] | None:
    """Return the quantiles of these shares (0..1) of the sample; None without values.

    Source: R. J. Hyndman, Y. Fan, "Sample quantiles in statistical packages", The American
    Statistician 50 (1996), 361-365: type 7, a straight line between neighbours.
    """
    ranked = sorted(values)
    return [_between(ranked, (len(ranked) - 1) * share) for share in shares] if ranked else None


def _between(ranked: Sequence[float], position: float) -> float:
    """Return the value at a position between two ranked values, on a straight line."""
    lower = min(int(position), len(ranked) - 1)
    upper = min(lower + 1, len(ranked) - 1)
    share = position - lower
    if math.isinf(step := ranked[upper] - ranked[lower]):
        return (1 - share) * ranked[lower] + share * ranked[upper]
    return ranked[lower] + share * step


def histogram(
    values: Sequence[float], low: float, high: float, bins: int = 10, width: int = 30
) -> list[str] | None:
    """Return one line per bin, `from-to count bar`; None without values.

    The bins divide the range from `low` to `high` equally; each includes its lower end, the last
    one also its upper end. If `low` equals `high`, there is a single bin. Scores outside the range
    are counted in an extra last line, so that the counts add up to all values. The longest bar has
    `width` characters, and every bin with a value has at least one.
    """
    if not values:
        return None
    bins = bins if low < high else 1
    counts, outside = _count(values, low, high, bins)
    edges = [_between((low, high), k / bins) for k in range(bins)] + [high]
    names = [f"{edges[k]:.4g}-{edges[k + 1]:.4g}" for k in range(bins)]
    if outside:
        counts, names = [*counts, outside], [*names, "outside"]
    margin, digits, most = max(map(len, names)), len(str(max(counts))), max(counts)
    bars = ("#" * math.ceil(width * count / most) for count in counts)
    return [
        f"{name:>{margin}} {count:>{digits}} {bar}".rstrip()
        for name, count, bar in zip(names, counts, bars, strict=True)
    ]


def _count(values: Sequence[float], low: float, high: float, bins: int) -> tuple[list[int], int]:
    """Return the number of values in each bin, and the number outside of all bins."""
    counts = [0] * bins
    for value in values:
        if low <= value <= high:
            # A quarter of each, because the range itself may be larger than the largest float.
            share = (value / 4 - low / 4) / (high / 4 - low / 4) if high > low else 0.0
            counts[min(int(share * bins), bins - 1)] += 1
    return counts, len(values) - sum(counts)


def clustered_mean(
    values: Sequence[float], clusters: Sequence[Hashable], level: float = 0.95
) -> Estimate | None:
    """Return the mean of values in clusters; None without values.

    `clusters` holds each value's cluster, for example its conversation, or the prompt that it
    answers. The interval is Student's with clusters - 1 degrees of freedom and the CR1 error; it is
    None with one cluster, or if the error is 0.
    """
    if not values:
        return None
    centre, groups = average(values), len(set(clusters))
    error = clustered_error(values, clusters)
    # t_interval divides by sqrt(n), so the error is multiplied by it first.
    ends = t_interval(centre, error * math.sqrt(groups), groups, level) if error else None
    return Estimate(centre, ends, len(values), "t, clustered")


def clustered_error(
    values: Sequence[float], clusters: Sequence[Hashable], kind: Literal["CR0", "CR1"] = "CR1"
) -> float | None:
    """Return the standard error of the mean of clustered values; None below two clusters.

    CR0 is as published; CR1 corrects for few clusters by the factor sqrt(clusters / (clusters -
    1)), and equals the ordinary standard error if each value is its own cluster.

    Source: E. Miller, "Adding error bars to evals", arXiv 2411.00640 (2024), section 2.2; CR1:
    A. C. Cameron, D. L. Miller, Journal of Human Resources 50 (2015), 317-372.
    """
    sums: defaultdict[Hashable, list[float]] = defaultdict(list)
    exponent = _exponent(values) if values else 0
    values = list(_scaled(values, exponent))
    centre = average(values) if values else 0.0
    for value, cluster in zip(values, clusters, strict=True):
        sums[cluster].append(value - centre)
    if len(sums) < 2:
        return None
    squares = math.fsum(math.fsum(members) ** 2 for members in sums.values())
    if math.sqrt(squares) <= 1e-12 * len(values) * max(map(abs, values)):
        return 0.0
    correction = len(sums) / (len(sums) - 1) if kind == "CR1" else 1.0
    return math.ldexp(math.sqrt(squares * correction) / len(values), exponent)
