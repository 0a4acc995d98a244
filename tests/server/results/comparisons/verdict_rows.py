"""Judged rows and pairs, written down for the tests of comparisons."""

from __future__ import annotations

from collections.abc import Iterable

from evals_mcp.results.comparisons.comparison import Comparison
from evals_mcp.results.comparisons.joining import Joined, KeyedRow, join
from evals_mcp.results.rows import RowVerdict
from evals_mcp.results.types.table import type_spec

PASS, FAIL = RowVerdict("ok", "good", None, True), RowVerdict("ok", "bad", None, False)
INVALID = RowVerdict("invalid", "maybe")


def rows(*keyed_verdicts: tuple[str, RowVerdict], answer: str = "") -> list[KeyedRow]:
    """Return rows with these keys, in this order."""
    return [
        KeyedRow(number, key.encode(), (answer or key).encode(), verdict)
        for number, (key, verdict) in enumerate(keyed_verdicts, 1)
    ]


def paired(verdicts: Iterable[tuple[RowVerdict, RowVerdict]], same_answers: bool = False) -> Joined:
    """Return the join of rows that match one to one."""
    both = list(verdicts)
    a = rows(*((f"key {n}", a) for n, (a, _) in enumerate(both)))
    b = rows(*((f"key {n}", b) for n, (_, b) in enumerate(both)))
    if not same_answers:
        b = [row._replace(answer=b"another " + row.answer) for row in b]
    return join(a, b)


def scored(value: float) -> RowVerdict:
    return RowVerdict("ok", None, value, value >= 3)


def decided(decision: str) -> RowVerdict:
    return RowVerdict("ok", decision)


def compare(kind: str, joined: Joined) -> Comparison:
    """Return the figures of two evaluations of one type with the same labels."""
    return type_spec(kind).comparing.figures(joined, True, None)
