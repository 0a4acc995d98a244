"""What is said of all values of a column together: a headline and notes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evals_mcp.results.groups.figures import GroupFigures, MainFigure
from evals_mcp.results.groups.text import difference_unit, figure_text
from evals_mcp.results.groups.verdicts import FEWEST_ROWS, GroupVerdict
from evals_mcp.results.number_text import counted, p_text

_MANY = 20
"""Intervals from which on one or more are expected to miss."""


@dataclass(frozen=True)
class RankedValue:
    """One value with its figures and its verdict."""

    place: int
    """Its place in the order of the file."""
    rows: int
    figures: GroupFigures
    verdict: GroupVerdict

    @property
    def rank(self) -> tuple[int, float, int]:
        """The order: shown to be low, enough rows for a test, fewer rows, no figure."""
        main = self.figures.main
        if main is None:
            return 3, 0.0, -self.rows
        if self.verdict.sign < 0:
            return 0, main[0], -self.rows
        return (1 if self.figures.counted >= FEWEST_ROWS else 2), main[0], -self.rows


def headline(
    column: str,
    main: MainFigure | None,
    ranked: Sequence[RankedValue],
    first_text: str,
) -> str:
    """Return a sentence on what is shown of the values, which stays true when it is quoted alone.

    Args:
        column: the quoted name of the column.
        main: the main figure; None if no row is better than another.
        ranked: all values in their order.
        first_text: the text of the first one.
    """
    start = f"By {column} ({counted(len(ranked), 'value')}): "
    if main is None:
        return f"{start}without pass labels no value is better or worse than another."
    lowest = ranked[0]
    if lowest.figures.main is None:
        return f"{start}no value has a figure; {main.missing}."
    observed = f"{first_text}, {_observed(main, lowest)}"
    if len(ranked) == 1:
        return f"{start}the only value is {observed}."
    low = sum(value.verdict.sign < 0 for value in ranked)
    high = sum(value.verdict.sign > 0 for value in ranked)
    tests = counted(_tests(ranked), "test")
    if low:
        more = f", and {counted(low - 1, 'more value')}" if low > 1 else ""
        chance = f"{p_text(lowest.verdict.p_holm or 0.0)} corrected for {tests}"
        also = f" {main.high[0].upper()}{main.high[1:]}: {counted(high, 'value')}." if high else ""
        return f"{start}{main.low}: {observed}{_difference(main, lowest)}; {chance}{more}.{also}"
    if high:
        what = f"{main.high}: {counted(high, 'value')}; {main.low}: none"
    elif not main.is_tested:
        what = f"no value is called low or high, because {main.missing}"
    elif not _tests(ranked):
        others = "" if main.is_difference else f" and {FEWEST_ROWS} others to compare with"
        what = (
            f"no value is called low or high, because none has {FEWEST_ROWS} counted "
            f"{main.of}{others}"
        )
    else:
        what = f"{main.none} ({tests}, corrected by Holm)"
    return f"{start}{what}. {_lowest(main, ranked)}: {observed}."


def notes(main: MainFigure | None, ranked: Sequence[RankedValue], hidden: int) -> list[str]:
    """Return the order of the values, what was tested, and what is not shown.

    Args:
        main: the main figure; None if no row is better than another.
        ranked: all values in their order.
        hidden: how many of the last ones are not shown.
    """
    of_figure = [main.note] if main and main.note else []
    order, chance = _order(main, ranked), _chance(main, ranked)
    return [*of_figure, order, *chance, *_others(main, ranked, hidden)]


def _order(main: MainFigure | None, ranked: Sequence[RankedValue]) -> str:
    if main is None:
        return "The largest values come first."
    text = "Values shown to be low come first, then the lowest figures"
    figures = [value.figures for value in ranked]
    if any(one.main and one.counted < FEWEST_ROWS for one in figures):
        text += f"; those with fewer than {FEWEST_ROWS} counted {main.of} are not tested, and last"
    if any(one.main is None for one in figures):
        text += f"; no figure: {main.missing}"
    return f"{text}."


def _chance(main: MainFigure | None, ranked: Sequence[RankedValue]) -> list[str]:
    """Return the warning about many intervals, and when a value is called low or high."""
    intervals = sum(len(value.figures.main or ()) > 1 for value in ranked)
    if main is None or intervals < 2:
        return []
    note = f"About {intervals // 20} of these {intervals} intervals of 95 % miss by chance"
    if intervals < _MANY:
        share = 100 * (1 - 0.95**intervals)
        note = (
            f"Of these {intervals} intervals of 95 %, at least one misses by chance in "
            f"{share:.0f} % of cases"
        )
    if tests := _tests(ranked):
        interval = "its interval"
        if not main.is_difference:
            interval = "the interval of its difference from the other rows"
        note += (
            f". A value is called low or high only if {interval} excludes 0 and p is below 0.05, "
            f"corrected for {counted(tests, 'test')} (Holm), all rows taken as independent"
        )
    return [f"{note}."]


def _others(main: MainFigure | None, ranked: Sequence[RankedValue], hidden: int) -> list[str]:
    """Return how many values are not shown, their figures, and how to find their rows."""
    if not hidden:
        return []
    others = ranked[len(ranked) - hidden :]
    figures = [value.figures.main[:1] for value in others if value.figures.main]
    between = ""
    if main and figures:
        lowest, highest = (figure_text(one, main.unit) for one in (min(figures), max(figures)))
        between = f", with figures from {lowest} to {highest}"
    verb = "is" if hidden == 1 else "are"
    hidden_text = f"{counted(hidden, 'more value')} {verb} not shown{between}"
    return [f"{hidden_text}. With `text`, read_results finds the rows that contain a value."]


def _lowest(main: MainFigure, ranked: Sequence[RankedValue]) -> str:
    """Return what the first value is: the lowest of all, or of those with enough rows."""
    first = ranked[0].figures.main
    rest = [value.figures.main for value in ranked[1:]]
    if first is not None and any(figure is not None and figure[0] < first[0] for figure in rest):
        return f"Lowest of those with at least {FEWEST_ROWS} {main.of}"
    return "Lowest observed"


def _observed(main: MainFigure, value: RankedValue) -> str:
    """Return the main figure of a value."""
    assert value.figures.main is not None, "values without a figure come last"
    of = counted(value.figures.counted, main.of.removesuffix("s"))
    return f"{main.name} {figure_text(value.figures.main, main.unit)} over {of}"


def _difference(main: MainFigure, value: RankedValue) -> str:
    difference = value.verdict.difference
    if difference is None:
        return ""
    return f", a difference of {figure_text(difference, difference_unit(main.unit))}"


def _tests(ranked: Sequence[RankedValue]) -> int:
    return sum(value.verdict.p_holm is not None for value in ranked)
