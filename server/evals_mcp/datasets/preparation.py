"""Turns a file or rows into checked JSONL that may be sent, or refuses them."""

from __future__ import annotations

import errno
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, NoReturn

from evals_mcp.cleaning import inert, quoted
from evals_mcp.datasets.formats import KNOWN_ENDINGS, format_of, misnamed, rows_of
from evals_mcp.datasets.keys_in_rows import UploadQuality
from evals_mcp.datasets.previews import listed_columns, preview_of
from evals_mcp.errors import DatasetFaultError, InvalidRequestError, OperatorError
from evals_mcp.near_names import nearest_hint
from evals_schemas.datasets.missing_cells import fill_missing
from evals_schemas.datasets.quality import EmptyCells
from evals_schemas.datasets.reader import Check, DatasetError, Fault, Row, check, scan

NOT_SENT = "Nothing was uploaded."

BENCHMARK_COLUMNS = ("question", "answer")
"""Columns that every row of a benchmark must have, with text that is not empty."""

_COLUMNS = 40
_MISSING_NAMED = 5
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


@dataclass(frozen=True)
class PreparationOptions:
    """What a data set must meet, and which columns to send."""

    scratch: Path
    """A folder for a file that has to be rewritten."""
    max_bytes: int
    """Most bytes of the file that is read, and of the file that is sent."""
    columns: Sequence[str] | None = None
    """Columns to send; None sends all."""
    text_columns: Sequence[str] = ()
    """Columns that must contain text in every row."""


@dataclass(frozen=True)
class UnitNames:
    """What messages count in the source of the rows, and in the file written from the source."""

    source: str
    written: str


@dataclass(frozen=True)
class PreparedFile:
    """A file on disk that may be sent."""

    path: Path
    name: str
    """Ends in .jsonl."""
    rows: int
    columns: Sequence[str]
    """The first columns, as they may be shown."""
    columns_not_listed: int
    """Number of further columns."""
    preview: Sequence[Row]
    """The first rows, as they may be shown."""
    warnings: Sequence[str]
    """Oddities of the rows, a sentence each."""

    @classmethod
    def of(cls, path: Path, name: str, result: Check, unit: str) -> PreparedFile:
        """Return a checked file; messages call its lines `unit`."""
        warnings = [inert(text, 200) for text in result.quality.warnings(unit)]
        columns = listed_columns(result.columns)
        hidden = len(result.columns) - len(columns)
        preview = [preview_of(row) for row in result.preview]
        return cls(path, _jsonl_name(name), result.rows, columns, hidden, preview, warnings)


def prepare_file(
    path: Path, name: str, options: PreparationOptions, source_name: str | None = None
) -> PreparedFile:
    """Check a whole file; rewrite it if it is not JSONL or has columns to drop.

    Args:
        path: The file.
        name: The name to store it under.
        options: What to check, and which columns to send.
        source_name: The file's own name, whose ending names its format; None uses the path.

    Raises:
        DatasetFaultError: the file cannot be used; the message names the line and what to do.
        InvalidRequestError: a column to send does not exist.
        OperatorError: a package is missing, or the disk is full.
    """
    format_ = format_of(source_name or path.name)
    try:
        _check_size(path.stat().st_size, options.max_bytes)
        if format_ != "jsonl" or options.columns is not None:
            units = UnitNames("item", "item") if format_ == "json" else UnitNames("line", "row")
            return _write_and_check(rows_of(path, format_), name, options, units)
        if problem := misnamed(path, format_):
            _refuse(problem)
        return _checked_file(path, name, options, "line")
    except OSError as error:
        raise DatasetFaultError(
            f"The data set cannot be read ({error.strerror}). {NOT_SENT}"
        ) from None


def prepare_rows(rows: Iterable[Row], name: str, options: PreparationOptions) -> PreparedFile:
    """Check rows that were passed inline; raises as `prepare_file`."""
    return _write_and_check(rows, name, options, UnitNames("row", "row"))


def _check_size(size: int, most: int) -> None:
    if size > most:
        raise DatasetFaultError(
            f"The data set has {size:,} bytes; datasets.max_bytes allows {most:,}. {NOT_SENT} Pass "
            "fewer rows, or ask the administrator to raise it."
        )


def _checked_file(path: Path, name: str, options: PreparationOptions, unit: str) -> PreparedFile:
    """Return a JSONL file that was checked; cells that some rows lack become null."""
    result = _check(path, options)
    warnings: list[str] = []
    if result.faults and all(fault.lacks_only for fault in result.faults):
        filled = options.scratch / "filled.jsonl"
        if missing := fill_missing(path, filled):
            path, warnings = filled, [_missing_cells(missing)]
            result = _check(path, options)
            _leave_out(missing, result.quality.empty)
    if problem := result.problem(unit):
        _refuse(problem)
    prepared = PreparedFile.of(path, name, result, unit)
    return replace(prepared, warnings=[*warnings, *prepared.warnings])


def _leave_out(missing: Mapping[str, int], empty: dict[str, EmptyCells]) -> None:
    """Drop the columns whose empty cells are those that were missing: they are said once."""
    for name in [name for name, cells in empty.items() if missing.get(name) == cells.count]:
        del empty[name]


def _missing_cells(missing: Mapping[str, int]) -> str:
    """Return the sentence about rows that lack columns, given the number of rows by column."""
    named = [
        f"{quoted(name, 60)} in {rows:,} row{'' if rows == 1 else 's'}"
        for name, rows in missing.items()
    ]
    more = len(named) - _MISSING_NAMED
    others = f" and {more:,} more columns" if more > 0 else ""
    return f"Missing, and null there: {', '.join(named[:_MISSING_NAMED])}{others}"


def _check(path: Path, options: PreparationOptions) -> Check:
    with path.open("rb") as stream:
        _check_text_columns(stream, options.text_columns)
        return check(stream, "jsonl", quality=UploadQuality(text_columns=options.text_columns))


def _refuse(problem: str) -> NoReturn:
    raise DatasetFaultError(
        f"The data set cannot be used: {inert(problem, 600)}. {NOT_SENT} Correct it and call "
        "upload_dataset again."
    )


def _check_text_columns(stream: BinaryIO, needed: Sequence[str]) -> None:
    """Refuse a file if its first row lacks a column, instead of reporting every row."""
    first = next(scan(stream, "jsonl"), None) if needed else None
    stream.seek(0)
    if isinstance(first, dict) and (missing := [name for name in needed if name not in first]):
        columns = ", ".join(quoted(column, 60) for column in list(first)[:_COLUMNS])
        raise DatasetFaultError(
            f"`benchmark`: there is no column `{missing[0]}`; the columns are {columns}. "
            f"{NOT_SENT} A benchmark needs {' and '.join(needed)}: rename the columns and call "
            "upload_dataset again."
        )


def _write_and_check(
    items: Iterable[Row | Fault], name: str, options: PreparationOptions, units: UnitNames
) -> PreparedFile:
    """Write rows as JSONL, and check the written file as any other file."""
    path = options.scratch / "rows.jsonl"
    try:
        with path.open("wb") as target:
            problem = _write(items, target, options, units.source)
    except DatasetError as error:
        problem = str(error)
    except UnicodeEncodeError:
        problem = "a row contains half a surrogate pair, which UTF-8 cannot represent"
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise OperatorError(
            f"The disk of the temporary folder {options.scratch.parent} is full. {NOT_SENT} Ask "
            "the administrator to free space or to set TMPDIR to another folder; then call "
            "upload_dataset again."
        ) from None
    if problem:
        _refuse(problem)
    return _checked_file(path, name, options, units.written)


def _write(
    items: Iterable[Row | Fault], target: BinaryIO, options: PreparationOptions, unit: str
) -> str | None:
    """Write the rows; return their faults in one sentence, or None if there are no faults."""
    source, choice = Check(rows=1), _ColumnChoice(options.columns)
    written = 0
    for item in items:
        if isinstance(item, Fault):
            source.add_fault(item)
        elif not source.fault_count:
            text = json.dumps(choice.of(item), ensure_ascii=False, separators=(",", ":")) + "\n"
            written += target.write(text.encode())
            _check_size(written, options.max_bytes)
    if not source.fault_count:
        choice.check()
    return source.problem(unit)


class _ColumnChoice:
    """The columns of each row that are sent."""

    def __init__(self, columns: Sequence[str] | None) -> None:
        self._columns = columns
        self._existing: dict[str, None] = {}

    def of(self, row: Row) -> Row:
        """Return the row with those of the chosen columns that it has, at least one."""
        if self._columns is None:
            return row
        if not row.keys() <= self._existing.keys():
            self._existing.update(dict.fromkeys(row))
        chosen = {column: row[column] for column in self._columns if column in row}
        return chosen or {self._columns[0]: None}

    def check(self) -> None:
        """Refuse a chosen column that no row has."""
        missing = [column for column in self._columns or () if column not in self._existing]
        if missing and self._existing:
            names = ", ".join(quoted(column, 60) for column in list(self._existing)[:_COLUMNS])
            raise InvalidRequestError(
                f"`columns`: there is no {quoted(missing[0], 60)}; the columns are {names}."
                f"{nearest_hint(missing[0], self._existing)} {NOT_SENT}"
            )


def _jsonl_name(name: str) -> str:
    """Return the file name with the ending .jsonl."""
    plain = name.replace("\\", "/").rpartition("/")[2].strip() or "rows"
    ending = Path(plain).suffix
    stem = plain.removesuffix(ending) if ending.lower() in KNOWN_ENDINGS else plain
    return f"{stem[:100] or 'rows'}.jsonl"
