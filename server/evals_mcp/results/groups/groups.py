"""The answer to `by`: the values of a column in their order, with what is shown of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from evals_mcp.cleaning import quoted
from evals_mcp.results.groups.figures import GroupFigures, MainFigure
from evals_mcp.results.groups.headline import RankedValue, headline, notes
from evals_mcp.results.groups.text import distinct_texts
from evals_mcp.results.groups.verdicts import GroupVerdict, verdicts
from evals_mcp.token_estimate import fitting
from evals_schemas.tools.groups import Group, Groups

VALUES_SHOWN = 20
"""Values that are listed at most."""

VALUES_TOKENS = 800
"""Estimated tokens of the listed values of an evaluation at most."""

COMPARED_TOKENS = 700
"""Estimated tokens of the listed values of a comparison at most."""

_NAME = 60


@dataclass(frozen=True)
class ValueRows:
    """The rows with one value."""

    rows: int
    figures: GroupFigures


def groups_of(
    column: str,
    main: MainFigure | None,
    values: Sequence[ValueRows],
    text_of: Callable[[int], str],
    *,
    most_tokens: float = VALUES_TOKENS,
) -> Groups:
    """Return the figures by value, the worst first.

    Args:
        column: the column.
        main: the main figure; None if no row is better than another.
        values: the rows with each value, in the order of the file; at least one.
        text_of: returns the text of the value at a place of `values`.
        most_tokens: the estimated tokens of the listed values at most.
    """
    figures = [value.figures for value in values]
    found = [GroupVerdict()] * len(values)
    if main and main.is_tested:
        found = verdicts(main, figures)
    ranked = [
        RankedValue(place, value.rows, value.figures, verdict)
        for place, (value, verdict) in enumerate(zip(values, found, strict=True))
    ]
    ranked.sort(key=lambda value: value.rank)
    texts = distinct_texts([text_of(value.place) for value in ranked[:VALUES_SHOWN]])
    shown = [_group(main, value, text) for value, text in zip(ranked, texts, strict=False)]
    fit = fitting([one.model_dump_json(exclude_none=True) for one in shown], most_tokens)
    return Groups(
        column=quoted(column, _NAME),
        values=len(values),
        headline=headline(quoted(column, _NAME), main, ranked, texts[0]),
        figure=main.name if main else None,
        unit=main.unit if main else "%",
        notes=notes(main, ranked, len(ranked) - fit),
        shown=shown[:fit],
    )


def _group(main: MainFigure | None, value: RankedValue, text: str) -> Group:
    figures, verdict = value.figures, value.verdict
    said = None
    if main and verdict.sign:
        said = main.low if verdict.sign < 0 else main.high
    return Group(
        value=text,
        rows=value.rows,
        counted=figures.counted,
        figure=figures.main,
        others=dict(figures.others) or None,
        counts=dict(figures.counts) or None,
        difference=verdict.difference,
        p_holm=verdict.p_holm,
        verdict=said,
    )
