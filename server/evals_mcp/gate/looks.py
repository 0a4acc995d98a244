"""The difference of one metric at a look, by bets: it holds however often it is looked at.

Each row gives `x = 1/2 + d / (2 w)`: d is candidate minus baseline, w the width of the scale of one
row's value. So 1/2 is no difference, 0 the largest loss. Without a loss, the wealth of a bet on
"below 1/2" reaches 100 in at most 1 % of gates, at whatever row that is looked at; a candidate at
minus the margin is bet to be above it up to a wealth of 40 in at most 2.5 %.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from evals_mcp.gate.figures import LOSS_SHARE, Difference, Ends
from evals_mcp.gate.pairs import Pairs
from evals_mcp.results.statistics.paired import score_differences
from evals_mcp.results.statistics.scores import average
from evals_schemas.sequential.betting import Counts, log_wealth, lower_end, upper_end

BETTING = "betting"
"""The method of an interval that holds at every look."""

LAST_SHARE = 0.8
"""Doubt of the last look, after all rows, as a share of that of a gate with one look.

With it, all looks together err no more often than one look would: `python -m
tests.proofs.stopping_gates` sums the probabilities of all tables.
"""


def last_certainty(certainty: float) -> float:
    """Return the certainty of the last look, in percent."""
    return 100 - LAST_SHARE * (100 - certainty)


def measured_at_a_look(pairs: Pairs, certainty: float) -> Difference:
    """Return the difference over at least one pair, with intervals that hold at every look.

    Args:
        pairs: the first rows of the random order, without clusters.
        certainty: percent; the two-sided level of the interval that decides a pass.
    """
    both = pairs.both
    differences = score_differences(both)
    tail = LOSS_SHARE * (100 - certainty) / 100
    losing = _counts(pairs, both)
    passing = _counts(pairs, pairs.against_the_candidate)
    return Difference(
        baseline=average([before for before, _ in both]),
        candidate=average([after for _, after in both]),
        value=average(differences),
        interval=_ends(pairs, passing, 1 - certainty / 100),
        interval_of_loss=_ends(pairs, losing, 2 * tail),
        level=certainty,
        level_of_loss=100 * (1 - 2 * tail),
        method=BETTING,
        better=sum(value > 0 for value in differences),
        worse=sum(value < 0 for value in differences),
        p=math.exp(min(0.0, -log_wealth(losing, 0.5, "below"))),
        spread=sum(value * value for value in differences) / len(differences),
    )


def loss_at_a_look(pairs: Pairs, tail: float) -> Ends | None:
    """Return the interval over the rows with a verdict on both sides; see `interval_of_loss`."""
    return _ends(pairs, _counts(pairs, pairs.both), 2 * tail)


def _counts(pairs: Pairs, sides: Sequence[tuple[float, float]]) -> Counts:
    low, high = pairs.scale
    values = (0.5 + (after - before) / (2 * (high - low)) for before, after in sides)
    return Counter(min(1.0, max(0.0, value)) for value in values)


def _ends(pairs: Pairs, counts: Counts, alpha: float) -> Ends:
    low, high = pairs.scale
    width = high - low
    first, last = lower_end(counts, alpha), upper_end(counts, alpha)
    return (2 * first - 1) * width, (2 * last - 1) * width
