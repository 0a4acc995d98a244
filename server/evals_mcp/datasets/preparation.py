"""From a file or rows to what is sent: checked JSONL, or nothing at all."""

from __future__ import annotations

import errno
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NoReturn

from evals_mcp.cleaning import clean
from evals_mcp.datasets.formats import KNOWN_ENDINGS, format_of, misnamed, rows_of
from evals_mcp.datasets.keys_in_rows import UploadQuality
from evals_mcp.errors import DatasetFaultError, InvalidRequestError, OperatorError
from evals_schemas.datasets.reader import Check, DatasetError, Fault, Row, check, scan

NOT_SENT = "Nothing was uploaded."

BENCHMARK_COLUMNS = ("question", "answer")
"""What every row of a benchmark must have, as text that is not empty."""

_COLUMNS = 40
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


@dataclass(frozen=True)
class Wanted:
    """What is asked of a data set before it is sent."""

    scratch: Path
    """A folder for what has to be written anew."""
    max_bytes: int
    """The most that is read, and the most that is sent."""
    columns: Sequence[str] | None = None
    """Send only these; None sends all."""
    text_columns: Sequence[str] = ()
    """Columns that must hold text, not empty, in every row."""


@dataclass(frozen=True)
class Places:
    """What is counted in the source of the rows, and in what is written of it."""

    read: str
    written: str


@dataclass(frozen=True)
class Prepared:
    """A file on disk that may be sent."""

    path: Path
    name: str
    """Ends in .jsonl."""
    found: Check
    place: str
    """What the lines of the check are called: `line` of a file as it is, else `row` or `item`."""

    @property
    def warnings(self) -> list[str]:
        """What is odd about the rows, a sentence each."""
        return [clean(text, 200) for text in self.found.quality.warnings(self.place)]


def prepare_file(path: Path, name: str, wanted: Wanted) -> Prepared:
    """Check a file whole; one that is not JSONL, or has columns to drop, is written anew.

    Raises:
        DatasetFaultError: it cannot be used; names the line and what to do.
        InvalidRequestError: a column that is asked for is not there.
        OperatorError: a package or room on the disk is missing.
    """
    format_ = format_of(path.name)
    try:
        _check_size(path.stat().st_size, wanted.max_bytes)
        if format_ != "jsonl" or wanted.columns is not None:
            places = Places("item", "item") if format_ == "json" else Places("line", "row")
            return _written(rows_of(path, format_), name, wanted, places)
        if problem := misnamed(path, format_):
            _refuse(problem)
        return Prepared(path, _named(name), _checked(path, wanted, "line"), "line")
    except OSError as error:
        raise DatasetFaultError(
            f"The data set cannot be read ({error.strerror}). {NOT_SENT}"
        ) from None


def prepare_rows(rows: Iterable[Row], name: str, wanted: Wanted) -> Prepared:
    """Check rows that were given themselves; raises as `prepare_file` does."""
    return _written(rows, name, wanted, Places("row", "row"))


def _check_size(size: int, most: int) -> None:
    if size > most:
        raise DatasetFaultError(
            f"The data set has {size:,} bytes; datasets.max_bytes allows {most:,}. {NOT_SENT} Pass "
            "fewer rows, or ask whoever runs this server to raise it."
        )


def _checked(path: Path, wanted: Wanted, place: str) -> Check:
    with path.open("rb") as stream:
        _check_text_columns(stream, wanted.text_columns)
        found = check(stream, "jsonl", quality=UploadQuality(text_columns=wanted.text_columns))
    if problem := found.problem(place):
        _refuse(problem)
    return found


def _refuse(problem: str) -> NoReturn:
    raise DatasetFaultError(
        f"The data set cannot be used: {clean(problem, 600)}. {NOT_SENT} Correct it and call "
        "upload_dataset again."
    )


def _check_text_columns(stream: BinaryIO, needed: Sequence[str]) -> None:
    """Refuse a file whose first row lacks one, so that not every row is said to lack it."""
    first = next(scan(stream, "jsonl"), None) if needed else None
    stream.seek(0)
    if isinstance(first, dict) and (missing := [name for name in needed if name not in first]):
        there = ", ".join(clean(column, 60) for column in list(first)[:_COLUMNS])
        raise DatasetFaultError(
            f"`benchmark`: there is no column `{missing[0]}`; the columns are {there}. {NOT_SENT} "
            f"A benchmark needs {' and '.join(needed)}: rename the columns and call upload_dataset "
            "again."
        )


def _written(items: Iterable[Row | Fault], name: str, wanted: Wanted, places: Places) -> Prepared:
    """Write rows as JSONL, and check what was written as any other file is."""
    path = wanted.scratch / "rows.jsonl"
    try:
        with path.open("wb") as target:
            problem = _write(items, target, wanted, places.read)
    except DatasetError as error:
        problem = str(error)
    except UnicodeEncodeError:
        problem = "a row holds half a surrogate pair, which no UTF-8 file can"
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise OperatorError(
            f"The disk of the temporary folder {wanted.scratch.parent} is full. {NOT_SENT} Whoever "
            "runs this server frees space, or sets TMPDIR to another folder; then call "
            "upload_dataset again."
        ) from None
    if problem:
        _refuse(problem)
    return Prepared(path, _named(name), _checked(path, wanted, places.written), places.written)


def _write(
    items: Iterable[Row | Fault], target: BinaryIO, wanted: Wanted, place: str
) -> str | None:
    """Write the rows; the faults among them in one sentence, None when there is none."""
    source = Check(rows=1)
    written = 0
    for item in items:
        if isinstance(item, Fault):
            source.add_fault(item)
        elif not source.fault_count:
            row = item if wanted.columns is None else _chosen(item, wanted.columns)
            text = json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n"
            written += target.write(text.encode())
            _check_size(written, wanted.max_bytes)
    return source.problem(place)


def _chosen(row: Row, columns: Sequence[str]) -> Row:
    if missing := [column for column in columns if column not in row]:
        there = ", ".join(clean(column, 60) for column in list(row)[:_COLUMNS])
        raise InvalidRequestError(
            f"`columns`: there is no {clean(missing[0], 60)!r}; the columns are {there}. {NOT_SENT}"
        )
    return {column: row[column] for column in columns}


def _named(name: str) -> str:
    """A file name with the ending that the content has."""
    plain = name.replace("\\", "/").rpartition("/")[2].strip() or "rows"
    ending = Path(plain).suffix
    stem = plain.removesuffix(ending) if ending.lower() in KNOWN_ENDINGS else plain
    return f"{stem[:100] or 'rows'}.jsonl"
