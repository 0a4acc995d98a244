"""The rows of a result file: their cells, and what was read from them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from evals_mcp.errors import InvalidRequestError
from evals_mcp.exports.rows import LABEL_COLUMNS, MARK_COLUMNS, READ_COLUMNS
from evals_mcp.results.rows import JUDGED, ReadRow, RowVerdict, input_columns
from evals_schemas.datasets.list_cells import read_list
from evals_schemas.digests import answer_key, row_key, value_digest

JUDGED_AT, TAKEN_OVER = "evals_judged_at", "evals_taken_over"
"""Columns that a result file has at its end where verdicts were taken over: when the verdict was
made, and whether it is the baseline's."""

_ADDED = frozenset({JUDGED_AT, TAKEN_OVER})

Cells = dict[str, Any]


@dataclass(frozen=True)
class RunRow:
    """One row with its verdict."""

    cells: Cells
    """Every column of the service's result file."""
    verdict: RowVerdict
    judged_at: str | None = None
    """When the verdict was made, ISO 8601; None if unknown."""
    taken_over: bool = False
    """Whether the verdict is the baseline's."""


def read_rows(path: Path, read: ReadRow, judged_at: str | None) -> list[RunRow]:
    """Return the rows of an exported result file.

    Args:
        path: the file.
        read: reads the verdict of a row.
        judged_at: when the verdicts were made that do not say so themselves.

    Raises:
        InvalidRequestError: the file cannot be read, or is not such a file.
    """
    rows: list[RunRow] = []
    try:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                cells: object = json.loads(line)
                row = cast("Cells", cells) if isinstance(cells, dict) else {}
                if len(row) < len(READ_COLUMNS):
                    raise InvalidRequestError(_not_rows(path, number))
                rows.append(_row(row, read, judged_at))
    except OSError as error:
        raise InvalidRequestError(f"{path} cannot be read ({error.strerror}).") from None
    except (ValueError, RecursionError):
        raise InvalidRequestError(_not_rows(path, len(rows) + 1)) from None
    return rows


def write_rows(path: Path, rows: Iterable[RunRow]) -> None:
    """Write rows as an export has them, with the columns of verdicts that were taken over."""
    with path.open("w", encoding="utf-8") as out:
        for number, row in enumerate(rows, 1):
            verdict = row.verdict
            values = (number, verdict.state, verdict.verdict, verdict.score, verdict.passed)
            front = dict(zip(_free(row.cells), values, strict=True))
            end = {JUDGED_AT: row.judged_at, TAKEN_OVER: row.taken_over}
            out.write(json.dumps({**front, **row.cells, **end}) + "\n")


def without_verdict(cells: Cells, outputs: Sequence[str] = ()) -> Cells:
    """Return the columns of the data set, and the generated answers that are named."""
    names = [*input_columns(cells), *(name for name in outputs if name in cells)]
    return {name: cells[name] for name in dict.fromkeys(names)}


@dataclass(frozen=True)
class RowKeys:
    """How rows of two runs are recognised."""

    answers: Sequence[str]
    """The columns of the judged answers."""
    key: Sequence[str] = ()
    """The columns that identify a row; all others but the answers if empty."""
    ignored: frozenset[str] = frozenset()
    """Columns that say nothing about a row, such as which rows are pinned."""

    def row(self, cells: Cells) -> bytes:
        """Return what identifies the row."""
        columns = self.key or [
            name
            for name in input_columns(cells)
            if name not in self.answers and name not in self.ignored
        ]
        return row_key({name: read_list(cells.get(name)) for name in columns})

    def content(self, cells: Cells, judged: Sequence[str]) -> bytes:
        """Return what identifies all that a judge reads of the row.

        Args:
            cells: the row.
            judged: the columns of the answers that are judged, in their order.
        """
        columns = [name for name in input_columns(cells) if name not in self.ignored]
        row = row_key({name: read_list(cells.get(name)) for name in columns})
        return row + answer_key([cells.get(name) for name in judged])


def digest_of(keys: Iterable[bytes]) -> str:
    """Return the digest of rows in any order, from what identifies them."""
    return value_digest("rows", sorted(key.hex() for key in keys))


def counted_states(rows: Iterable[RunRow]) -> tuple[int, int, int]:
    """Return the numbers of rows that were judged now, that were taken over, and that failed."""
    judged = taken_over = failed = 0
    for row in rows:
        taken_over += row.taken_over
        judged += not row.taken_over
        failed += row.verdict.state != JUDGED
    return judged, taken_over, failed


def _row(cells: Cells, read: ReadRow, judged_at: str | None) -> RunRow:
    own = list(cells)[len(READ_COLUMNS) :]
    people = {*MARK_COLUMNS, *LABEL_COLUMNS}
    names = [name for name in own if name not in _ADDED and name.rstrip("_") not in people]
    content = {name: cells[name] for name in names}
    made_at = cells.get(JUDGED_AT, judged_at)
    return RunRow(content, read(content), made_at if isinstance(made_at, str) else None)


def _free(cells: Cells) -> Iterator[str]:
    for name in READ_COLUMNS:
        free = name
        while free in cells:
            free += "_"
        yield free


def _not_rows(path: Path, line: int) -> str:
    return (
        f"{path} is not a result file: line {line} is not a row. Name the results.json of an "
        "earlier run, or an evaluation."
    )
