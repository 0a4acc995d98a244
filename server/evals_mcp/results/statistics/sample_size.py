"""Numbers of rows that a figure needs, and differences that a number of rows can detect."""

from __future__ import annotations

import math
import sys

from evals_mcp.results.statistics.distributions import normal_quantile, t_quantile


def rows_for_half_width(half_width: float, share: float = 0.5, level: float = 0.95) -> int | None:
    """Return the smallest number of rows whose Wilson interval is at most this wide on each side.

    `share` is the expected pass rate; 0.5 needs the most rows. None if `half_width` is not above 0,
    which no number of rows reaches.

    Source: Wilson (1927), 209-212, solved for n.
    """
    if half_width <= 0:
        return None
    z2, h2, spread = normal_quantile(0.5 + level / 2) ** 2, half_width**2, share * (1 - share)
    # half-width**2 = z2 (n spread + z2 / 4) / (n + z2)**2 is a quadratic equation in n.
    linear = z2 * (2 * h2 - spread)
    root = math.sqrt(linear * linear - 4 * h2 * z2 * z2 * (h2 - 0.25)) if half_width < 0.5 else 0.0
    return max(1, math.ceil((root - linear) / (2 * h2)))


def rows_for_rate_difference(
    difference: float, discordant: float, power: float = 0.8, level: float = 0.95
) -> int | None:
    """Return the rows with which the exact McNemar test shows a difference with this power.

    It is also the sign test between wins and losses, with ties as the rows that do not differ.

    Args:
        difference: difference of paired pass rates, or the share of wins minus that of losses.
        discordant: share of rows that pass in only one of the two, or that are not ties.
        power: probability that the test shows the difference.
        level: one minus the probability of a false difference.

    Returns:
        The rows; None if `difference` is not above 0, is above `discordant`, or is so small that
        the rows are more than any float.

    Source: R. J. Connor, "Sample size for testing differences in proportions for the paired-sample
    design", Biometrics 43 (1987), 207-211, with the continuity correction of A. L. Edwards, "Note
    on the correction for continuity in testing the significance of the difference between
    correlated proportions", Psychometrika 13 (1948), 185-187, which brings it to the exact test.
    """
    if not 0 < difference <= discordant:
        return None
    z, z_power = normal_quantile(0.5 + level / 2), normal_quantile(power)
    spread = z * math.sqrt(discordant)
    spread += z_power * math.sqrt(max(0.0, discordant - difference * difference))
    # n difference - 1 = sqrt(n) spread is a quadratic equation in sqrt(n).
    root = (spread + math.sqrt(spread * spread + 4 * difference)) / (2 * difference)
    return math.ceil(root * root) if root < math.sqrt(sys.float_info.max) else None


def detectable_rate_difference(
    n: int, discordant: float, power: float = 0.8, level: float = 0.95
) -> float | None:
    """Return the smallest difference that n rows show with this power.

    The difference, `discordant` and the source are those of `rows_for_rate_difference`, which is
    solved by bisection. None if even all differing rows in one direction would not be enough: with
    too few rows, or if none differs.
    """

    def enough(difference: float) -> bool:
        needed = rows_for_rate_difference(difference, discordant, power, level)
        return needed is not None and needed <= n

    low, high = 0.0, discordant
    if not enough(high):
        return None
    while low < (middle := (low + high) / 2) < high:
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def detectable_mean_difference(
    n: int, std: float, power: float = 0.8, level: float = 0.95
) -> float | None:
    """Return the smallest mean of n paired differences that is detected with this power.

    `std` is the standard deviation of the differences (n - 1). None if n < 2 or `std` is 0.

    Source: H. S. Bloom, "Minimum detectable effects", Evaluation Review 19 (1995), 547-556.
    """
    if n < 2 or std <= 0:
        return None
    return (t_quantile(0.5 + level / 2, n - 1) + t_quantile(power, n - 1)) * std / math.sqrt(n)


def rows_for_mean_difference(
    difference: float, std: float, power: float = 0.8, level: float = 0.95
) -> int | None:
    """Return the fewest rows with which the paired t test shows a mean difference with this power.

    `std` is the standard deviation of the differences. None if either is not above 0.

    Source: as `detectable_mean_difference`, solved for n.
    """
    if difference <= 0 or std <= 0:
        return None
    factor = normal_quantile(0.5 + level / 2) + normal_quantile(power)
    # Student's quantiles exceed the normal ones by little: a few steps from here are enough.
    n = max(2, math.ceil((factor * std / difference) ** 2))
    while (detectable_mean_difference(n, std, power, level) or math.inf) > difference:
        n += 1
    return n
