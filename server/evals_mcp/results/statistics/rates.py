"""Rates, the interval of a mean and the sign test.

Each function returns None if its figure is undefined, in the one case that its docstring names.
"""

from __future__ import annotations

import math

from evals_mcp.results.statistics.distributions import fair_coin_tails, normal_quantile, t_quantile
from evals_mcp.results.statistics.estimate import Estimate, finite


def rate(passed: int, n: int, level: float = 0.95) -> Estimate | None:
    """Return the share that passed, with its Wilson interval; None if n is 0."""
    if n == 0:
        return None
    return Estimate(passed / n, wilson_interval(passed, n, level), n, "wilson")


def wilson_interval(passed: int, n: int, level: float = 0.95) -> tuple[float, float] | None:
    """Return the score interval of a proportion, within 0..1; None if n is 0.

    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference",
    JASA 22 (1927), 209-212; without continuity correction.
    """
    if n == 0:
        return None
    return wilson_score(passed / n, n, normal_quantile(0.5 + level / 2))


def wilson_score(share: float, n: float, quantile: float) -> tuple[float, float]:
    """Return Wilson's interval of a share of n rows, with a quantile of any distribution."""
    square = quantile * quantile
    spread = 1 + square / n
    centre = (share + square / (2 * n)) / spread
    half = quantile * math.sqrt(share * (1 - share) / n + square / (4 * n * n)) / spread
    low = 0.0 if share == 0 else centre - half
    high = 1.0 if share == 1 else centre + half
    return low, high


def rate_difference(
    passed_a: int, n_a: int, passed_b: int, n_b: int, level: float = 0.95
) -> Estimate | None:
    """Return B's rate minus A's for evaluations without common rows; None if either n is 0.

    The estimate's `n` is the sum of both. For the same rows judged twice,
    `paired.paired_rate_difference` is more precise.

    Source: R. G. Newcombe, "Interval estimation for the difference between independent
    proportions", Statistics in Medicine 17 (1998), 873-890: method 10, the hybrid score interval.
    """
    ends_a, ends_b = wilson_interval(passed_a, n_a, level), wilson_interval(passed_b, n_b, level)
    if ends_a is None or ends_b is None:
        return None
    a, b = passed_a / n_a, passed_b / n_b
    below = math.hypot(b - ends_b[0], ends_a[1] - a)
    above = math.hypot(ends_b[1] - b, a - ends_a[0])
    return Estimate(b - a, (b - a - below, b - a + above), n_a + n_b, "newcombe")


def t_interval(mean: float, std: float, n: int, level: float = 0.95) -> tuple[float, float] | None:
    """Return the interval of a mean, from the sample's deviation (n - 1); None if n < 2.

    The ends are cut at the largest float.

    Source: Student, "The probable error of a mean", Biometrika 6 (1908), 1-25.
    """
    if n < 2:
        return None
    half = t_quantile(0.5 + level / 2, n - 1) * std / math.sqrt(n)
    return finite(mean - half), finite(mean + half)


def sign_test(wins: int, losses: int) -> float | None:
    """Return the exact two-sided p-value of equally likely wins and losses; None without any.

    Ties are not counted.
    Source: W. J. Dixon, A. M. Mood, "The statistical sign test", JASA 41 (1946), 557-566.
    """
    if wins + losses == 0:
        return None
    return fair_coin_tails(min(wins, losses), wins + losses)
