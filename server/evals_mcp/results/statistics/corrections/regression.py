"""A mean of the judge's verdicts, corrected by labels for a random sample of the same rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from evals_mcp.results.statistics.distributions import t_quantile
from evals_mcp.results.statistics.estimate import Estimate, Scale, within
from evals_mcp.results.statistics.scores import average

_FULL_LEVERAGE = 1e-9
"""A label whose leverage is as near to 1 as this has no residual of its own."""


class AllVerdicts(NamedTuple):
    """The verdicts of all rows as numbers."""

    mean: float
    variance: float
    """With the denominator n - 1."""
    n: int


def regression_mean(
    labels: Sequence[float],
    verdicts: Sequence[float],
    every: AllVerdicts,
    scale: Scale | None = None,
    level: float = 0.95,
) -> Estimate | None:
    """Return the mean that the labels of all rows would have, by a line through the labelled ones.

    None with fewer than three labels, or if all verdicts of the labelled rows are equal. The
    interval is None if a single row decides the slope.

    Args:
        labels: the labels as numbers.
        verdicts: the judge's verdicts on the same rows, in the same order.
        every: the verdicts of all rows, the labelled ones included.
        scale: where the interval is cut; None for no limit.
        level: confidence level.

    Source: the regression estimator, W. G. Cochran, Sampling Techniques (1977), 7.1; it is
    prediction-powered inference, A. N. Angelopoulos et al., "PPI++", arXiv 2311.01453, with the
    slope of the labelled rows. Standard error HC3: J. G. MacKinnon, H. White, "Some
    heteroskedasticity-consistent covariance matrix estimators with improved finite sample
    properties", Journal of Econometrics 29 (1985), 305-325.
    """
    m = len(labels)
    if m < 3 or min(verdicts) == max(verdicts):
        return None
    label_mean, verdict_mean = average(labels), average(verdicts)
    distances = [verdict - verdict_mean for verdict in verdicts]
    squares = math.fsum(distance * distance for distance in distances)
    if not squares:
        return None
    products = (d * (label - label_mean) for d, label in zip(distances, labels, strict=True))
    slope = math.fsum(products) / squares
    shift = every.mean - verdict_mean
    value = label_mean + slope * shift
    variance = slope * slope * every.variance / every.n
    for distance, label in zip(distances, labels, strict=True):
        leverage = 1 / m + distance * distance / squares
        if 1 - leverage < _FULL_LEVERAGE:
            return Estimate(value, None, m, "regression")
        residual = (label - label_mean - slope * distance) / (1 - leverage)
        weight = 1 / m + shift * distance / squares
        variance += (weight * residual) ** 2
    half = t_quantile(0.5 + level / 2, m - 2) * math.sqrt(variance)
    ends = (value - half, value + half)
    return Estimate(value, within(ends, *scale) if scale else ends, m, "regression")
