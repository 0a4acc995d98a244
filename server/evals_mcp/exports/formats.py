"""The formats of an export, and how each is written row by row."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, BinaryIO, TextIO

from evals_mcp.cleaning import clean
from evals_mcp.exchange.csv_cells import csv_cell
from evals_mcp.exports.rows import ExportRows

Manifest = dict[str, Any]


@dataclass(frozen=True)
class Content:
    """What is written."""

    title: str
    """The id of the evaluation."""
    name: str | None
    """The name that its user gave it; None without one."""
    headline: str | None
    """Its headline; None without one."""
    rows: ExportRows
    manifest: Callable[[], Manifest]
    """Returns the manifest, once all rows were read."""
    report: bytes = b""
    """The report; only for the format html."""
    marks: str = ""
    """What marks and labels are in it and which rows are hidden; tells one content from another."""


@dataclass(frozen=True)
class Format:
    """One format."""

    ending: str
    """Ending of the file's name, with its dot."""
    write: Callable[[Content, BinaryIO], None]
    """Writes all rows. Raises OSError if the disk does not take them."""
    holds_manifest: bool = False
    """Whether the file contains the manifest; otherwise it is a file of its own."""


def write_manifest(content: Content, file: BinaryIO) -> None:
    """Write the manifest as a JSON file."""
    file.write(_json(content.manifest()).encode() + b"\n")


def _write_csv(content: Content, file: BinaryIO) -> None:
    columns = content.rows.columns
    with _text(file, "replace") as out:
        writer = csv.writer(out)
        writer.writerow(map(csv_cell, columns))
        for row in content.rows:
            writer.writerow([csv_cell(row.get(name)) for name in columns])


def _write_jsonl(content: Content, file: BinaryIO) -> None:
    for row in content.rows:
        try:
            line = json.dumps(row, ensure_ascii=False).encode()
        except UnicodeEncodeError:  # half of a surrogate pair, which only an escape can write
            line = json.dumps(row).encode()
        file.write(line + b"\n")


def _write_markdown(content: Content, file: BinaryIO) -> None:
    columns = content.rows.columns
    with _text(file, "replace") as out:
        name = f": {markdown_cell(content.name)}" if content.name else ""
        out.write(f"# Evaluation {markdown_cell(content.title)}{name}\n\n")
        out.write(f"{markdown_cell(content.headline or 'It has no headline.')}\n\n## Rows\n\n")
        _table_line(out, map(markdown_cell, columns))
        _table_line(out, ("---" for _ in columns))
        for row in content.rows:
            _table_line(out, (markdown_cell(row.get(name)) for name in columns))
        out.write(f"\n## What made it\n\n```json\n{_json(content.manifest())}\n```\n")


def _write_report(content: Content, file: BinaryIO) -> None:
    file.write(content.report)


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        "csv": Format(".csv", _write_csv),
        "jsonl": Format(".jsonl", _write_jsonl),
        "markdown": Format(".md", _write_markdown, holds_manifest=True),
        "html": Format(".html", _write_report, holds_manifest=True),
    }
)
"""The formats by their names."""

_MARKUP = re.compile(r"[\\`*_~\[\]<>|@$&^{}]|:(?=//)|(?<=[wW][wW][wW])\.")
"""What begins markup or an address inside a cell (GitHub Flavored Markdown 0.29, sections 4.10
and 6); after a backslash it is plain text."""


def markdown_cell(value: object) -> str:
    """Return a JSON value as the text of a Markdown cell that renders as the text itself.

    No link, image, HTML, emphasis or cell begins in it; characters without a glyph are left out,
    and line breaks become `<br>`. Null is an empty cell; lists and objects are written as JSON.
    """
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    shown = clean(text, len(text) + 1, keep_lines=True)
    return _MARKUP.sub(_escaped, shown).replace("\n", "<br>")


def _escaped(match: re.Match[str]) -> str:
    character = match.group()
    return "&amp;" if character == "&" else f"\\{character}"


def _table_line(out: TextIO, cells: Iterator[str]) -> None:
    out.write(f"| {' | '.join(cells)} |\n")


def _json(manifest: Manifest) -> str:
    """Return the manifest in ASCII, so that no text in it hides or reorders what is shown."""
    return json.dumps(manifest, indent=2)


@contextmanager
def _text(file: BinaryIO, errors: str) -> Generator[TextIO]:
    """Yield a file as text, and leave the file itself open."""
    text = io.TextIOWrapper(file, encoding="utf-8", errors=errors, newline="")
    try:
        yield text
    finally:
        text.detach()
