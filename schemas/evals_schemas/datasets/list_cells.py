"""Lists that a file of texts, such as CSV, holds as JSON in its cells."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any, cast

from evals_schemas.datasets.reader import Row


def read_list(cell: object) -> Any:
    """Return the list that a JSON text holds; anything else as it is."""
    if not isinstance(cell, str) or not cell.lstrip().startswith("["):
        return cell
    try:
        value: object = json.loads(cell)
    except (ValueError, RecursionError):
        return cell
    return cast("list[object]", value) if isinstance(value, list) else cell


def with_lists(row: Row, columns: Collection[str]) -> Row:
    """Return the row with the JSON texts of some columns read as lists."""
    return row | {name: read_list(row[name]) for name in columns if name in row}
