"""How many rows a figure needs, and what the rows there are could have shown."""

from __future__ import annotations

import math

from evals_mcp.results.statistics.distributions import normal_quantile, t_quantile


def rows_for_half_width(half_width: float, share: float = 0.5, level: float = 0.95) -> int | None:
    """The fewest rows whose Wilson interval is no wider than the wanted half-width each way.

    `share` is the pass rate to expect; 0.5 needs the most rows. None when `half_width` is not above
    0: no number of rows gets there.

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
    """The smallest difference of paired pass rates that n rows would show with the given power.

    `discordant` is the share of rows that pass in one of the two only. None where not even all of
    them in one direction would be enough: with too few rows, or none that differs.

    Source: R. J. Connor, "Sample size for testing differences in proportions for the paired-sample
    design", Biometrics 43 (1987), 207-211, solved for the difference. It is for McNemar's test
    without exactness; the exact test needs a little more.
    """
    z, reach = normal_quantile(0.5 + level / 2), normal_quantile(power)
    inside = n + reach * reach - z * z
    if n == 0 or inside < 0:
        return None
    found = math.sqrt(discordant) * (math.sqrt(n) * z + reach * math.sqrt(inside))
    found /= n + reach * reach
    return found if 0 < found <= discordant else None


def detectable_mean_difference(
    n: int, std: float, power: float = 0.8, level: float = 0.95
) -> float | None:
    """The smallest mean of n paired differences that would show with the given power.

    `std` is the standard deviation of the differences (n - 1). None when n < 2 or `std` is 0.

    Source: H. S. Bloom, "Minimum detectable effects", Evaluation Review 19 (1995), 547-556.
    """
    if n < 2 or std <= 0:
        return None
    return (t_quantile(0.5 + level / 2, n - 1) + t_quantile(power, n - 1)) * std / math.sqrt(n)
