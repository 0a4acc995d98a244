"""What a file holds, with types: tables and lists of anything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeGuard, cast


def is_table(value: object) -> TypeGuard[dict[str, object]]:
    """Return whether a value is an object of JSON or a table of TOML."""
    return isinstance(value, dict)


def is_mapping(value: object) -> TypeGuard[Mapping[str, object]]:
    """Return whether a value is written as an object or a table."""
    return isinstance(value, Mapping)


def items(value: object) -> list[object]:
    """Return the items of a list; none for any other value."""
    return cast("list[object]", value) if isinstance(value, list) else []
