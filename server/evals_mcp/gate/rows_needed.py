"""How many rows a gate takes, and whether it could ever pass with those it has."""

from __future__ import annotations

import math

from evals_mcp.results.statistics.distributions import normal_quantile
from evals_mcp.results.statistics.paired import tango_interval

ASSUMED_FLIPS = 0.1
"""Share of rows whose verdict changes between two runs of the same candidate, where no comparison
has measured it."""

_POWER = 0.8


def rows_to_pass(spread: float, margin: float, certainty: float) -> int | None:
    """Return the rows with which an unchanged candidate passes four times in five.

    With a certainty of 95 % that is 7.85 times the spread over the square of the margin.

    Args:
        spread: variance of one row's difference; of pass rates the share of rows that change.
        margin: the largest acceptable loss, in the unit of a row's value.
        certainty: percent.

    Returns:
        The rows; None if nothing varies.

    Source: W. C. Blackwelder, "'Proving the null hypothesis' in clinical trials", Controlled
    Clinical Trials 3 (1982), 345-353, for paired rows: the variance of a difference takes the place
    of the sum of both variances.
    """
    if spread <= 0:
        return None
    quantiles = normal_quantile(0.5 + certainty / 200) + normal_quantile(_POWER)
    return math.ceil(quantiles * quantiles * spread / (margin * margin))


def can_pass(rows: int, margin: float, certainty: float) -> bool:
    """Return whether this many rows pass if not one of them changes; for shares of rows."""
    return rows > 0 and tango_interval(0, 0, rows, certainty / 100)[0] > -margin


def fewest_rows(margin: float, certainty: float) -> int:
    """Return the fewest rows that pass if not one of them changes; for shares of rows.

    Tango's interval of n rows without a change is z² / (n + z²) wide on each side.
    """
    square = normal_quantile(0.5 + certainty / 200) ** 2
    rows = max(1, math.floor(square * (1 - margin) / margin))
    while not can_pass(rows, margin, certainty):
        rows += 1
    return rows
