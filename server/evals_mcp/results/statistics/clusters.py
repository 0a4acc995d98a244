"""Figures over rows in clusters: rows that belong together, such as the answers to one prompt.

A cluster is a number; each value has one. The same figures over rows without clusters are in
`rates`, `scores`, `paired` and `wins`.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import compress

from evals_mcp.results.statistics.distributions import t_quantile
from evals_mcp.results.statistics.estimate import (
    UNIT,
    Estimate,
    Scale,
    finite,
    power_of_two,
    scaled,
    within,
)
from evals_mcp.results.statistics.paired import tango_interval
from evals_mcp.results.statistics.rates import wilson_score
from evals_mcp.results.statistics.scores import average
from evals_mcp.results.statistics.sign_flips import exact_flip_tails

FEWEST = 6.0
"""Effective clusters below which a figure has no interval and no p-value.

Six is the fewest whose sign flips can reach a p-value under 0.05: 2 / 2**6 is 0.031.
"""

FEW = 10.0
"""Effective clusters below which a figure is said to have few."""

FLIPS = 10_000
"""Sign patterns drawn where not all of them are counted."""

_MOST_UNITS = 1_000
"""Largest number of sums that one drawn pattern flips."""

_SIGNS = bytes.maketrans(b"01", b"\x00\x01")


@dataclass(frozen=True, slots=True)
class ClusterSizes:
    """How many clusters stand behind a figure, and how equal they are."""

    count: int
    """Number of clusters."""
    rows: int
    """Number of values in all clusters."""
    effective: float
    """Number of clusters of equal size that would be worth as much: from 1 to `count`."""
    largest: int
    """Number of values in the largest cluster."""

    @classmethod
    def of(cls, clusters: Iterable[int]) -> ClusterSizes:
        """Return the sizes of the clusters of at least one value.

        Source: A. V. Carter, K. T. Schnepel, D. G. Steigerwald, "Asymptotic behavior of a t-test
        robust to cluster heterogeneity", Review of Economics and Statistics 99 (2017), 698-709, for
        clusters that differ in their sizes only.
        """
        sizes = Counter(clusters).values()
        rows = sum(sizes)
        effective = rows * rows / sum(size * size for size in sizes)
        return cls(len(sizes), rows, effective, max(sizes))


@dataclass(frozen=True, slots=True)
class ClusteredEstimate:
    """A figure over rows in clusters."""

    estimate: Estimate
    """The figure; its interval is None below `FEWEST` effective clusters."""
    error: float
    """The standard error; 0 if all clusters have the same mean, or if there is one cluster only.

    It is CR3, the jackknife that leaves out one cluster at a time. For clusters of equal size it
    equals CR1, and for clusters of one value the ordinary standard error.

    Source: R. M. Bell, D. F. McCaffrey, "Bias reduction in standard errors for linear regression
    with multi-stage samples", Survey Methodology 28 (2002), 169-181.
    """
    rows_worth: float
    """Number of independent rows that would be as precise, from 1 to the number of rows."""
    sizes: ClusterSizes


def clustered_rate(
    passed: Sequence[float], clusters: Sequence[int], level: float = 0.95
) -> ClusteredEstimate | None:
    """Return the share of ones among zeros and ones in clusters; None without values.

    The interval is Wilson's with `rows_worth` in place of the number of rows, and Student's
    quantile with the effective clusters minus 1 degrees of freedom in place of the normal one.

    Source: E. L. Korn, B. I. Graubard, "Confidence intervals for proportions with small expected
    number of positive counts estimated from survey data", Survey Methodology 24 (1998), 193-201,
    applied to Wilson's interval.
    """
    figure = _figure(passed, clusters, level, UNIT)
    if figure is None:
        return None
    ends = None
    share = figure.estimate.value
    if figure.sizes.effective >= FEWEST:
        ends = wilson_score(share, figure.rows_worth, _quantile(figure.sizes, level))
    estimate = Estimate(share, ends, figure.sizes.rows, "wilson, clustered")
    return ClusteredEstimate(estimate, figure.error, figure.rows_worth, figure.sizes)


def clustered_mean(
    values: Sequence[float],
    clusters: Sequence[int],
    level: float = 0.95,
    scale: Scale | None = None,
) -> ClusteredEstimate | None:
    """Return the mean of values in clusters; None without values.

    The interval is Student's with the effective clusters minus 1 degrees of freedom, cut at the
    ends of the scale. It is None if all clusters have the same mean.

    Args:
        values: the values.
        clusters: the cluster of each value.
        level: the confidence level.
        scale: the lowest and the highest possible value; None if unknown.

    Raises:
        ValueError: there are more or fewer clusters than values.
    """
    return _figure(values, clusters, level, scale)


def clustered_difference(
    differences: Sequence[float], clusters: Sequence[int], level: float = 0.95
) -> ClusteredEstimate | None:
    """Return the mean of differences of -1, 0 or 1 in clusters; None without a difference.

    As `clustered_mean` on the scale from -1 to 1. If all clusters have the same mean, the interval
    is Tango's with as many rows as there are effective clusters: it has a width even where no row
    differs.
    """
    figure = _figure(differences, clusters, level, (-1.0, 1.0))
    if figure is None or figure.error or figure.sizes.effective < FEWEST:
        return figure
    share = figure.sizes.effective / figure.sizes.rows
    more = sum(value > 0 for value in differences) * share
    fewer = sum(value < 0 for value in differences) * share
    ends = tango_interval(more, fewer, figure.sizes.effective, level)
    estimate = Estimate(figure.estimate.value, ends, figure.sizes.rows, "tango, clustered")
    return ClusteredEstimate(estimate, figure.error, figure.rows_worth, figure.sizes)


def detectable_clustered_difference(
    error: float, sizes: ClusterSizes, power: float = 0.8, level: float = 0.95
) -> float | None:
    """Return the smallest difference that is detected with this power, in the unit of the error.

    None if the error is 0, or below `FEWEST` effective clusters.

    Source: Bloom (1995), 547-556, with the clustered error.
    """
    if not error or sizes.effective < FEWEST:
        return None
    freedom = sizes.effective - 1
    return (t_quantile(0.5 + level / 2, freedom) + t_quantile(power, freedom)) * error


def sign_flip_test(values: Sequence[float], clusters: Sequence[int], seed: int = 0) -> float | None:
    """Return the two-sided p-value of values in clusters that lie symmetrically around 0.

    The share of all patterns of signs, one for each cluster, whose sum is at least as far from 0 as
    the sum of the values. It is exact if all values are whole numbers, unless they are very large;
    else 10,000 patterns are drawn with the seed. With one value for each cluster, of -1, 0 or 1,
    it is the sign test. 1 if every cluster sums to 0. None below `FEWEST` effective clusters.

    More than 1,000 clusters are divided at random into 1,000 groups before patterns are drawn, and
    whole groups are flipped; the test keeps its level.

    Source: I. A. Canay, J. P. Romano, A. M. Shaikh, "Randomization tests under an approximate
    symmetry assumption", Econometrica 85 (2017), 1013-1030.
    """
    if not values or ClusterSizes.of(clusters).effective < FEWEST:
        return None
    exponent = power_of_two(values)
    sums = _sums(list(scaled(values, exponent)), clusters)
    if not exponent and all(float(value).is_integer() for value in values):
        numbers = [abs(int(total)) for total in sums if total]
        tails = exact_flip_tails(numbers, abs(int(math.fsum(sums))))
        if tails is not None:
            return tails
    return _drawn_tails(sums, seed)


def _drawn_tails(sums: list[float], seed: int) -> float:
    """Return the share of drawn sign patterns that are at least as extreme as the one observed."""
    generator = random.Random(seed)  # noqa: S311 - a resample needs no secret
    if len(sums) > _MOST_UNITS:
        generator.shuffle(sums)
        sums = [math.fsum(sums[start::_MOST_UNITS]) for start in range(_MOST_UNITS)]
    units, total = len(sums), math.fsum(sums)
    # Sums that are equal apart from their rounding count as equal.
    goal = abs(total) - 1e-12 * math.fsum(map(abs, sums))
    as_extreme = 0
    for _ in range(FLIPS):
        signs = f"{generator.getrandbits(units):0{units}b}".encode().translate(_SIGNS)
        as_extreme += abs(2 * math.fsum(compress(sums, signs)) - total) >= goal
    return (as_extreme + 1) / (FLIPS + 1)


def _figure(
    values: Sequence[float], clusters: Sequence[int], level: float, scale: Scale | None
) -> ClusteredEstimate | None:
    """Return the mean with Student's interval, its error and what the rows are worth."""
    if len(values) != len(clusters):
        raise ValueError("there must be one cluster for each value")
    if not values:
        return None
    sizes = ClusterSizes.of(clusters)
    exponent = power_of_two(values)
    units = list(scaled(values, exponent))
    centre = average(units)
    error = _error(units, clusters, centre) or 0.0
    worth = sizes.effective
    if error:
        variance = math.fsum((value - centre) ** 2 for value in units) / sizes.rows
        worth = min(max(variance / (error * error), 1.0), float(sizes.rows))
    value = math.ldexp(centre, exponent)
    error = finite(_enlarged(error, exponent))
    ends = None
    if error and sizes.effective >= FEWEST:
        half = _quantile(sizes, level) * error
        ends = finite(value - half), finite(value + half)
        ends = within(ends, *scale) if scale else ends
    estimate = Estimate(value, ends, sizes.rows, "t, clustered")
    return ClusteredEstimate(estimate, error, worth, sizes)


def _quantile(sizes: ClusterSizes, level: float) -> float:
    return t_quantile(0.5 + level / 2, sizes.effective - 1)


def _error(values: Sequence[float], clusters: Sequence[int], centre: float) -> float | None:
    """Return the error of values whose squares are floats; 0 if it is within their rounding."""
    rows = len(values)
    sizes = Counter(clusters)
    if len(sizes) < 2:
        return None
    sums = _sums([value - centre for value in values], clusters)
    # Without a cluster, the mean moves by its sum of deviations over the number of other rows.
    moves = (total / (rows - size) for total, size in zip(sums, sizes.values(), strict=True))
    squares = math.fsum(move * move for move in moves)
    if math.sqrt(squares) <= 1e-12 * max(map(abs, values)):
        return 0.0
    return math.sqrt((len(sizes) - 1) / len(sizes) * squares)


def _sums(values: Sequence[float], clusters: Sequence[int]) -> list[float]:
    """Return the sum of each cluster, in the order in which the clusters first occur."""
    sums = dict.fromkeys(clusters, 0.0)
    for value, cluster in zip(values, clusters, strict=True):
        sums[cluster] += value
    return list(sums.values())


def _enlarged(value: float, exponent: int) -> float:
    try:
        return math.ldexp(value, exponent)
    except OverflowError:
        return math.inf
