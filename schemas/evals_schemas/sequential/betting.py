"""Evidence by betting: an e-value and an interval that hold at every look, from counts alone.

Each row gives a value x from 0 to 1: 1 if B wins, 0 if A wins, 1/2 for a tie; or 1 if the row
passes. Under the claim "the mean is m for rows like these", the wealth of a gambler who bets a
fixed share u on every row is a martingale:

    E_up(m) = mean over u of the product of (1 - u + u x / m);  E_down(m) the same for 1-x, 1-m

so it reaches 1 / alpha with a probability of at most alpha, however often it is looked at and
whenever the run stops (Ville, Étude critique de la notion de collectif, 1939; Waudby-Smith and
Ramdas, Journal of the Royal Statistical Society B 86 (2024), 1-27). Twelve shares u are bet in
equal parts. The order of the rows does not matter to the product, so counts suffice.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Literal

SHARES = tuple(0.95 * 2 ** (-step / 2) for step in range(12))
"""The shares of the wealth that are bet on each row."""

ALPHA = 0.05
"""Probability of a false decision, at most, over all looks together."""

NEEDED = 1 / ALPHA
"""The e-value that decides."""

LOG_NEEDED = math.log(2 * NEEDED)
"""Logarithm of the wealth that one of the two one-sided bets needs."""

_STEPS = 60
"""Halvings of an interval of length 1, after which its ends are exact to a float's digits."""

Side = Literal["above", "below"]
"""Whether the mean is bet to be above or below m."""

Counts = Mapping[float, int]
"""How many rows have each value."""


def log_wealth(counts: Counts, mean: float, side: Side) -> float:
    """Return the logarithm of the wealth that begins as 1 and bets against a mean.

    Infinite if the rows are impossible under this mean.

    Args:
        counts: the rows by value, each from 0 to 1.
        mean: the mean that is bet against, from 0 to 1.
        side: where the bet expects the true mean.
    """
    if side == "below":
        counts, mean = {1 - value: count for value, count in counts.items()}, 1 - mean
    if mean <= 0:
        return math.inf if any(value > 0 and count for value, count in counts.items()) else 0.0
    return log_mean(
        math.fsum(count * math.log1p(share * (value / mean - 1)) for value, count in counts.items())
        for share in SHARES
    )


def log_mean(logarithms: Iterable[float]) -> float:
    """Return the logarithm of the mean of numbers whose logarithms are passed."""
    values = list(logarithms)
    largest = max(values)
    total = math.fsum(math.exp(value - largest) for value in values)
    return largest + math.log(total / len(values))


def e_value(log_above: float, log_below: float) -> float:
    """Return the e-value of both one-sided bets together, half of the wealth on each.

    It is cut at the largest number that is shown, 10 to the power of 300.
    """
    return math.exp(min(max(log_above, log_below), 690.0)) / 2


def lower_end(counts: Counts, alpha: float = ALPHA) -> float:
    """Return the lower end of the interval of the mean that holds at every look; 0 without rows."""
    need = math.log(2 / alpha)
    rows = sum(counts.values())
    if not rows:
        return 0.0
    low, high = 0.0, math.fsum(value * count for value, count in counts.items()) / rows
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if log_wealth(counts, middle, "above") >= need:
            low = middle
        else:
            high = middle
    return low


def upper_end(counts: Counts, alpha: float = ALPHA) -> float:
    """Return the upper end of the interval of the mean that holds at every look; 1 without rows."""
    return 1 - lower_end({1 - value: count for value, count in counts.items()}, alpha)
