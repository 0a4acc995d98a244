"""What an answer shows of an uploaded data set: the first columns and rows, within a budget.

It is made where the file is read, in a worker process, so that a file with long rows or very many
columns takes no time of the server.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from evals_mcp.cleaning import clean
from evals_mcp.datasets.keys_in_rows import value_holds_key
from evals_mcp.key_shapes import holds_key
from evals_mcp.token_estimate import estimate_tokens
from evals_schemas.datasets.reader import Row

_VALUE = 200
_PREVIEW = 2400
"""Characters of both preview rows together, which keeps the answer short with many columns."""
_COLUMNS = 40

COLUMNS_TOKENS = 500
"""Estimated tokens of the listed column names; further columns are only counted."""

PREVIEW_TOKENS = 450
"""Estimated tokens of one preview row; further columns are left out."""

_LONGEST_NUMBER = 10**40
_HIDDEN = "(looks like a key, not shown)"


def listed_columns(columns: Sequence[str]) -> list[str]:
    """Return the first names that are within the budget, at least one."""
    names: list[str] = []
    tokens = 0.0
    for column in columns:
        name = _column(column)
        tokens += estimate_tokens(name) + 2
        if names and tokens > COLUMNS_TOKENS:
            break
        names.append(name)
    return names


def preview_of(row: Row) -> dict[str, Any]:
    """Return the first cells of a row that are within the budget, at least one."""
    cells = list(row.items())[:_COLUMNS]
    limit = max(12, min(_VALUE, _PREVIEW // (2 * len(cells))))
    shown: dict[str, Any] = {}
    tokens = 0.0
    for column, cell in cells:
        name, value = _column(column), _value(cell, limit)
        tokens += estimate_tokens(f"{name}{value}") + 4
        if shown and tokens > PREVIEW_TOKENS:
            break
        shown[name] = value
    return shown


def _column(name: str) -> str:
    return _HIDDEN if holds_key(name) else clean(name, 60)


def _value(value: Any, limit: int) -> Any:
    """Return a value for the preview: long texts are cut, lists and objects become marked text."""
    if value_holds_key(value):
        return _HIDDEN
    match value:
        case str():
            return clean(value, limit)
        case list() | dict():
            text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
            return clean(f"JSON: {text}", limit)
        case float() if not math.isfinite(value):
            return str(value)
        case int() if abs(value) >= _LONGEST_NUMBER:
            return clean(json.dumps(value), limit)
        case _:
            return value
