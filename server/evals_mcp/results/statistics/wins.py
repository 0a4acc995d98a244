"""Win rate and position bias of a judge that chooses between two answers."""

from __future__ import annotations

from dataclasses import dataclass

from evals_mcp.results.statistics.estimate import Estimate
from evals_mcp.results.statistics.paired import tango_interval
from evals_mcp.results.statistics.rates import rate, sign_test


def win_rate(wins: int, losses: int, ties: int, level: float = 0.95) -> Estimate | None:
    """Return the share of pairs won, with a tie as half a win; None without a pair.

    The win rate is one half plus half of (wins - losses) / pairs, and its interval follows in the
    same way from Tango's. The rate without ties is `rate(wins, wins + losses)`;
    `sign_test(wins, losses)` tests both.
    """
    n = wins + losses + ties
    if n == 0:
        return None
    low, high = tango_interval(wins, losses, n, level)
    return Estimate(0.5 + (wins - losses) / (2 * n), ((1 + low) / 2, (1 + high) / 2), n, "tango")


@dataclass(frozen=True, slots=True)
class PositionBias:
    """Effect of the order of two answers, over pairs that have a winner in both orders."""

    flips: Estimate
    """Share of pairs whose winner changed with the order."""

    first_slot: Estimate
    """Share of all choices for the answer shown first; 0.5 for a judge without bias."""

    p_value: float | None
    """Two-sided p-value of no preference for either position; None if no winner changed."""


def position_bias(
    both_first: int, both_second: int, same: int, level: float = 0.95
) -> PositionBias | None:
    """Return the position bias; None without a pair that has a winner in both orders.

    The two choices for a pair depend on each other (the same winner means one choice for each
    position), so interval and test count pairs and not choices: a binomial test over the choices
    would almost never detect a bias.

    Args:
        both_first: number of pairs whose winner was shown first in both orders.
        both_second: number of pairs whose winner was shown second in both orders.
        same: number of pairs with the same answer as winner in both orders.
        level: confidence level of the intervals.

    Source: Tango (1998), 891-908, and the sign test, Dixon and Mood (1946), 557-566.
    """
    flips = rate(both_first + both_second, both_first + both_second + same, level)
    first_slot = win_rate(both_first, both_second, same, level)
    if flips is None or first_slot is None:
        return None
    return PositionBias(flips, first_slot, sign_test(both_first, both_second))
