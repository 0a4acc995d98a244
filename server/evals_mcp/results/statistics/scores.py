"""Mean, deviation, quantiles and histogram of scores. All values are finite numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from evals_mcp.results.statistics.estimate import Estimate, power_of_two, scaled
from evals_mcp.results.statistics.rates import t_interval


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
    exponent = power_of_two(values)
    return math.ldexp(math.fsum(scaled(values, exponent)) / len(values), exponent)


def sample_deviation(values: Sequence[float]) -> float | None:
    """Return the standard deviation with the denominator n - 1; None if n < 2.

    It is 0 only if all values are the same, and at least the smallest float if they differ. Also
    None if it is larger than the largest float.

    Source: F. W. Bessel's correction; two passes over exact sums of distances from the first value.
    """
    if len(values) < 2:
        return None
    if min(values) == max(values):
        return 0.0
    exponent = power_of_two(values)
    first = math.ldexp(values[0], -exponent)
    distances = [value - first for value in scaled(values, exponent)]
    # Scaled again: the distances may be much smaller than the values.
    inner = power_of_two(distances)
    distances = list(scaled(distances, inner))
    centre = math.fsum(distances) / len(distances)
    squares = math.fsum((distance - centre) ** 2 for distance in distances)
    try:
        deviation = math.ldexp(math.sqrt(squares / (len(values) - 1)), exponent + inner)
    except OverflowError:
        return None
    return max(deviation, math.ulp(0.0))


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


def bin_counts(
    values: Sequence[float], low: float, high: float, bins: int = 10
) -> tuple[list[float], list[int], int]:
    """Return the ends of equal bins, the number of values in each, and the number outside.

    There is one end more than bins. Each bin includes its lower end, the last one also its upper
    end. If `low` equals `high`, there is a single bin.
    """
    bins = bins if low < high else 1
    counts, outside = _count(values, low, high, bins)
    return [_between((low, high), k / bins) for k in range(bins)] + [high], counts, outside


def histogram(values: Sequence[float], low: float, high: float, bins: int = 10) -> list[str] | None:
    """Return one line per bin, `from-to count`; None without values.

    With a negative end the ends read `-1 to 0`, since a dash would read as another sign.

    The bins are those of `bin_counts`. Scores outside the range are counted in an extra last line,
    so that the counts add up to all values.
    """
    if not values:
        return None
    edges, counts, outside = bin_counts(values, low, high, bins)
    bins = len(counts)
    dash = "-" if low >= 0 else " to "
    names = [f"{edges[k]:.4g}{dash}{edges[k + 1]:.4g}" for k in range(bins)]
    if outside:
        counts, names = [*counts, outside], [*names, "outside"]
    margin, digits = max(map(len, names)), len(str(max(counts)))
    lines = zip(names, counts, strict=True)
    return [f"{name:>{margin}} {count:>{digits}}" for name, count in lines]


def _count(values: Sequence[float], low: float, high: float, bins: int) -> tuple[list[int], int]:
    """Return the number of values in each bin, and the number outside of all bins."""
    counts = [0] * bins
    # A quarter of each where the range itself is larger than the largest float.
    part = 1.0 if math.isfinite(high - low) else 0.25
    width = high * part - low * part
    for value in values:
        if low <= value <= high:
            share = (value * part - low * part) / width if width else 0.0
            counts[min(int(share * bins), bins - 1)] += 1
    return counts, len(values) - sum(counts)
