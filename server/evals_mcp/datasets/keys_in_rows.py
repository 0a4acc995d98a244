"""Rows that hold a key: whoever judges them is sent it, so it is told before."""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

from evals_mcp.key_shapes import holds_key, may_hold_key
from evals_schemas.datasets.quality import DatasetQuality


@dataclass
class UploadQuality(DatasetQuality):
    """Looks for keys as well; only their rows are kept, never what they hold."""

    rows_with_keys: int = 0
    first_with_key: int | None = None
    """Line of the first; None while there is none."""

    def add(self, row: Mapping[str, Any], line: int, key: Hashable) -> str | None:
        """Look at one row; see `DatasetQuality.add`."""
        problem = super().add(row, line, key)
        # The line as it is read is searched first: that is quick, and few lines pass.
        texts = [key] if isinstance(key, str) else map(str, row.values())
        if problem is None and any(map(may_hold_key, texts)) and row_holds_key(row):
            self.rows_with_keys += 1
            self.first_with_key = self.first_with_key or line
        return problem

    def warnings(self, place: str = "line") -> list[str]:
        """One sentence a peculiarity; see `DatasetQuality.warnings`."""
        found = super().warnings(place)
        if self.rows_with_keys == 1:
            found.insert(0, f"{place} {self.first_with_key} looks like it holds a key")
        elif self.rows_with_keys:
            found.insert(
                0,
                f"{self.rows_with_keys:,} rows look like they hold a key, first at {place} "
                f"{self.first_with_key}",
            )
        return found


def row_holds_key(row: Mapping[str, Any]) -> bool:
    """Whether a value, at any depth, or the name of a column has the shape of a key."""
    return any(holds_key(name) or value_holds_key(value) for name, value in row.items())


def value_holds_key(value: Any) -> bool:
    """Whether a value has the shape of a key somewhere in it."""
    if isinstance(value, dict | list):
        # With a blank in the place of each escape, so that no letter of one stands before a key.
        return holds_key(json.dumps(value, ensure_ascii=False).replace("\\n", " "))
    return isinstance(value, str) and holds_key(value)
