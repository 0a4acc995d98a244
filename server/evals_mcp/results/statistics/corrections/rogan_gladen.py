"""A pass rate by the judge, corrected by what labels of other rows say about the judge."""

from __future__ import annotations

import math
from typing import NamedTuple

from evals_mcp.results.statistics.distributions import normal_quantile
from evals_mcp.results.statistics.estimate import Estimate
from evals_mcp.results.statistics.rates import wilson_interval


class LabelledClasses(NamedTuple):
    """How the judge decides about labelled rows that pass, and about those that fail."""

    passing: int
    """Rows that pass by their label."""
    passed: int
    """Those of them that the judge passes, too."""
    failing: int
    """Rows that fail by their label."""
    failed: int
    """Those of them that the judge fails, too."""


def informedness(classes: LabelledClasses, level: float = 0.95) -> Estimate | None:
    """Return sensitivity plus specificity minus 1; None if a class has no row.

    0 for a judge that decides by chance, 1 for one that is always right.

    Source: W. J. Youden, "Index for rating diagnostic tests", Cancer 3 (1950), 32-35; Newcombe's
    method 10, Statistics in Medicine 17 (1998), 873-890.
    """
    passing = wilson_interval(classes.passed, classes.passing, level)
    failing = wilson_interval(classes.failed, classes.failing, level)
    if passing is None or failing is None:
        return None
    sensitivity, specificity = classes.passed / classes.passing, classes.failed / classes.failing
    value = sensitivity + specificity - 1
    below = math.hypot(sensitivity - passing[0], specificity - failing[0])
    above = math.hypot(passing[1] - sensitivity, failing[1] - specificity)
    n = classes.passing + classes.failing
    return Estimate(value, (value - below, value + above), n, "newcombe")


def rogan_gladen_rate(
    passed: int, n: int, classes: LabelledClasses, level: float = 0.95
) -> Estimate | None:
    """Return the share of n rows that pass, from the share that the judge passes and its errors.

    The judge must err on these rows as it does on the labelled ones. None without rows, if a class
    has no row, or if the judge is no better than chance. The interval is that of shares with two
    rows added, and the figure is cut at its ends.

    Args:
        passed: rows that the judge passes.
        n: all rows.
        classes: how the judge decides about labelled rows.
        level: confidence level.

    Source: W. J. Rogan, B. Gladen, "Estimating prevalence from the results of a screening test",
    American Journal of Epidemiology 107 (1978), 71-76; the interval is that of C. Lee et al., "How
    to correctly report LLM-as-a-judge evaluations", arXiv 2511.21140.
    """
    if not n or not classes.passing or not classes.failing:
        return None
    exact = _corrected(
        passed / n, classes.passed / classes.passing, classes.failed / classes.failing
    )
    z = normal_quantile(0.5 + level / 2)
    rows, passing, failing = n + z * z, classes.passing + 2, classes.failing + 2
    share = (passed + z * z / 2) / rows
    sensitivity, specificity = (classes.passed + 1) / passing, (classes.failed + 1) / failing
    value = _corrected(share, sensitivity, specificity)
    if exact is None or value is None:
        return None
    of_sensitivity = sensitivity * (1 - sensitivity) / passing
    of_specificity = specificity * (1 - specificity) / failing
    shift = 2 * z * z * (value * of_sensitivity - (1 - value) * of_specificity)
    variance = share * (1 - share) / rows
    variance += (1 - value) ** 2 * of_specificity + value * value * of_sensitivity
    half = z * math.sqrt(variance) / (sensitivity + specificity - 1)
    low, high = (min(1.0, max(0.0, value + shift + side)) for side in (-half, half))
    labels = classes.passing + classes.failing
    return Estimate(min(high, max(low, exact)), (low, high), labels, "rogan-gladen")


def _corrected(share: float, sensitivity: float, specificity: float) -> float | None:
    """Return the share that passes; None if the judge is no better than chance."""
    excess = sensitivity + specificity - 1
    return (share + specificity - 1) / excess if excess > 0 else None
