"""Warns when a row contains an API key, because it would be sent to the judge."""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

from evals_mcp.key_shapes import holds_key, may_hold_key
from evals_schemas.datasets.quality import DatasetQuality


@dataclass
class UploadQuality(DatasetQuality):
    """Also counts rows with keys; stores their line numbers, never their content."""

    rows_with_keys: int = 0
    first_with_key: int | None = None
    """Line of the first row with a key; None if no row has one."""

    def add(self, row: Mapping[str, Any], line: int, key: Hashable) -> str | None:
        """Check one row; see `DatasetQuality.add`."""
        problem = super().add(row, line, key)
        # The line as it was read is searched first, because that is fast and excludes most lines.
        texts = [key] if isinstance(key, str) else map(str, row.values())
        if problem is None and any(map(may_hold_key, texts)) and row_holds_key(row):
            self.rows_with_keys += 1
            self.first_with_key = self.first_with_key or line
        return problem

    def warnings(self, unit: str = "line") -> list[str]:
        """Return one sentence for each kind of finding; see `DatasetQuality.warnings`."""
        warnings = super().warnings(unit)
        if self.rows_with_keys == 1:
            warnings.insert(0, f"{unit} {self.first_with_key} looks like it contains a key")
        elif self.rows_with_keys:
            warnings.insert(
                0,
                f"{self.rows_with_keys:,} rows look like they contain a key, first at {unit} "
                f"{self.first_with_key}",
            )
        return warnings


def row_holds_key(row: Mapping[str, Any]) -> bool:
    """Return whether a value, at any depth, or the name of a column looks like a key."""
    return any(holds_key(name) or value_holds_key(value) for name, value in row.items())


def value_holds_key(value: Any) -> bool:
    """Return whether a value contains something that looks like a key."""
    if isinstance(value, dict | list):
        # A blank replaces each escaped line end, so that its letter does not precede a key.
        return holds_key(json.dumps(value, ensure_ascii=False).replace("\\n", " "))
    return isinstance(value, str) and holds_key(value)
