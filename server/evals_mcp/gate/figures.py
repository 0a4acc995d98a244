"""The difference of one metric, with the interval that lets it pass and the one that fails it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evals_mcp.gate.pairs import Pairs
from evals_mcp.results.statistics.clusters import (
    clustered_difference,
    clustered_mean,
    sign_flip_test,
)
from evals_mcp.results.statistics.distributions import beta_share
from evals_mcp.results.statistics.estimate import Estimate, Scale, within
from evals_mcp.results.statistics.paired import (
    paired_mean_difference,
    paired_t_test,
    score_differences,
    tango_interval,
)
from evals_mcp.results.statistics.rates import wilson_interval
from evals_mcp.results.statistics.scores import average, sample_deviation

LOSS_SHARE = 0.2
"""Probability of a false alarm, as a share of the uncertainty that a pass may have: with a
certainty of 95 % an unchanged candidate is called worse in at most 1 % of runs."""

Ends = tuple[float, float]


@dataclass(frozen=True)
class Difference:
    """Candidate minus baseline, in the unit of a row's value."""

    baseline: float
    """The figure over the rows with a verdict on both sides."""
    candidate: float
    value: float
    """The difference over these rows."""
    interval: Ends | None
    """Decides a pass; rows without a verdict count against the candidate. None if it is
    undefined, as below six clusters."""
    interval_of_loss: Ends | None
    """Decides a loss; over the rows with a verdict on both sides."""
    level: float
    """Of `interval`, in percent."""
    level_of_loss: float
    method: str
    better: int
    """Rows that became better."""
    worse: int
    p: float
    """One-sided p-value of a candidate that is not worse."""
    spread: float
    """Variance of one row's difference; of pass rates about the share of rows that change."""


def measured(pairs: Pairs, certainty: float) -> Difference:
    """Return the difference over at least one pair.

    Args:
        pairs: the rows.
        certainty: percent; the two-sided level of the interval that decides a pass.
    """
    both = pairs.both
    differences = _differences(both)
    tail = LOSS_SHARE * (100 - certainty) / 100
    level_of_loss = 1 - 2 * tail
    passing = _estimate(
        pairs, _differences(pairs.against_the_candidate), pairs.clusters, certainty / 100
    )
    clusters = pairs.clusters_of_both
    losing = _estimate(pairs, differences, clusters, level_of_loss)
    return Difference(
        baseline=average([before for before, _ in both]),
        candidate=average([after for _, after in both]),
        value=average(differences),
        interval=passing.interval,
        interval_of_loss=losing.interval,
        level=certainty,
        level_of_loss=100 * level_of_loss,
        method=losing.method,
        better=sum(value > 0 for value in differences),
        worse=sum(value < 0 for value in differences),
        p=_one_sided_p(pairs, differences, clusters),
        spread=sum(value * value for value in differences) / len(differences),
    )


def interval_of_loss(pairs: Pairs, tail: float) -> Ends | None:
    """Return the interval over the rows with a verdict on both sides, with a chance of `tail` to
    lie below, and the same chance to lie above, the true difference."""
    differences = _differences(pairs.both)
    return _estimate(pairs, differences, pairs.clusters_of_both, 1 - 2 * tail).interval


def _differences(sides: Sequence[tuple[float, float]]) -> list[float]:
    return score_differences(sides)


def _estimate(
    pairs: Pairs, differences: Sequence[float], clusters: Sequence[int] | None, level: float
) -> Estimate:
    """Return the mean difference with the interval of its figure."""
    scale = _scale_of_differences(pairs.scale)
    if pairs.figure == "pass_rate":
        if clusters is not None:
            figure = clustered_difference(differences, clusters, level)
            assert figure is not None, "there is a pair"
            return figure.estimate
        more, fewer = sum(each > 0 for each in differences), sum(each < 0 for each in differences)
        n = len(differences)
        return Estimate((more - fewer) / n, tango_interval(more, fewer, n, level), n, "tango")
    if clusters is not None:
        figure = clustered_mean(differences, clusters, level, scale)
        assert figure is not None, "there is a pair"
        return figure.estimate
    if not sample_deviation(differences):
        return _without_spread(differences, scale, level)
    estimate = paired_mean_difference(differences, level)
    assert estimate is not None, "there is a pair"
    assert estimate.interval is not None, "the differences vary"
    ends = within(estimate.interval, *scale)
    return Estimate(estimate.value, ends, estimate.n, estimate.method)


def _without_spread(differences: Sequence[float], scale: Scale, level: float) -> Estimate:
    """Return an interval of differences that are all the same.

    The share of rows with any other difference is at most the upper Wilson end of none of n, and
    such a row is at most as far away as the end of the scale.
    """
    n, value = len(differences), differences[0]
    ends = wilson_interval(0, n, level)
    assert ends is not None, "there is a pair"
    share = ends[1]
    low, high = value - share * (value - scale[0]), value + share * (scale[1] - value)
    return Estimate(value, (low, high), n, "wilson")


def _scale_of_differences(scale: Scale) -> Scale:
    return scale[0] - scale[1], scale[1] - scale[0]


def _one_sided_p(
    pairs: Pairs, differences: Sequence[float], clusters: Sequence[int] | None
) -> float:
    """Return the probability of a loss at least this large if the candidate is not worse.

    The exact sign test for passes, Student's t for means, and sign flips over clusters: half of
    the two-sided p-value on the side of a loss.
    """
    total = sum(differences)
    if not any(differences):
        return 1.0
    if clusters is not None:
        two_sided = sign_flip_test(differences, clusters)
        return 1.0 if two_sided is None else _half(two_sided, total)
    if pairs.figure == "pass_rate":
        worse = sum(each < 0 for each in differences)
        changed = worse + sum(each > 0 for each in differences)
        return beta_share(worse, changed - worse + 1, 0.5, 0.5) if worse else 1.0
    two_sided = paired_t_test(differences)
    return 1.0 if two_sided is None else _half(two_sided, total)


def _half(two_sided: float, total: float) -> float:
    return two_sided / 2 if total < 0 else 1 - two_sided / 2
