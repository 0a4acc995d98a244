"""Lays out judged rows in a page: cleaned, cut, and within a budget of tokens."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from evals_mcp.cleaning import clean
from evals_mcp.results.rows import RESULT_FIELDS, TRY, RowVerdict
from evals_schemas.datasets.cells import cell_text
from evals_schemas.tools.result_pages import ResultRow

SHORTEST = 20
"""Shortest length of a cut field, in characters; after that rows, then columns are left out."""

ROW_TOKENS = 30
"""Tokens of a row besides its texts."""

_NAME = 60
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
_ESCAPED = re.compile(r'["\\]')
_OTHER_ASCII = re.compile(r"[!#-@\[\]-`{-~]")
_COMMON_BEYOND = re.compile("[\u0080-\u07ff\u3000-\u9fff\uac00-\ud7a3]")
_RARE_BEYOND = re.compile("[\u0800-\u2fff\ua000-\uabff\ud7a4-\uffff]")
_ASTRAL = re.compile("[\U00010000-\U0010ffff]")

_FEEDBACK = ("feedback", "judge_feedback_original_order", "judge_feedback_flipped_order")
STATES = {
    "generation_failed": "no answer was generated",
    "judge_failed": "the judge call failed",
    "invalid": "the verdict could not be read",
    "one_order": "judged in one order only, not counted",
}
"""Why a row has no valid verdict, by its state."""


@dataclass(frozen=True)
class JudgedRow:
    """One row of the result file."""

    number: int
    verdict: RowVerdict
    columns: Mapping[str, Any]


@dataclass
class Page:
    """Rows that fit into the budget."""

    rows: list[ResultRow] = field(default_factory=list[ResultRow])
    cut: list[str] = field(default_factory=list[str])
    """Columns with a shortened text in some row."""
    left_out: list[str] = field(default_factory=list[str])
    """Columns that are left out of every row because of the budget."""


def page_of(
    rows: Sequence[JudgedRow],
    columns: Sequence[str],
    max_chars: int,
    max_tokens: float,
    shortest: int = SHORTEST,
) -> Page:
    """Return as much of the rows as the budget allows: cut fields, then rows, then columns.

    `shortest` is the length in characters from which on rows are left out instead.
    """
    chars = max_chars
    while True:
        page = _page(rows, columns, chars)
        cost = tokens_of(page)
        if cost <= max_tokens or chars <= shortest:
            break
        chars = max(shortest, min(chars - 1, int(chars * max_tokens / cost)))
    while len(page.rows) > 1 and tokens_of(page) > max_tokens:
        page.rows.pop()
    names = list(columns)
    while len(names) > 1 and tokens_of(page) > max_tokens:
        names = names[: len(names) // 2]
        page = _page(rows[:1], names, SHORTEST)
        page.left_out = list(columns[len(names) :])
    return page


def tokens_of(page: Page) -> float:
    """Return an estimate of a page's tokens, rather too high than too low."""
    return sum(
        ROW_TOKENS
        + _tokens(row.feedback or "")
        + _tokens(row.problem or "")
        + sum(_tokens(name) + _tokens(value) + 4 for name, value in row.columns.items())
        for row in page.rows
    )


def _tokens(text: str) -> float:
    """Return an estimate of a text's tokens.

    A word is about one token, and a long word more. Digits and other ASCII characters are part of a
    token; characters beyond ASCII need more tokens the rarer they are. The weights are those of the
    o200k vocabulary, rounded up.
    """
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
        text = cell_text(value)
        cleaned = clean(text, chars)
        if cleaned.endswith("…") and (len(text) > chars or not text.endswith("…")):
            cut[name] = None
        return cleaned

    state, verdict, score, passed, original, flipped, _ = row.verdict
    feedback = _feedback(row, chars, cut)
    return ResultRow(
        row=row.number,
        verdict=clean(verdict, 80) if verdict else None,
        score=score,
        passed=passed,
        problem=None if state == "ok" else _problem(row, fit),
        orders=f"{original}, {flipped}" if original and flipped and original != flipped else None,
        feedback=fit("feedback", feedback) if feedback else None,
        columns=_unique_names(
            (name, fit(name, row.columns[name]))
            for name in columns
            if row.columns.get(name) is not None
        ),
    )


def _feedback(row: JudgedRow, chars: int, cut: dict[str, None]) -> object:
    """Return the judge's reason, or both reasons if the verdicts of the two orders differ.

    Of two reasons each gets half of the characters, so that the first does not hide the second; a
    cut one is noted in `cut`. The reason for the other order is returned alone if it is the only
    one.
    """
    reason, original, flipped = (row.columns.get(name) for name in _FEEDBACK)
    choices = row.verdict.original, row.verdict.flipped
    first, second = "in the order A,B: ", "in the order B,A, whose first answer is B: "
    if original and flipped and None not in choices and choices[0] != choices[1]:
        half = max(SHORTEST, (chars - len(first) - len(second) - 3) // 2)
        texts = [cell_text(text) for text in (original, flipped)]
        if any(len(text) > half for text in texts):
            cut["feedback"] = None
        return f"{first}{clean(texts[0], half)} / {second}{clean(texts[1], half)}"
    if flipped and not (reason or original):
        return f"{second}{cell_text(flipped)}"
    return reason or original


def _unique_names(columns: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the texts by cleaned name; equal cleaned names get numbers."""
    named: dict[str, str] = {}
    for name, text in columns:
        shown, number = clean(name, _NAME) or "(unnamed)", 1
        while shown in named:
            number += 1
            shown = f"{clean(name, _NAME - 5)} ({number})"
        named[shown] = text
    return named


def _problem(row: JudgedRow, fit: Any) -> str:
    error = row.columns.get("evaluation_error")
    reason = f": {fit('problem', error)}" if error else ""
    return STATES[row.verdict.state] + reason


def shown_columns(names: Sequence[str]) -> list[str]:
    """Return the columns that a page shows by default: none of the verdict but the try."""
    return [name for name in names if name not in RESULT_FIELDS or name == TRY]
