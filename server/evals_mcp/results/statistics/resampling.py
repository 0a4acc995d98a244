"""Bootstrap intervals of figures that depend on a table of counts only."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate

from evals_mcp.results.statistics.scores import quantiles

DRAWS = 2_000
"""Number of resamples."""

_DEVIATIONS = 9
"""Counts further from their mean than this many standard deviations are never drawn."""

_SLACK = 40
"""Further counts that can be drawn, for small means."""

Figure = Callable[[Sequence[int]], float | None]
"""A figure of the counts of a table, in their order; None where it is undefined."""


def bootstrap_intervals(
    counts: Sequence[int],
    figures: Sequence[Figure],
    seed: int = 0,
    draws: int = DRAWS,
    level: float = 0.95,
) -> list[tuple[float, float] | None]:
    """Return the percentile interval of each figure, from the same resamples of all rows.

    The rows are not resampled one by one but counted: each count becomes a Poisson variate with
    that mean. Given their sum, such counts are a sample of the rows with replacement. The sum
    varies a little, which does not matter to a ratio. So the cost depends on the number of counts
    and not on that of rows. The same seed gives the same intervals. An interval is None if the
    figure is undefined in more than a twentieth of the resamples.

    Args:
        counts: rows in each cell of a table.
        figures: ratios, which do not change when all counts are multiplied.
        seed: of the random numbers.
        draws: number of resamples.
        level: confidence level.

    Source: B. Efron, "Bootstrap methods: another look at the jackknife", Annals of Statistics 7
    (1979), 1-26; J. A. Hanley, B. MacGibbon, "Creating non-parametric bootstrap samples using
    Poisson frequencies", Computer Methods and Programs in Biomedicine 83 (2006), 57-62.
    """
    values: list[list[float]] = [[] for _ in figures]
    for sample in resampled_counts(counts, seed, draws):
        for figure, found in zip(figures, values, strict=True):
            if (value := figure(sample)) is not None:
                found.append(value)
    return [_tails(found, level) if 20 * len(found) >= 19 * draws else None for found in values]


def resampled_counts(counts: Sequence[int], seed: int, draws: int) -> Iterator[tuple[int, ...]]:
    """Yield this many resamples of a table; an empty cell stays empty."""
    generator = random.Random(seed)  # noqa: S311 - a resample needs no secret
    return zip(*(_poisson(count, draws, generator) for count in counts), strict=True)


def _poisson(mean: int, draws: int, generator: random.Random) -> list[int]:
    """Return Poisson variates, drawn from a table of their probabilities."""
    if mean == 0:
        return [0] * draws
    reach = math.ceil(_DEVIATIONS * math.sqrt(mean))
    low, high = max(0, mean - reach), mean + reach + _SLACK
    # Probabilities relative to that of the mean, the largest: only their ratios matter.
    below = list(accumulate(range(mean, low, -1), lambda share, n: share * n / mean, initial=1.0))
    above = accumulate(range(mean + 1, high + 1), lambda share, n: share * mean / n, initial=1.0)
    next(above)
    weights = list(accumulate([*reversed(below), *above]))
    return generator.choices(range(low, high + 1), cum_weights=weights, k=draws)


def _tails(values: Sequence[float], level: float) -> tuple[float, float] | None:
    ends = quantiles(values, [0.5 - level / 2, 0.5 + level / 2])
    return (ends[0], ends[1]) if ends else None
