"""The text of a cell of a data set, as judges, reports and services read it."""

from __future__ import annotations

import json


def cell_text(value: object) -> str:
    """Return a text unchanged and any other value as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
