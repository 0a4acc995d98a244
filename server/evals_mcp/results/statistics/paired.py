"""Differences of two evaluations over the same rows: B minus A, over rows valid in both."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from decimal import Decimal

from evals_mcp.results.statistics.distributions import normal_quantile, t_tails
from evals_mcp.results.statistics.estimate import Estimate
from evals_mcp.results.statistics.rates import sign_test
from evals_mcp.results.statistics.scores import average, mean, quantiles, sample_deviation

_RESAMPLED = 1_000
"""Largest number of values that one bootstrap resample draws."""


def paired_rate_difference(
    only_a: int, only_b: int, n: int, level: float = 0.95
) -> Estimate | None:
    """Return B's pass rate minus A's over n rows; None if n is 0.

    `only_a` and `only_b` are the numbers of rows that pass only in A and only in B; how many pass
    or fail in both does not matter.
    """
    if n == 0:
        return None
    ends = tango_interval(only_b, only_a, n, level)
    return Estimate((only_b - only_a) / n, ends, n, "tango")


def mcnemar(only_a: int, only_b: int) -> float | None:
    """Return the exact two-sided p-value of equal pass rates; None if no row differs.

    Source: Q. McNemar, "Note on the sampling error of the difference between correlated proportions
    or percentages", Psychometrika 12 (1947), 153-157; exact: the sign test on the rows that differ.
    """
    return sign_test(only_b, only_a)


def tango_interval(more: float, fewer: float, n: float, level: float = 0.95) -> tuple[float, float]:
    """Return the score interval of (more - fewer) / n, where n >= 1 rows count +1, -1 or 0 each.

    Source: T. Tango, "Equivalence test and confidence interval for the difference in proportions
    for the paired-sample design", Statistics in Medicine 17 (1998), 891-908.
    """
    return -_tango_end(fewer, more, n, level), _tango_end(more, fewer, n, level)


def _tango_end(more: float, fewer: float, n: float, level: float) -> float:
    """Return the largest difference that the score test does not reject, by bisection."""
    z, low, high = normal_quantile(0.5 + level / 2), (more - fewer) / n, 1.0
    while low < (end := (low + high) / 2) < high:
        if n * end - (more - fewer) < z * math.sqrt(n * _variance(more, fewer, n, end)):
            low = end
        else:
            high = end
    return end


def _variance(more: float, fewer: float, n: float, difference: float) -> float:
    """Return the variance of one row, with the most likely share of -1 for this difference."""
    if difference < 0:
        more, fewer, difference = fewer, more, -difference
    slope = (2 * n - more + fewer) * difference - more - fewer
    product = fewer * difference * (1 - difference)
    root = math.sqrt(slope * slope + 8 * n * product)
    # The same root in two forms; the chosen one does not subtract nearly equal numbers.
    share = 2 * product / (root + slope) if slope > 0 else (root - slope) / (4 * n)
    return 2 * share + difference * (1 - difference)


def score_differences(pairs: Sequence[tuple[float, float]]) -> list[float]:
    """Return the second score of each pair minus the first.

    Differences that are equal in decimal digits are returned as equal: as floats, 0.3 - 0.2 and
    0.2 - 0.1 differ by their rounding.
    """
    differences = [b - a for a, b in pairs]
    if not differences:
        return differences
    low, high = min(differences), max(differences)
    largest = max(max(abs(a), abs(b)) for a, b in pairs)
    if low != high and high - low <= 1e-12 * largest:
        exact = {Decimal(repr(float(b))) - Decimal(repr(float(a))) for a, b in pairs}
        if len(exact) == 1:
            return [float(exact.pop())] * len(differences)
    return differences


def paired_mean_difference(differences: Sequence[float], level: float = 0.95) -> Estimate | None:
    """Return the mean of the differences (B minus A) with Student's interval; None without a pair.

    The interval is None with one pair, or if all differences are the same.
    """
    return mean(differences, level)


def paired_t_test(differences: Sequence[float]) -> float | None:
    """Return the two-sided p-value of a mean difference of 0.

    None if there is no standard error: with fewer than two pairs, or if all differences are the
    same.
    Source: Student (1908), 1-25.
    """
    std = sample_deviation(differences)
    if not std:
        return None
    n = len(differences)
    return t_tails(average(differences) / std * math.sqrt(n), n - 1)


def bootstrap_difference(
    differences: Sequence[float], seed: int = 0, resamples: int = 2_000, level: float = 0.95
) -> Estimate | None:
    """Return the mean difference with a percentile bootstrap interval; None without a pair.

    The same seed gives the same interval. The interval is None with one pair, or if all differences
    are the same.

    More than 1,000 pairs are divided at random into 1,000 groups, and whole groups are drawn, which
    limits the cost of a resample. This changes the width by about 2 % (1 / sqrt(2 x groups)), as
    much as the randomness of 2,000 resamples does.

    Source: B. Efron, "Bootstrap methods: another look at the jackknife", Annals of Statistics 7
    (1979), 1-26; percentile interval, quantiles of type 7.
    """
    if not differences:
        return None
    n, centre = len(differences), average(differences)
    ends = None
    if sample_deviation(differences):
        generator = random.Random(seed)  # noqa: S311 - a resample needs no secret
        units = _grouped([value - centre for value in differences], generator)
        shifts = [math.fsum(generator.choices(units, k=len(units))) / n for _ in range(resamples)]
        tails = quantiles(shifts, [0.5 - level / 2, 0.5 + level / 2])
        ends = (centre + tails[0], centre + tails[1]) if tails else None
    return Estimate(centre, ends, n, "bootstrap")


def _grouped(values: list[float], generator: random.Random) -> list[float]:
    """Return the values, or the sums of random groups if there are too many values."""
    if len(values) <= _RESAMPLED:
        return values
    generator.shuffle(values)
    return [math.fsum(values[start::_RESAMPLED]) for start in range(_RESAMPLED)]
