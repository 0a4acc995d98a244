"""Judged rows made fit to be shown: cleaned, cut, and together within a budget of tokens."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from evals_mcp.cleaning import clean
from evals_mcp.results.row_verdicts import RESULT_FIELDS, RowVerdict
from evals_schemas.result_pages import ResultRow

SHORTEST = 20
"""Fields are cut no shorter than this; then there are fewer rows, then fewer columns."""

ROW_TOKENS = 30
"""What a row costs beside its texts."""

_NAME = 60
_OTHER_ASCII = re.compile(r"[!-@\[-`{-~]")
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")

_FEEDBACK = ("feedback", "judge_feedback_original_order")
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
    """Words are long tokens, digits and signs short ones, other scripts shorter still."""
    beyond = len(_BEYOND_ASCII.findall(text))
    signs = len(_OTHER_ASCII.findall(text))
    return 1.3 * beyond + 0.7 * signs + 0.33 * (len(text) - beyond - signs)


def _page(rows: Sequence[JudgedRow], columns: Sequence[str], chars: int) -> Page:
    cut: dict[str, None] = {}
    shown = [_shown(row, columns, chars, cut) for row in rows]
    return Page(shown, [clean(name, _NAME) for name in cut])


def _shown(row: JudgedRow, columns: Sequence[str], chars: int, cut: dict[str, None]) -> ResultRow:
    def fit(name: str, value: object) -> str:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        found = clean(text, chars)
        if found.endswith("…") and not text.endswith("…"):
            cut[name] = None
        return found

    state, verdict, score, passed, original, flipped = row.verdict
    feedback = next((row.columns[name] for name in _FEEDBACK if row.columns.get(name)), None)
    return ResultRow(
        row=row.number,
        verdict=clean(verdict, 80) if verdict else None,
        score=score,
        passed=passed,
        problem=None if state == "ok" else _problem(row, fit),
        orders=f"{original}, {flipped}" if original and flipped and original != flipped else None,
        feedback=fit("feedback", feedback) if feedback else None,
        columns={
            clean(name, _NAME): fit(name, row.columns[name])
            for name in columns
            if row.columns.get(name) is not None
        },
    )


def _problem(row: JudgedRow, fit: Any) -> str:
    said = row.columns.get("evaluation_error")
    reason = f": {fit('problem', said)}" if said else ""
    return _STATES[row.verdict.state] + reason


def shown_columns(names: Sequence[str]) -> list[str]:
    """The columns that a page shows unless others are chosen: all but the verdict's own."""
    return [name for name in names if name not in RESULT_FIELDS]
