"""Rows of JSON that lack a key which others have: the missing cell is null."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from evals_schemas.datasets.reader import Fault, scan

MAX_COLUMNS = 1_000
"""Columns of all rows together, up to which missing cells are filled."""


def fill_missing(path: Path, filled: Path) -> dict[str, int] | None:
    """Write a JSONL file in which every row has the columns of all rows.

    Args:
        path: the file.
        filled: the file to write; not written if the rows cannot be filled.

    Returns:
        For each column that some rows lack, how many rows; None if a line has another fault, or if
        there are more than `MAX_COLUMNS` columns.

    Raises:
        OSError: a file cannot be read or written.
    """
    rows, present = 0, Counter[str]()
    with path.open("rb") as stream:
        for row in scan(stream, "jsonl", may_lack=True):
            if isinstance(row, Fault):
                return None
            rows += 1
            present.update(row.keys())
            if len(present) > MAX_COLUMNS:
                return None
    with path.open("rb") as stream, filled.open("xb") as out:
        for row in scan(stream, "jsonl", may_lack=True):
            if not isinstance(row, Fault):
                cells = {name: row.get(name) for name in present}
                text = json.dumps(cells, ensure_ascii=False, separators=(",", ":"))
                out.write(text.encode() + b"\n")
    return {name: rows - count for name, count in present.items() if count < rows}
