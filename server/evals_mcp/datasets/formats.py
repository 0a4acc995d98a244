"""The formats of data-set files: chosen by name, checked against the content, read as rows."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from evals_mcp.cleaning import quoted
from evals_schemas.datasets.reader import DatasetError, Fault, Row, scan

Format = Literal["jsonl", "csv", "tsv", "json", "parquet"]

_BY_ENDING: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".json": "json",
    ".parquet": "parquet",
}

KNOWN_ENDINGS = frozenset({".jsonl", ".ndjson", ".txt", *_BY_ENDING})
"""Endings of file names that state a format."""

_HEAD = 64 * 1024
"""Bytes at the start of a file that are checked for its format."""

_PARQUET = b"PAR1"

_WRAPPED = re.compile(rb'\{\s*"([^"\\]{1,60})"\s*:\s*\[\s*\{')
"""The beginning of an object whose first value is an array of objects."""

_ROWS_KEY = re.compile(rb'\{\s*"(rows|data|records|items|examples|samples)"\s*:\s*\[\s*\{')
"""Such a beginning with a name that says that the objects are the rows."""

_SIGNS: tuple[tuple[bytes, str], ...] = (
    (b"\x1f\x8b", "it is compressed with gzip; decompress it first"),
    (b"\x28\xb5\x2f\xfd", "it is compressed with zstd; decompress it first"),
    (b"BZh", "it is compressed with bzip2; decompress it first"),
    (b"\xfd7zXZ", "it is compressed with xz; decompress it first"),
    (b"PK\x03\x04", "it is a ZIP archive or an Excel workbook; save the table as .csv in UTF-8"),
    (b"\xd0\xcf\x11\xe0", "it is an old Excel workbook; save the table as .csv in UTF-8"),
    (b"SQLite format 3", "it is a database; write the rows to a .jsonl file"),
    (b"%PDF-", "it is a PDF; write the rows to a .jsonl file"),
    (_PARQUET, "it is Parquet; give the file a name that ends in .parquet"),
    (b"\xff\xfe", "it is UTF-16; save it as UTF-8"),
    (b"\xfe\xff", "it is UTF-16; save it as UTF-8"),
)
"""First bytes of files that are not text in UTF-8, and what to do with such a file."""


def format_of(filename: str) -> Format:
    """Return the format that a file name states; JSONL if it states none."""
    return _BY_ENDING.get(Path(filename).suffix.lower(), "jsonl")


def rows_of(path: Path, format_: Format) -> Iterator[Row | Fault]:
    """Yield every row of a file in order, and a fault in place of each bad row.

    The number of a fault counts items of a JSON array, or lines of other files.

    Raises:
        DatasetError: the content does not match the name, or cannot be read further.
        OperatorError: the file is Parquet, and the package that reads it is not installed.
        OSError: the file cannot be opened or read.
    """
    if problem := misnamed(path, format_):
        raise DatasetError(problem)
    if format_ == "parquet":
        from evals_mcp.datasets.parquet_files import parquet_rows  # noqa: PLC0415 - only such files need it

        yield from parquet_rows(path)
        return
    with path.open("rb") as stream:
        if format_ == "json":
            from evals_mcp.datasets.json_arrays import json_rows  # noqa: PLC0415 - only such files need it

            yield from json_rows(stream)
        else:
            yield from scan(stream, format_, may_lack=True)


def misnamed(path: Path, format_: Format) -> str | None:
    """Return why the content does not match the name, with what to do; None if it matches."""
    with path.open("rb") as stream:
        head = stream.read(_HEAD)
    if format_ == "parquet":
        fits = head.startswith(_PARQUET)
        return None if fits else "line 1: it is not a Parquet file; name the file after its content"
    for sign, advice in _SIGNS:
        if head.startswith(sign):
            return f"line 1: {advice}"
    if b"\0" in head[:8]:
        return "line 1: it contains zero bytes, as UTF-16 does; save it as UTF-8"
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not text:
        return "the file is empty" if format_ == "json" else None
    line = 1 + head[: head.index(text)].count(b"\n")
    if format_ == "json":
        return _not_array(line, text)
    return _not_jsonl(line, text) if format_ == "jsonl" else _not_cells(line, text)


def _not_jsonl(line: int, text: bytes) -> str | None:
    """Return why this cannot be JSONL, by the first lines; the reader reports later faults."""
    first = text.partition(b"\n")[0].strip()
    if text.startswith(b"["):
        return (
            f"line {line}: it is a JSON array; give the file a name that ends in .json, or write "
            "one object a line"
        )
    if (key := _ROWS_KEY.match(text)) and not text.partition(b"\n")[2].strip():
        inside = quoted(key[1].decode(), 40)
        return (
            f"line {line}: the rows are inside {inside}; {_write_array(inside)}, into a file that "
            "ends in .json"
        )
    if first == b"{":
        return (
            f"line {line}: an object over several lines; JSONL has a whole object on each line. "
            "Put an array of objects into a file that ends in .json"
        )
    if not text.startswith(b"{") and (kind := _cells_in(first)):
        return (
            f"line {line}: it looks like {kind.upper()}; give the file a name that ends in .{kind}"
        )
    return None


def _cells_in(first: bytes) -> str | None:
    """Return the format that a first line of column names suggests; None if it suggests none."""
    if first[:1] in {b'"', b"'", b"<"} and b'","' not in first:
        return None
    return "tsv" if b"\t" in first else "csv" if b"," in first else None


def _not_cells(line: int, text: bytes) -> str | None:
    if text.startswith(b"{") and _is_whole_object(text.partition(b"\n")[0]):
        return _named_jsonl(line)
    if text.startswith(b"[") and text[1:].lstrip().startswith(b"{"):
        return f"line {line}: it is a JSON array; give the file a name that ends in .json"
    return None


def _not_array(line: int, text: bytes) -> str | None:
    if text.startswith(b"["):
        return None
    first, _, rest = text.partition(b"\n")
    if _is_whole_object(first) and rest.lstrip().startswith(b"{"):
        return _named_jsonl(line)
    if wrapper := _WRAPPED.match(text):
        key = quoted(wrapper[1].decode(errors="replace"), 40)
        return f"line {line}: the rows are inside {key}; {_write_array(key)}"
    if _is_whole_object(first):
        return (
            f"line {line}: it is one object, not an array; put each row into an object of its own, "
            "[{column: value, …}, …]"
        )
    return (
        f"line {line}: it is not a JSON array; a .json file must be an array of objects, "
        "[{column: value, …}, …]"
    )


def _named_jsonl(line: int) -> str:
    return f"line {line}: it looks like JSONL; give the file a name that ends in .jsonl"


def _write_array(key: str) -> str:
    return f"write the array alone, without {key} around it"


def _is_whole_object(text: bytes) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False
