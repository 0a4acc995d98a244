"""Parts of sentences about a difference: its interval, its test, and what it could have missed."""

from __future__ import annotations

from typing import Literal

from evals_mcp.results.clusters import test_name
from evals_mcp.results.number_text import (
    SIGNIFICANT,
    counted,
    ends,
    fixed,
    p_text,
    percent,
    score,
    score_ends,
)
from evals_schemas.tools.comparisons import DifferenceInterval, PassDifference, ScoreDifference

Certainty = Literal["clear", "borderline", "unclear"]
"""How well a difference is shown."""

UNCERTAIN = "how certain that is cannot be computed"
"""What is said of a difference without an interval."""


def paired_rows(n: int | None) -> str:
    """Return the number of pairs with its noun."""
    return "1 paired row" if n == 1 else f"{n} paired rows"


def certainty(p_value: float, interval: DifferenceInterval) -> Certainty:
    """Return whether the test and the interval both show a difference, one of them, or none."""
    shown = [p_value < SIGNIFICANT, not interval.low <= 0 <= interval.high]
    if all(shown):
        return "clear"
    return "borderline" if any(shown) else "unclear"


def opening(sure: Certainty, noun: str = "difference") -> str:
    """Return the start of a sentence about a difference that is not clear; else ""."""
    return {"clear": "", "borderline": "Borderline: ", "unclear": f"No clear {noun}: "}[sure]


def pass_rates(passes: PassDifference) -> str:
    """Return both pass rates."""
    return f"{percent(passes.b.percent)} % against {percent(passes.a.percent)} %"


def pass_chance(interval: DifferenceInterval, p_value: float) -> str:
    """Return the interval and the test of a difference of pass rates."""
    test = test_name(interval.method, "exact McNemar")
    return f"95 % interval {ends(interval.low, interval.high)} points, {test} {p_text(p_value)}"


def pass_power(passes: PassDifference) -> str:
    """Return which difference of pass rates these rows could have missed."""
    if passes.smallest_detectable is not None:
        return _missed(f"{fixed(passes.smallest_detectable)} points")
    differing = passes.only_a + passes.only_b
    verb = "differs" if differing == 1 else "differ"
    return f"; only {counted(differing, 'row')} {verb}, too few for a power of 80 %"


def score_chance(interval: DifferenceInterval, p_value: float) -> str:
    """Return the interval and the test of a difference of means."""
    test = test_name(interval.method, "paired t")
    return f"95 % interval {score_ends(interval.low, interval.high)}, {test} {p_text(p_value)}"


def score_means(scores: ScoreDifference) -> str:
    """Return both means."""
    return f"{score(scores.b.mean)} against {score(scores.a.mean)}"


def score_power(scores: ScoreDifference) -> str:
    """Return which difference of means these rows could have missed; "" if unknown."""
    missed = scores.smallest_detectable
    return "" if missed is None else _missed(score(missed))


def _missed(size: str) -> str:
    return f"; with this many rows a difference under {size} could easily be missed"
