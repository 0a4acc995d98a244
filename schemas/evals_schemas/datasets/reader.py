"""The data-set format: JSONL, CSV or TSV in UTF-8, the same columns in every row.

The server checks a file with this reader before an upload, and the engine reads the rows of a run
with it. Rows are streamed; a line over the limit is skipped and never held in memory.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, NoReturn, cast

from evals_schemas.datasets.quality import DatasetQuality

if TYPE_CHECKING:
    from _csv import Reader as CsvReader

MAX_ROW_BYTES = 16 * 1024 * 1024
"""Longest line in bytes; a longer one is a fault, because no judge could read it."""

IMAGE_COLUMN = "image_data_urls"
"""The one column that needs no template: images as `data:` URLs, one or a list."""

FAULTS_NAMED = 5
"""Faults that a check describes; further ones are counted."""

Row = dict[str, Any]
Kind = Literal["jsonl", "csv", "tsv"]

_MARKS: dict[Kind, str] = {"csv": ",", "tsv": "\t"}
"""Separator of the cells of a row, by format."""

_OTHER_MARKS = {
    ",": ("commas", "give the file a name that ends in .csv"),
    ";": ("semicolons", "save it with commas, or as .tsv with tabs"),
    "\t": ("tabs", "give the file a name that ends in .tsv"),
}
"""Name of a separator, and what to do with a file that uses it."""


@dataclass(frozen=True)
class Fault:
    """One fault of a data set."""

    line: int
    """1 for the first line of the file."""
    message: str
    lacks_only: bool = False
    """Whether the line would be a row if each row could lack columns that others have."""

    def __str__(self) -> str:
        return self.at("line")

    def at(self, unit: str) -> str:
        """Return the fault with its number, for a unit other than lines, such as rows."""
        return f"{unit} {self.line}: {self.message}"


class DatasetError(ValueError):
    """An unusable data set; the message says where and why."""


def kind_of(filename: str) -> Literal["jsonl", "csv"]:
    """Return the format of a stored file by its name: `.csv` is CSV, anything else JSONL."""
    return "csv" if filename.lower().endswith(".csv") else "jsonl"


def scan(
    stream: BinaryIO,
    kind: Kind,
    quality: DatasetQuality | None = None,
    *,
    may_lack: bool = False,
) -> Iterator[Row | Fault]:
    """Yield each row of the file in order, or a fault instead of a row that cannot be used.

    Args:
        stream: The file; read once, from its current position.
        kind: Its format.
        quality: Checks each row before it is yielded; a row that it refuses becomes a fault.
        may_lack: Whether a row of JSONL may lack columns that others have; it is yielded as it is.
            A row that shares no column with the first one stays a fault.
    """
    if kind == "jsonl":
        return _scan_jsonl(stream, quality, may_lack=may_lack)
    return _scan_cells(stream, kind, quality)


def read_rows(stream: BinaryIO, kind: Kind) -> Iterator[Row]:
    """Yield each row of a file that was checked before.

    Raises:
        DatasetError: at the first fault, or at the end of a file with no row.
    """
    rows = 0
    for item in scan(stream, kind):
        if isinstance(item, Fault):
            raise DatasetError(str(item))
        rows += 1
        yield item
    if not rows:
        raise DatasetError("the data set has no rows")


@dataclass
class Check:
    """The result of reading a whole file."""

    rows: int = 0
    columns: list[str] = field(default_factory=list[str])
    preview: list[Row] = field(default_factory=list[Row])
    """The first rows, unchanged."""
    faults: list[Fault] = field(default_factory=list[Fault])
    """The first faults."""
    fault_count: int = 0
    quality: DatasetQuality = field(default_factory=DatasetQuality)
    """Oddities of the rows without faults."""
    offsets: list[int] = field(default_factory=list[int])
    """The bytes at which some rows begin, if that was wanted; the first is that of the file."""

    def add_fault(self, fault: Fault) -> None:
        """Count a fault, and store it if it is one of the first."""
        self.fault_count += 1
        if len(self.faults) < FAULTS_NAMED:
            self.faults.append(fault)

    def problem(self, unit: str = "line") -> str | None:
        """Return in one sentence why the file cannot be used; None if it can be.

        Args:
            unit: What the lines of this file are called: `row` if each is a row of another file.
        """
        if self.fault_count:
            more = self.fault_count - len(self.faults)
            named = "; ".join(fault.at(unit) for fault in self.faults)
            return f"{named}; and {more} more faults" if more else named
        return None if self.rows else "the data set has no rows"


def check(
    stream: BinaryIO,
    kind: Kind,
    preview: int = 2,
    quality: DatasetQuality | None = None,
    mark_rows: int = 0,
) -> Check:
    """Read the whole file once and report its rows, columns, faults and peculiarities.

    Args:
        stream: The file; read once, from its current position.
        kind: Its format.
        preview: Rows to return as a preview.
        quality: Checks the rows; by default without required text columns.
        mark_rows: Note where each row begins whose number, from 0, is a multiple of this; 0 for
            none.
    """
    result = Check(quality=quality or DatasetQuality())
    rows = 0
    if mark_rows:
        result.offsets.append(stream.tell())
    for item in scan(stream, kind, result.quality):
        if isinstance(item, Fault):
            result.add_fault(item)
            continue
        if rows < preview:
            result.preview.append(item)
        rows += 1
        if rows == 1:
            result.columns = list(item)
        if mark_rows and rows % mark_rows == 0:
            result.offsets.append(stream.tell())
    result.rows = rows
    return result


def header_bytes(stream: BinaryIO, kind: Kind) -> int:
    """Return how many bytes precede the first row: those of the names of columns, if there are.

    Args:
        stream: The file, read from its current position.
        kind: Its format.
    """
    start = stream.tell()
    if kind != "jsonl":
        csv.field_size_limit(MAX_ROW_BYTES)
        with suppress(csv.Error, _UnreadableLineError):
            next(csv.reader(_readable_lines(stream), delimiter=_MARKS[kind]), None)
    return stream.tell() - start if kind != "jsonl" else 0


def _lines(stream: BinaryIO) -> Iterator[tuple[int, str | Fault]]:
    """Yield numbered lines as text, and a fault for a line that is too long or not UTF-8."""
    number = 0
    while line := stream.readline(MAX_ROW_BYTES + 1):
        number += 1
        if len(line) > MAX_ROW_BYTES:
            while line and not line.endswith(b"\n"):
                line = stream.readline(MAX_ROW_BYTES)
            yield number, Fault(number, f"longer than {MAX_ROW_BYTES // 2**20} MiB")
            continue
        try:
            yield number, line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            yield number, Fault(number, not_utf8(error.start + 1))


def not_utf8(byte: int) -> str:
    """Return the message for a line that is not UTF-8 from a byte on, 1 for the first."""
    return f"not UTF-8 (byte {byte} of the line): save the file as UTF-8"


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_decoder = json.JSONDecoder(parse_constant=_no_constant)
_encode = json.JSONEncoder(ensure_ascii=False).encode


def _scan_jsonl(
    stream: BinaryIO, quality: DatasetQuality | None, *, may_lack: bool
) -> Iterator[Row | Fault]:
    columns: Row | None = None
    for number, line in _lines(stream):
        if isinstance(line, Fault):
            yield line
            continue
        if not (text := line.strip()):
            continue
        row = _json_object(number, text)
        if isinstance(row, dict):
            columns = columns or row
            lacks_only = not row.keys().isdisjoint(columns)
            if row.keys() != columns.keys() and not (may_lack and lacks_only):
                row = Fault(number, _column_difference(row, columns), lacks_only)
            elif quality and (problem := quality.add(row, number, text)):
                row = Fault(number, problem)
        yield row


def _decoded(text: str) -> object:
    """Return the value of a stripped JSON text; faster than `decode`, which looks for blanks."""
    value, end = _decoder.raw_decode(text)
    if end < len(text):
        raise json.JSONDecodeError("Extra data", text, end)
    return value


def _json_object(number: int, text: str) -> Row | Fault:
    try:
        value = _decoded(text)
    except RecursionError:
        return Fault(number, "nested too deeply")
    except ValueError as error:
        return Fault(number, f"not JSON ({error})")
    if not isinstance(value, dict):
        return Fault(number, "not a JSON object: each line is one row, {column: value, …}")
    if not value:
        return Fault(number, "a row with no columns")
    row = cast("Row", value)
    # The first test is for speed: few lines pass it.
    may_be_cut = "\\u" in text and ("\\ud" in text or "\\uD" in text)
    if may_be_cut and (column := _half_character(row)) is not None:
        return Fault(number, f"half of a surrogate pair in {column[:40]!r}, a cut character")
    return row


def _half_character(row: Row) -> str | None:
    """Return the first column with half of a surrogate pair, which UTF-8 cannot hold."""
    for column, value in row.items():
        text = _encode(value) if isinstance(value, list | dict) else value
        try:
            column.encode()
            if isinstance(text, str):
                text.encode()
        except UnicodeEncodeError:
            return column
    return None


def _column_difference(row: Row, columns: Row) -> str:
    missing = [name for name in columns if name not in row]
    extra = [name for name in row if name not in columns]
    parts = [f"lacks {missing}"] * bool(missing) + [f"has extra {extra}"] * bool(extra)
    return f"columns differ from the first row's: {' and '.join(parts)}"


class _UnreadableLineError(Exception):
    """A fault that ends the CSV reader, which accepts only lines."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault


def _scan_cells(
    stream: BinaryIO, kind: Kind, quality: DatasetQuality | None
) -> Iterator[Row | Fault]:
    csv.field_size_limit(MAX_ROW_BYTES)
    reader = csv.reader(_readable_lines(stream), strict=True, delimiter=_MARKS[kind])
    try:
        yield from _rows_of_cells(reader, kind, quality)
    except _UnreadableLineError as error:
        yield error.fault
    except csv.Error as error:
        yield Fault(reader.line_num, f"not {kind.upper()} ({error})")


def _readable_lines(stream: BinaryIO) -> Iterator[str]:
    for _, line in _lines(stream):
        if isinstance(line, Fault):
            raise _UnreadableLineError(line)
        yield line


def _rows_of_cells(
    reader: CsvReader, kind: Kind, quality: DatasetQuality | None
) -> Iterator[Row | Fault]:
    header = next((cells for cells in reader if cells), list[str]())
    if fault := _header_fault(header, kind):
        yield Fault(1, fault)
        return
    for cells in reader:
        if len(cells) == len(header):
            row = dict(zip(header, cells, strict=True))
            problem = quality and quality.add(row, reader.line_num, tuple(cells))
            yield Fault(reader.line_num, problem) if problem else row
        elif cells:
            yield Fault(
                reader.line_num,
                f"{len(cells)} cell{'s' * (len(cells) != 1)}, the header has {len(header)}",
            )


def _header_fault(header: list[str], kind: Kind) -> str | None:
    """Return why the first line cannot be a header: most often, the file has none."""
    advice = f"the first line of a {kind.upper()} file must hold the column names"
    if header and header[0].lstrip().startswith("{"):
        return "it looks like JSONL; give the file a name that ends in .jsonl"
    if len(header) == 1 and (
        mark := next((mark for mark in _OTHER_MARKS if mark in header[0]), "")
    ):
        name, what_to_do = _OTHER_MARKS[mark]
        return f"one column, {header[0][:40]!r}: is the file separated by {name}? Then {what_to_do}"
    if any(not name.strip() for name in header):
        return f"a column with no name; {advice}"
    if len(set(header)) < len(header):
        return f"two columns with the same name; {advice}"
    if odd := next((name for name in header if len(name) > 200 or _is_number(name)), None):
        return f"{odd[:40]!r} does not look like a column name; {advice}"
    return None


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
