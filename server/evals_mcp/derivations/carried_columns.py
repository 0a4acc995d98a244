"""Brings the carried columns of an original into a result file."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

from anyio import to_thread

from evals_mcp.cleaning import quoted
from evals_mcp.derivations.derivation import DerivedFile
from evals_mcp.derivations.matching import Match, SentRows
from evals_mcp.derivations.originals import rows_of, save
from evals_mcp.errors import NotFoundError
from evals_mcp.results.number_text import counted

MAX_LINE_BYTES = 32 * 1024 * 1024
"""The longest line that is read; a longer one stays as it is."""

NOTES = "carried.json"
"""The file beside a kept result file that says how its carried columns were joined."""

_NAMED = 5
_FILES = ("carried-original", "carried-matching", "carried-rows")

Fetch = Callable[[], AbstractAsyncContextManager[AsyncIterator[bytes]]]


@dataclass(frozen=True)
class JoinReport:
    """What is not known of the carried columns of a result file."""

    columns: tuple[str, ...]
    """Their names in the result rows."""
    unmatched: int = 0
    """Rows that equal no row that was sent."""
    unclear: int = 0
    """Rows with a null because equal rows were sent and not all came back."""
    missing: str | None = None
    """The id of the original, if it does not exist any more and nothing was joined."""

    def sentences(self) -> list[str]:
        """Return what a reader of the rows needs to know."""
        names = ", ".join(quoted(name, 60) for name in self.columns[:_NAMED])
        more = len(self.columns) - _NAMED
        names += f" and {more} more" if more > 0 else ""
        if self.missing:
            original = quoted(self.missing, 80)
            return [f"Without {names}: the data set {original}, which has them, was deleted."]
        texts: list[str] = []
        if self.unmatched:
            texts.append(
                f"{counted(self.unmatched, 'row')} without {names}: no row of the data set has "
                "the same content."
            )
        if self.unclear:
            texts.append(
                f"{counted(self.unclear, 'row')} with empty cells among {names}: several rows of "
                "the data set were sent as equal, not as many came back, and which ones is unknown."
            )
        return texts


@dataclass(frozen=True)
class CarriedColumns:
    """The carried columns of one derived file, for its result files."""

    derived: DerivedFile
    original: str
    """The id of the original as its user sees it."""
    fetch: Fetch
    """Opens the download of the original."""

    @property
    def variant(self) -> str:
        """A name that is the same for the same columns of the same original."""
        return f"{self.derived.original} {json.dumps(self.derived.to_json(), sort_keys=True)}"

    async def bring_into(self, rows: Path) -> None:
        """Join the columns into a result file, in place; write `NOTES` beside it.

        Raises:
            OSError: a file cannot be written.
            EvalsMCPError: the original cannot be fetched; one that was deleted is a note.
        """
        original, matching, joined = (rows.parent / name for name in _FILES)
        try:
            try:
                async with self.fetch() as chunks:
                    await save(original, chunks)
            except NotFoundError:
                columns = tuple(self.derived.recipe.shown_as.values())
                report = JoinReport(columns, missing=self.original)
            else:
                report = await to_thread.run_sync(
                    _join, self.derived, original, rows, matching, joined
                )
                await to_thread.run_sync(joined.replace, rows)
            text = json.dumps(asdict(report))
            await to_thread.run_sync(rows.with_name(NOTES).write_text, text)
        finally:
            for path in (original, matching, joined):
                path.unlink(missing_ok=True)


def notes_beside(rows: Path) -> list[str]:
    """Return the sentences about the carried columns of a kept result file; none without any."""
    try:
        value = json.loads(rows.with_name(NOTES).read_text())
    except FileNotFoundError:
        return []
    return JoinReport(**value | {"columns": tuple(value["columns"])}).sentences()


def whole_rows(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of a result file, without lines that are no rows."""
    with path.open("rb") as stream:
        yield from (row for _, row in _lines(stream) if row is not None)


def _join(
    derived: DerivedFile, original: Path, rows: Path, matching: Path, joined: Path
) -> JoinReport:
    """Write the joined file; blocks."""
    recipe = derived.recipe
    unmatched = unclear = 0
    with closing(SentRows(matching, recipe.keys)) as sent_rows:
        for sent, whole in derived.sent_rows(rows_of(original)):
            sent_rows.add(sent, {name: whole.get(name) for name in recipe.carried})
        with rows.open("rb") as stream:
            for _, row in _lines(stream):
                if row is not None:
                    sent_rows.count(row)
        with rows.open("rb") as stream, joined.open("wb") as out:
            for line, row in _lines(stream):
                if row is None:
                    out.write(line)
                    continue
                match = sent_rows.take(row)
                unmatched += match.cells is None
                unclear += match.unclear
                out.write(_with_cells(line, row, match, recipe.shown_as))
    return JoinReport(tuple(recipe.shown_as.values()), unmatched, unclear)


def _lines(stream: BinaryIO) -> Iterator[tuple[bytes, dict[str, Any] | None]]:
    """Yield each line, in parts if it is too long, and its row; None if it is not a row."""
    is_whole = True
    while line := stream.readline(MAX_LINE_BYTES + 1):
        was_whole, is_whole = is_whole, line.endswith(b"\n") or len(line) <= MAX_LINE_BYTES
        yield line, _row(line) if was_whole and is_whole else None


def _row(line: bytes) -> dict[str, Any] | None:
    try:
        value: object = json.loads(line.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return None
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None


def _with_cells(line: bytes, row: dict[str, Any], match: Match, names: dict[str, str]) -> bytes:
    """Return the line with the carried cells before its own; a column that it has stays."""
    cells = {
        name: match.cells[column] if match.cells else None
        for column, name in names.items()
        if name not in row
    }
    if not cells:
        return line
    carried = json.dumps(cells).encode()[:-1]
    rest = line[line.index(b"{") + 1 :].lstrip()
    return carried + (b"" if rest.startswith(b"}") else b",") + rest
