"""Judged rows made fit to be shown: cleaned, cut, and together within a budget of tokens."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from evals_mcp.cleaning import clean
from evals_mcp.results.rows import RESULT_FIELDS, RowVerdict
from evals_schemas.tools.result_pages import ResultRow

SHORTEST = 20
"""Fields are cut no shorter than this; then there are fewer rows, then fewer columns."""

ROW_TOKENS = 30
"""What a row costs beside its texts."""

_NAME = 60
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
_ESCAPED = re.compile(r'["\\]')
_OTHER_ASCII = re.compile(r"[!#-@\[\]-`{-~]")
_COMMON_BEYOND = re.compile("[\u0080-\u07ff\u3000-\u9fff\uac00-\ud7a3]")
_RARE_BEYOND = re.compile("[\u0800-\u2fff\ua000-\uabff\ud7a4-\uffff]")
_ASTRAL = re.compile("[\U00010000-\U0010ffff]")

_FEEDBACK = ("feedback", "judge_feedback_original_order", "judge_feedback_flipped_order")
_STATES = {
    "generation_failed": "no answer was generated",
    "judge_failed": "the judge call failed",
    "invalid": "the verdict could not be read",
}


@dataclass(frozen=True)
class JudgedRow:
    """One row as it stands in the file."""

    number: int
    verdict: RowVerdict
    columns: Mapping[str, Any]


@dataclass
class Page:
    """Rows that fit the budget."""

    rows: list[ResultRow] = field(default_factory=list[ResultRow])
    cut: list[str] = field(default_factory=list[str])
    """Columns of which something is missing."""
    left_out: list[str] = field(default_factory=list[str])
    """Columns that are missing from every row for want of room."""


def page_of(
    rows: Sequence[JudgedRow], columns: Sequence[str], max_chars: int, max_tokens: float
) -> Page:
    """As much of the rows as the budget allows: fields are cut first, then rows, then columns."""
    chars = max_chars
    while True:
        page = _page(rows, columns, chars)
        cost = tokens_of(page)
        if cost <= max_tokens or chars == SHORTEST:
            break
        chars = max(SHORTEST, min(chars - 1, int(chars * max_tokens / cost)))
    while len(page.rows) > 1 and tokens_of(page) > max_tokens:
        page.rows.pop()
    kept = list(columns)
    while len(kept) > 1 and tokens_of(page) > max_tokens:
        kept = kept[: len(kept) // 2]
        page = _page(rows[:1], kept, SHORTEST)
        page.left_out = list(columns[len(kept) :])
    return page


def tokens_of(page: Page) -> float:
    """About how many tokens a page is: rather too many than too few."""
    return sum(
        ROW_TOKENS
        + _tokens(row.feedback or "")
        + _tokens(row.problem or "")
        + sum(_tokens(name) + _tokens(value) + 4 for name, value in row.columns.items())
        for row in page.rows
    )


def _tokens(text: str) -> float:
    """A word is about one token, a long one more; digits and signs are short ones, and what lies
    beyond ASCII is shorter the rarer it is. Taken from o200k, rounded up."""
    words = sum(1.5 + 0.6 * max(0, len(word) - 7) for word in _WORDS.findall(text))
    return (
        words
        + 1.3 * len(_ESCAPED.findall(text))
        + 0.75 * len(_OTHER_ASCII.findall(text))
        + 1.3 * len(_COMMON_BEYOND.findall(text))
        + 2.8 * len(_RARE_BEYOND.findall(text))
        + 4.0 * len(_ASTRAL.findall(text))
    )


def _page(rows: Sequence[JudgedRow], columns: Sequence[str], chars: int) -> Page:
    cut: dict[str, None] = {}
    shown = [_shown(row, columns, chars, cut) for row in rows]
    return Page(shown, [clean(name, _NAME) for name in cut])


def _shown(row: JudgedRow, columns: Sequence[str], chars: int, cut: dict[str, None]) -> ResultRow:
    def fit(name: str, value: object) -> str:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        found = clean(text, chars)
        if found.endswith("…") and (len(text) > chars or not text.endswith("…")):
            cut[name] = None
        return found

    state, verdict, score, passed, original, flipped = row.verdict
    feedback = _feedback(row)
    return ResultRow(
        row=row.number,
        verdict=clean(verdict, 80) if verdict else None,
        score=score,
        passed=passed,
        problem=None if state == "ok" else _problem(row, fit),
        orders=f"{original}, {flipped}" if original and flipped and original != flipped else None,
        feedback=fit("feedback", feedback) if feedback else None,
        columns=_named_apart(
            (name, fit(name, row.columns[name]))
            for name in columns
            if row.columns.get(name) is not None
        ),
    )


def _feedback(row: JudgedRow) -> object:
    """The judge's reason; where the two orders differ, both."""
    said = [row.columns.get(name) for name in _FEEDBACK]
    _, _, _, _, original, flipped = row.verdict
    if original and flipped and original != flipped and said[1] and said[2]:
        return f"in the order A,B: {said[1]} / in the order B,A: {said[2]}"
    return next((one for one in said[:2] if one), None)


def _named_apart(columns: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Texts by cleaned name; names that are the same once cleaned are numbered."""
    named: dict[str, str] = {}
    for name, text in columns:
        shown, number = clean(name, _NAME) or "(unnamed)", 1
        while shown in named:
            number += 1
            shown = f"{clean(name, _NAME - 5)} ({number})"
        named[shown] = text
    return named


def _problem(row: JudgedRow, fit: Any) -> str:
    said = row.columns.get("evaluation_error")
    reason = f": {fit('problem', said)}" if said else ""
    return _STATES[row.verdict.state] + reason


def shown_columns(names: Sequence[str]) -> list[str]:
    """The columns that a page shows unless others are chosen: all but the verdict's own."""
    return [name for name in names if name not in RESULT_FIELDS]
