"""The main figure of the pairs of two evaluations that have one value of a column."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from evals_mcp.results.comparisons.comparison import Comparison, compare_part
from evals_mcp.results.comparisons.joining import Joined, Pair, part_of
from evals_mcp.results.comparisons.judging import Compared
from evals_mcp.results.groups.figures import (
    GroupFigures,
    MainFigure,
    PairedTest,
    Share,
    figure,
    measured,
)
from evals_mcp.results.sides import Names
from evals_mcp.results.statistics.estimate import Scale, rounded
from evals_mcp.results.statistics.rates import rate
from evals_schemas.tools.comparisons import PassDifference, ScoreDifference
from evals_schemas.tools.groups import Measured, Unit

ReadPairs = Callable[[Sequence[Pair]], GroupFigures]
"""Returns the figures of some of the pairs."""


def by_pair(
    joined: Joined, whole: Comparison, scale: Scale | None, compared: Compared
) -> tuple[MainFigure, ReadPairs]:
    """Return the main figure of a comparison, and how it is read from some of its pairs.

    It is the one of the headline: the agreement if judges are compared, else the difference.

    Args:
        joined: all pairs.
        whole: their figures.
        scale: the range of the scores, None if unknown.
        compared: what the evaluations are called, and what is compared.
    """
    names, sides = compared.names, compared.sides
    a, b = names
    of_judges = compared.subject != "answers"
    if whole.agreement and (of_judges or not (whole.passes or whole.preference)):
        main = MainFigure(f"agreement of {a} and {b} on {whole.agreement.of}", "%", "pairs")
        return main, _agreement_of(joined, whole, scale)
    if whole.scores and not (whole.passes and whole.passes_first):
        main = _main(f"mean score of {b} minus that of {a}", "score", names)
        return main, _differences(joined, replace(whole, passes=None), scale)
    difference = _differences(joined, replace(whole, scores=None), scale)
    if whole.passes:
        return _main(f"pass rate of {b} minus that of {a}", "points", names), difference
    name = f"net preference for {sides[1]} over {sides[0]} in {b} minus that in {a}"
    return _main(name, "points", names), difference


def _main(name: str, unit: Unit, names: Names) -> MainFigure:
    a, b = names
    return MainFigure(
        name,
        unit,
        "pairs",
        low=f"{b} below {a}",
        high=f"{b} above {a}",
        none=f"{a} and {b} clearly differ for no value",
        is_difference=True,
        missing="no row has a valid verdict in both",
    )


def _agreement_of(joined: Joined, whole: Comparison, scale: Scale | None) -> ReadPairs:
    assert whole.agreement is not None, "only called with an agreement"
    of_passes = whole.agreement.of == "pass or fail"

    def read(pairs: Sequence[Pair]) -> GroupFigures:
        same = sum(
            a.passed == b.passed if of_passes else a.verdict == b.verdict for _, _, a, b in pairs
        )
        share = rate(same, len(pairs))
        if share is None or share.interval is None:
            return GroupFigures()
        low, high = share.interval
        percent = [rounded(100 * part) for part in (share.value, low, high)]
        differences = compare_part(whole, part_of(joined, pairs), scale)
        others: dict[str, Measured] = {}
        if differences.passes:
            others["pass rate B - A in points"] = _difference(differences.passes)
        if differences.scores:
            others["mean score B - A"] = _difference(differences.scores)
        return GroupFigures(len(pairs), percent, Share(same, len(pairs)), others)

    return read


def _differences(joined: Joined, whole: Comparison, scale: Scale | None) -> ReadPairs:
    def read(pairs: Sequence[Pair]) -> GroupFigures:
        if not pairs:
            return GroupFigures()
        part = compare_part(whole, part_of(joined, pairs), scale)
        if scores := part.scores:
            others = {
                "A": figure(scores.a.mean, scores.a.interval),
                "B": figure(scores.b.mean, scores.b.interval),
            }
            test = PairedTest(scores.p_value)
            return GroupFigures(len(pairs), _difference(scores), test, others)
        if passes := part.passes:
            others = {"A in %": measured(passes.a), "B in %": measured(passes.b)}
            test = PairedTest(passes.p_value)
            return GroupFigures(len(pairs), _difference(passes), test, others)
        if preference := part.preference:
            others = {
                "A in points": figure(preference.a.net, preference.a.interval),
                "B in points": figure(preference.b.net, preference.b.interval),
            }
            difference = figure(preference.difference, preference.interval)
            return GroupFigures(len(pairs), difference, PairedTest(preference.p_value), others)
        return GroupFigures(len(pairs))

    return read


def _difference(difference: PassDifference | ScoreDifference) -> Measured:
    return figure(difference.difference, difference.interval)
