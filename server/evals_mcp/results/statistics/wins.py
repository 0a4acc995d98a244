"""Verdicts between two answers: who wins, and whether the judge looks at the order."""

from __future__ import annotations

from dataclasses import dataclass

from evals_mcp.results.statistics.estimate import Estimate
from evals_mcp.results.statistics.paired import tango_interval
from evals_mcp.results.statistics.rates import rate, sign_test


def win_rate(wins: int, losses: int, ties: int, level: float = 0.95) -> Estimate | None:
    """The share of pairs won, a tie as half a win; None without a pair.

    It is one half plus half of (wins - losses) / pairs, and so is its interval: Tango's. Without
    ties it is `rate(wins, wins + losses)`, and `sign_test(wins, losses)` tests either.
    """
    n = wins + losses + ties
    if n == 0:
        return None
    low, high = tango_interval(wins, losses, n, level)
    return Estimate(0.5 + (wins - losses) / (2 * n), ((1 + low) / 2, (1 + high) / 2), n, "tango")


@dataclass(frozen=True, slots=True)
class PositionBias:
    """How the order of two answers moved a judge, over pairs that got a winner in both orders."""

    flips: Estimate
    """The share of pairs whose winner changed with the order."""

    first_slot: Estimate
    """The share of all choices that fell on the slot shown first; 0.5 for a judge without bias."""

    p_value: float | None
    """Two-sided, that both slots are equally liked; None when no winner changed."""


def position_bias(
    both_first: int, both_second: int, same: int, level: float = 0.95
) -> PositionBias | None:
    """None without a pair that got a winner in both orders.

    `both_first` pairs went to the slot shown first in both orders, `both_second` to the other;
    `same` pairs got the same winner twice. The two choices of a pair depend on each other (where
    the winner is the same they fall on one slot each), so interval and test count pairs, not
    choices: a binomial test over the choices would nearly never find a bias.

    Source: Tango (1998), 891-908, and the sign test, Dixon and Mood (1946), 557-566.
    """
    flips = rate(both_first + both_second, both_first + both_second + same, level)
    first_slot = win_rate(both_first, both_second, same, level)
    if flips is None or first_slot is None:
        return None
    return PositionBias(flips, first_slot, sign_test(both_first, both_second))
