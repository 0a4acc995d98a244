"""Which values differ: tests of each value, corrected for their number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evals_mcp.results.groups.figures import GroupFigures, MainFigure, PairedTest, Share
from evals_mcp.results.number_text import SIGNIFICANT
from evals_mcp.results.statistics.estimate import Estimate, rounded
from evals_mcp.results.statistics.many_tests import holm
from evals_mcp.results.statistics.rates import rate_difference
from evals_mcp.results.statistics.two_samples import (
    NO_VALUES,
    Moments,
    all_others,
    mean_difference,
    mean_test,
    rate_test,
)
from evals_schemas.tools.groups import Measured

FEWEST_ROWS = 10
"""Counted rows below which a value is shown and not tested."""


@dataclass(frozen=True)
class GroupVerdict:
    """What the test of one value shows."""

    p_holm: float | None = None
    """The corrected p-value; None if the value was not tested."""
    sign: int = 0
    """-1 if the figure is shown to be low, 1 if high, 0 if nothing is shown."""
    difference: Measured | None = None
    """The figure minus that of all other rows; None without a sign, or if it is one itself."""


@dataclass(frozen=True)
class _Test:
    place: int
    """Which value is tested."""
    p_value: float
    difference: Measured
    """With the ends of its interval."""


def verdicts(main: MainFigure, figures: Sequence[GroupFigures]) -> list[GroupVerdict]:
    """Return what is shown of each value.

    A value counts as low or high if the interval of its difference excludes 0 and its p-value,
    corrected for the number of tests, is below 0.05.
    """
    tests = _paired_tests(figures) if main.is_difference else _tests_against_the_rest(figures)
    corrected = holm([test.p_value for test in tests])
    found = [GroupVerdict()] * len(figures)
    for test, p_holm in zip(tests, corrected, strict=True):
        low, high = test.difference[1:]
        sign = 0
        if p_holm < SIGNIFICANT and not low <= 0 <= high:
            sign = -1 if test.difference[0] < 0 else 1
        shown = test.difference if sign and not main.is_difference else None
        found[test.place] = GroupVerdict(rounded(p_holm), sign, shown)
    return found


def _paired_tests(figures: Sequence[GroupFigures]) -> list[_Test]:
    return [
        _Test(place, tested.p_value, one.main)
        for place, one in enumerate(figures)
        if isinstance(tested := one.tested, PairedTest)
        and tested.p_value is not None
        and one.counted >= FEWEST_ROWS
        and one.main is not None
        and len(one.main) > 1
    ]


def _tests_against_the_rest(figures: Sequence[GroupFigures]) -> list[_Test]:
    tests: list[_Test] = []
    for place, (one, rest) in enumerate(zip(figures, _rests(figures), strict=True)):
        if one.main is None or min(one.counted, rest.n) < FEWEST_ROWS:
            continue
        estimate, p_value = None, None
        if isinstance(one.tested, Share) and isinstance(rest, Share):
            estimate = rate_difference(rest.passed, rest.n, one.tested.passed, one.tested.n)
            estimate = _in_points(estimate)
            p_value = rate_test(one.tested.passed, one.tested.n, rest.passed, rest.n)
        elif isinstance(one.tested, Moments) and isinstance(rest, Moments):
            estimate, p_value = mean_difference(rest, one.tested), mean_test(rest, one.tested)
        if estimate is not None and estimate.interval is not None and p_value is not None:
            difference = [rounded(part) for part in (estimate.value, *estimate.interval)]
            tests.append(_Test(place, p_value, difference))
    return tests


def _rests(figures: Sequence[GroupFigures]) -> Sequence[Share | Moments]:
    """Return for each value what is tested of all others."""
    shares = [one.tested if isinstance(one.tested, Share) else Share(0, 0) for one in figures]
    passed, n = sum(share.passed for share in shares), sum(share.n for share in shares)
    if n:
        return [Share(passed - share.passed, n - share.n) for share in shares]
    moments = (one.tested for one in figures)
    return all_others([one if isinstance(one, Moments) else NO_VALUES for one in moments])


def _in_points(estimate: Estimate | None) -> Estimate | None:
    if estimate is None or estimate.interval is None:
        return None
    low, high = estimate.interval
    return Estimate(100 * estimate.value, (100 * low, 100 * high), estimate.n, estimate.method)
