"""Shortens a plan for a conversation, whatever the request and the data set contain."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from evals_mcp.cleaning import clean
from evals_mcp.planning.checks.columns import COLUMNS_NAMED
from evals_mcp.planning.checks.rendered_sample import RenderedField
from evals_mcp.token_estimate import estimate_tokens
from evals_schemas.tools.plans import Plan, RenderedTemplate

PLAN_TOKENS = 1_600
"""Estimated tokens of the longest plan; with the error of the estimate, a plan is below 1,900."""

_SENTENCES, _CHARACTERS = 6, 420
"""Sentences of each kind, and the length of one."""

_LEFT_OUT = "(the rubric)"
"""Stands for the words of a ready rubric before its first column."""

_ROW_CHARACTERS = 300
_ROW_TOKENS = 90
"""Limits of one text of the first row, whichever is reached first."""


def shortened(plan: Plan) -> Plan:
    """Return the plan with its lists cut, the rest counted, until the plan is short enough."""
    changes = {
        "columns_used": _cut(plan.columns_used, COLUMNS_NAMED, 60),
        "columns_carried": _cut(plan.columns_carried, COLUMNS_NAMED, 60),
        "problems": _cut(plan.problems, _SENTENCES, _CHARACTERS),
        "warnings": _cut(plan.warnings, _SENTENCES, _CHARACTERS),
        "notes": _cut(plan.notes, _SENTENCES + 2, _CHARACTERS),
    }
    shorter = plan.model_copy(update=changes)
    for most, characters in ((3, 300), (2, 160), (1, 120)):
        if _tokens(shorter) <= PLAN_TOKENS:
            break
        shorter = shorter.model_copy(update=_cut_lists(shorter, most, characters))
    return shorter


def first_row(texts: Iterable[RenderedField], rubric: str | None = None) -> list[RenderedTemplate]:
    """Return the first row through each template, and the answer that the judge will read.

    Args:
        texts: the rendered fields.
        rubric: the text of a ready rubric, which the plan shows in full: its words before the
            first column are not repeated.
    """
    return [
        RenderedTemplate(template=text.name, text=_short_text(text.first, rubric))
        for text in texts
        if text.first is not None
    ]


def _cut_lists(plan: Plan, most: int, characters: int) -> dict[str, object]:
    row = [
        text.model_copy(update={"text": clean(text.text, characters // 2)})
        for text in plan.first_row
    ]
    lists = {
        name: _cut(getattr(plan, name), most, characters)
        for name in ("problems", "warnings", "notes")
    }
    columns = {
        name: _cut(getattr(plan, name), 2 * most, 30)
        for name in ("columns_used", "columns_carried")
    }
    return {"first_row": row, **lists, **columns}


def _tokens(plan: Plan) -> float:
    return estimate_tokens(plan.model_dump_json(exclude_none=True))


def _cut(texts: Sequence[str], most: int, characters: int) -> list[str]:
    cut = [clean(text, characters) for text in texts[:most]]
    more = len(texts) - most
    return [*cut, f"and {more:,} more"] if more > 0 else cut


def _short_text(text: str, rubric: str | None) -> str:
    words = rubric.partition("\n\n<")[0] if rubric else ""
    if words and text.startswith(words):
        text = f"{_LEFT_OUT} {text.removeprefix(words)}"
    length = _ROW_CHARACTERS
    short = clean(text, length)
    while length > 20 and estimate_tokens(short) > _ROW_TOKENS:
        length = length * 3 // 4
        short = clean(text, length)
    return short
