"""How many labels a corrected figure is worth, and how many an interval needs."""

from __future__ import annotations

import math

from evals_mcp.results.statistics.distributions import normal_quantile

Ends = tuple[float, float]


def labels_worth(labels: int, corrected: Ends, alone: Ends) -> float | None:
    """Return the labels that would be as precise without the judge; None without a width.

    Args:
        labels: the number of labels.
        corrected: the interval of the corrected figure.
        alone: the interval of the labels alone.

    Source: the width of an interval falls with the square root of the number of labels.
    """
    width = corrected[1] - corrected[0]
    return labels * ((alone[1] - alone[0]) / width) ** 2 if width > 0 else None


def labels_for_half_width(
    half_width: float, variance: float, correlation: float, rows: int, level: float = 0.95
) -> int | None:
    """Return the labels with which a corrected figure is as precise as this, of the same rows.

    None if no number of labels is enough, because the rows are too few.

    Args:
        half_width: half of the width of the interval.
        variance: variance of the labels as numbers.
        correlation: of labels and verdicts.
        rows: all rows with a verdict.
        level: confidence level.

    Source: the variance of the regression estimator, Cochran, Sampling Techniques (1977), 7.1,
    solved for the number of labels.
    """
    if half_width <= 0 or rows <= 0:
        return None
    square = correlation * correlation
    left = (half_width / normal_quantile(0.5 + level / 2)) ** 2 - variance * square / rows
    return math.ceil(variance * (1 - square) / left) if left > 0 else None
