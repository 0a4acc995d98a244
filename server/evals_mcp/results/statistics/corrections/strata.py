"""A pass rate by the judge, corrected by labels for a sample of the same rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from evals_mcp.results.statistics.distributions import normal_quantile
from evals_mcp.results.statistics.estimate import Estimate, within
from evals_mcp.results.statistics.rates import wilson_interval

UNKNOWN_SHARE = 0.5
"""Stands for the share of a stratum without labels, with an interval from 0 to 1."""


class Stratum(NamedTuple):
    """The rows to which the judge gave one verdict."""

    rows: int
    """All rows of the evaluation with this verdict."""
    passed: int
    """Labelled rows that pass by their label."""
    labelled: int
    """Labelled rows."""

    @property
    def share(self) -> float:
        """The share of the labelled rows that pass; `UNKNOWN_SHARE` without any."""
        return self.passed / self.labelled if self.labelled else UNKNOWN_SHARE


def stratified_rate(strata: Sequence[Stratum], level: float = 0.95) -> Estimate | None:
    """Return the share of all rows that pass by the labels; None without rows or without labels.

    The labelled rows of each stratum are a random sample of its rows. With two strata the figure is
    that of the regression of the labels on the verdicts. The estimate's `n` is the number of
    labels.

    Args:
        strata: all rows by the judge's verdict.
        level: confidence level.

    Source: D. Holt, T. M. F. Smith, "Post stratification", Journal of the Royal Statistical Society
    A 142 (1979), 33-46; the ends are Wilson's, added as in G. Y. Zou, A. Donner, "Construction of
    confidence limits about effect measures", Statistics in Medicine 27 (2008), 1693-1702, with the
    variance of the strata's shares of all rows.
    """
    rows = sum(stratum.rows for stratum in strata)
    labels = sum(stratum.labelled for stratum in strata)
    if not rows or not labels:
        return None
    weights = [stratum.rows / rows for stratum in strata]
    shares = [stratum.share for stratum in strata]
    value = math.fsum(weight * share for weight, share in zip(weights, shares, strict=True))
    z2 = normal_quantile(0.5 + level / 2) ** 2
    between = math.fsum(
        weight * (share - value) ** 2 for weight, share in zip(weights, shares, strict=True)
    )
    below = above = z2 * between / rows
    for weight, stratum in zip(weights, strata, strict=True):
        low, high = wilson_interval(stratum.passed, stratum.labelled, level) or (0.0, 1.0)
        below += (weight * (stratum.share - low)) ** 2
        above += (weight * (high - stratum.share)) ** 2
    ends = within((value - math.sqrt(below), value + math.sqrt(above)), 0.0, 1.0)
    return Estimate(value, ends, labels, "stratified")
