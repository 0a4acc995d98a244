"""Numbers of rows that a figure needs, and differences that a number of rows can detect."""

from __future__ import annotations

import math

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


def detectable_rate_difference(
    n: int, discordant: float, power: float = 0.8, level: float = 0.95
) -> float | None:
    """Return the smallest difference of paired pass rates that n rows detect with this power.

    `discordant` is the share of rows that pass in only one of the two. None if even all of these
    rows in one direction would not be enough: with too few rows, or if none differs.

    Source: R. J. Connor, "Sample size for testing differences in proportions for the paired-sample
    design", Biometrics 43 (1987), 207-211, solved for the difference. It holds for the asymptotic
    McNemar test; the exact test needs slightly more.
    """
    z, z_power = normal_quantile(0.5 + level / 2), normal_quantile(power)
    radicand = n + z_power * z_power - z * z
    if n == 0 or radicand < 0:
        return None
    difference = math.sqrt(discordant) * (math.sqrt(n) * z + z_power * math.sqrt(radicand))
    difference /= n + z_power * z_power
    return difference if 0 < difference <= discordant else None


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
