"""Whether a candidate's own figure reaches a floor."""

from __future__ import annotations

from typing import Literal

from evals_mcp.gate.pairs import Pairs
from evals_mcp.results.statistics.clusters import clustered_mean, clustered_rate
from evals_mcp.results.statistics.estimate import Estimate
from evals_mcp.results.statistics.paired import tango_interval
from evals_mcp.results.statistics.rates import rate
from evals_mcp.results.statistics.scores import mean

Level = Literal["met", "missed", "surely missed", "open"]
"""`missed`: the figure is below the floor, but by less than chance alone may do. `open`: a floor is
about all rows, and not all were judged."""


def level_against(pairs: Pairs, floor: float, tail: float) -> Level:
    """Return whether the candidate reaches a floor.

    A row without a verdict counts as the worst value.

    Args:
        pairs: the rows, at least one.
        floor: in the unit of a row's value.
        tail: the probability of calling a candidate at the floor surely below it.
    """
    values = [after for _, after in pairs.against_the_candidate]
    estimate = _estimate(pairs, values, 1 - 2 * tail)
    if estimate.value >= floor:
        return "met"
    ends = estimate.interval or (floor, floor)
    return "surely missed" if ends[1] < floor else "missed"


def _estimate(pairs: Pairs, values: list[float], level: float) -> Estimate:
    if pairs.clusters is not None:
        if pairs.figure == "pass_rate":
            clustered = clustered_rate([value > 0 for value in values], pairs.clusters, level)
        else:
            clustered = clustered_mean(values, pairs.clusters, level, pairs.scale)
        assert clustered is not None, "there is a row"
        return clustered.estimate
    if pairs.figure == "net_preference":
        more, fewer = sum(value > 0 for value in values), sum(value < 0 for value in values)
        n = len(values)
        return Estimate((more - fewer) / n, tango_interval(more, fewer, n, level), n, "tango")
    if pairs.figure == "pass_rate":
        estimate = rate(sum(value > 0 for value in values), len(values), level)
    else:
        estimate = mean(values, level)
    assert estimate is not None, "there is a row"
    return estimate
