"""Two sets of different rows: tests of equal rates and equal means, and the difference of means."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from evals_mcp.results.statistics.distributions import t_quantile, t_tails
from evals_mcp.results.statistics.estimate import Estimate, finite

_LARGEST_T = 1e150
"""The square of a larger t may be above the largest float."""


@dataclass(frozen=True, slots=True)
class Moments:
    """Values, reduced to what a difference of means needs."""

    n: int
    """Number of values, 0 or more."""
    mean: float
    """0 without values."""
    deviation: float
    """Root of the sum of squared distances from the mean; 0 if all values are the same."""


NO_VALUES = Moments(0, 0.0, 0.0)


def merged(a: Moments, b: Moments) -> Moments:
    """Return the moments of the values of both.

    Source: T. F. Chan, G. H. Golub, R. J. LeVeque, "Algorithms for computing the sample variance",
    The American Statistician 37 (1983), 242-247.
    """
    n = a.n + b.n
    if not a.n or not b.n:
        return a if a.n else b
    distance = b.mean / n - a.mean / n  # divided first, so that large values do not overflow
    between = abs(distance) * math.sqrt(n) * math.sqrt(a.n) * math.sqrt(b.n)
    mean = a.mean * (a.n / n) + b.mean * (b.n / n)
    return Moments(n, finite(mean), finite(math.hypot(a.deviation, b.deviation, between)))


def all_others(samples: Sequence[Moments]) -> list[Moments]:
    """Return for each sample the moments of the values of all others."""
    before = list(accumulate(samples, merged, initial=NO_VALUES))
    after = list(accumulate(reversed(samples), merged, initial=NO_VALUES))[::-1]
    return [merged(before[place], after[place + 1]) for place in range(len(samples))]


def mean_difference(a: Moments, b: Moments, level: float = 0.95) -> Estimate | None:
    """Return b's mean minus a's; None without a value in either.

    The interval is the wider one of Student's, with one variance for both, and of Welch's. It is
    None if either has a single value, or if no value differs from the mean of its sample.

    Source: B. L. Welch, "The generalization of 'Student's' problem when several different
    population variances are involved", Biometrika 34 (1947), 28-35.
    """
    if not a.n or not b.n:
        return None
    difference = finite(b.mean - a.mean)
    halves = [t_quantile(0.5 + level / 2, freedom) * error for error, freedom in _errors(a, b)]
    half = max(halves, default=0.0)
    ends = (finite(difference - half), finite(difference + half)) if half else None
    return Estimate(difference, ends, a.n + b.n, "t")


def mean_test(a: Moments, b: Moments) -> float | None:
    """Return the two-sided p-value of equal means: the larger one of Student's and of Welch's.

    Alone, Student's test finds differences where only the spread differs, and Welch's where a few
    values happen to be alike; see docs/statistics.md. None where `mean_difference` has no interval.
    """
    difference = finite(b.mean - a.mean)
    tails = [
        t_tails(max(-_LARGEST_T, min(_LARGEST_T, difference / error)), freedom)
        for error, freedom in _errors(a, b)
    ]
    return max(tails, default=None)


def _errors(a: Moments, b: Moments) -> list[tuple[float, float]]:
    """Return standard error and degrees of freedom of both tests; none where they are undefined."""
    if min(a.n, b.n) < 2 or not max(a.deviation, b.deviation):
        return []
    common = math.hypot(a.deviation, b.deviation) / math.sqrt(a.n + b.n - 2)
    student = common * math.sqrt(1 / a.n + 1 / b.n)
    parts = [one.deviation / math.sqrt(one.n - 1) / math.sqrt(one.n) for one in (a, b)]
    welch = math.hypot(*parts)
    if not student or not welch:
        return []
    squares = [(part / welch) ** 2 for part in parts]
    freedom = 1 / sum(square**2 / (one.n - 1) for square, one in zip(squares, (a, b), strict=True))
    return [(student, float(a.n + b.n - 2)), (welch, freedom)]


def rate_test(passed_a: int, n_a: int, passed_b: int, n_b: int) -> float | None:
    """Return the two-sided p-value of equal pass rates; None if either n is 0.

    Twice the smaller tail of Fisher's exact test, at most 1. Takes about as many steps as the
    square root of the rows.

    Source: R. A. Fisher, "The logic of inductive inference", Journal of the Royal Statistical
    Society 98 (1935), 39-82; twice the tail: M. P. Fay, "Confidence intervals that match Fisher's
    exact or Blaker's exact tests", Biostatistics 11 (2010), 373-374.
    """
    if not n_a or not n_b:
        return None
    n, passed = n_a + n_b, passed_a + passed_b
    if passed_a * n > passed * n_a:
        passed_a, passed = n_a - passed_a, n - passed
    point = math.exp(_log_chance(passed_a, n_a, passed, n))
    lower = point * _tail(passed_a, n_a, passed, n)
    return min(1.0, 2 * min(lower, max(0.0, 1 - lower + point)))


def _tail(few: int, n_a: int, passed: int, n: int) -> float:
    """Return the chance of at most `few` passed rows in a, as a multiple of exactly so many."""
    total = term = 1.0
    while few > 0 and term > 1e-17 * total:
        term *= few / (passed - few + 1) * (n - passed - n_a + few) / (n_a - few + 1)
        total += term
        few -= 1
    return total


def _log_chance(passed_a: int, n_a: int, passed: int, n: int) -> float:
    """Return the logarithm of the hypergeometric probability."""
    return (
        _log_choices(passed, passed_a)
        + _log_choices(n - passed, n_a - passed_a)
        - _log_choices(n, n_a)
    )


def _log_choices(n: int, chosen: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(chosen + 1) - math.lgamma(n - chosen + 1)
