"""The formats of data-set files: told by the name, checked against the content, read as rows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

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
"""What a file name may end in that says what is in the file."""

_HEAD = 64 * 1024
"""Bytes at the start that tell what a file is."""

_PARQUET = b"PAR1"

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
"""How a file begins that holds no text in UTF-8, and what to do with it."""


def format_of(filename: str) -> Format:
    """The format that a file name promises; JSONL where it promises none."""
    return _BY_ENDING.get(Path(filename).suffix.lower(), "jsonl")


def rows_of(path: Path, format_: Format) -> Iterator[Row | Fault]:
    """Every row of a file in order, and a fault in the place of each bad one.

    What a fault counts are the items of a JSON array, else the lines.

    Raises:
        DatasetError: the file is not what its name says, or cannot be read on.
        OperatorError: it is Parquet, and what reads it is not installed.
        OSError: it cannot be opened or read.
    """
    if problem := misnamed(path, format_):
        raise DatasetError(problem)
    if format_ == "parquet":
        from evals_mcp.datasets.parquet_files import parquet_rows  # noqa: PLC0415 - for such files alone

        yield from parquet_rows(path)
        return
    with path.open("rb") as stream:
        if format_ == "json":
            from evals_mcp.datasets.json_arrays import json_rows  # noqa: PLC0415 - for such files alone

            yield from json_rows(stream)
        else:
            yield from scan(stream, format_)


def misnamed(path: Path, format_: Format) -> str | None:
    """What a file holds instead of what its name says, with what to do; None when it fits."""
    with path.open("rb") as stream:
        head = stream.read(_HEAD)
    if format_ == "parquet":
        fits = head.startswith(_PARQUET)
        return None if fits else "line 1: it is no Parquet file; name it after what it holds"
    for sign, advice in _SIGNS:
        if head.startswith(sign):
            return f"line 1: {advice}"
    if b"\0" in head[:8]:
        return "line 1: it holds zero bytes, as UTF-16 does; save it as UTF-8"
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not text:
        return "the file is empty" if format_ == "json" else None
    line = 1 + head[: head.index(text)].count(b"\n")
    if format_ == "json":
        return _no_array(line, text)
    return _no_jsonl(line, text) if format_ == "jsonl" else _no_cells(line, text)


def _no_jsonl(line: int, text: bytes) -> str | None:
    """Why this cannot be JSONL; what is wrong further down is for the reader to say."""
    first = text.partition(b"\n")[0].strip()
    if text.startswith(b"["):
        return (
            f"line {line}: it is a JSON array; give the file a name that ends in .json, or write "
            "one object a line"
        )
    if first == b"{":
        return (
            f"line {line}: an object over several lines; JSONL has a whole object on each line. An "
            "array of objects goes into a file that ends in .json"
        )
    if not text.startswith(b"{") and (kind := _cells_in(first)):
        return (
            f"line {line}: it looks like {kind.upper()}; give the file a name that ends in .{kind}"
        )
    return None


def _cells_in(first: bytes) -> str | None:
    """Which format a first line of column names hints at."""
    if first[:1] in {b'"', b"'", b"<"} and b'","' not in first:
        return None
    return "tsv" if b"\t" in first else "csv" if b"," in first else None


def _no_cells(line: int, text: bytes) -> str | None:
    if text.startswith(b"{") and _is_whole_object(text.partition(b"\n")[0]):
        return _named_jsonl(line)
    if text.startswith(b"[") and text[1:].lstrip().startswith(b"{"):
        return f"line {line}: it is a JSON array; give the file a name that ends in .json"
    return None


def _no_array(line: int, text: bytes) -> str | None:
    if text.startswith(b"["):
        return None
    if _is_whole_object(text.partition(b"\n")[0]):
        return _named_jsonl(line)
    return (
        f"line {line}: it is no JSON array; a .json file must be an array of objects, "
        "[{column: value, …}, …]"
    )


def _named_jsonl(line: int) -> str:
    return f"line {line}: it looks like JSONL; give the file a name that ends in .jsonl"


def _is_whole_object(text: bytes) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False
