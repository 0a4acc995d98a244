"""The index of one result file: position and verdict of each row, in SQLite.

With the index, a page of a million rows is a look-up. It is built in one pass that holds one row in
memory at a time, and is stored in a file beside the rows. All functions here block; callers on an
event loop run them in a worker thread.
"""

from __future__ import annotations

import errno
import json
import re
import sqlite3
import uuid
from array import array
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from functools import cache
from hashlib import blake2b
from importlib import resources
from pathlib import Path
from typing import Any, BinaryIO, cast

from evals_mcp.results.rows import ReadRow, RowVerdict

MAX_ROW_BYTES = 32 * 1024 * 1024
"""Length of the longest row that is read; a longer row counts as damaged."""

Row = dict[str, Any]


class DamagedIndexError(Exception):
    """The files exist but are not an index, and have to be created again."""


@dataclass(frozen=True)
class Damage:
    """Lines of a result file that are not rows."""

    lines: int = 0
    """Number of damaged lines."""
    first_line: int | None = None
    """Number of the first damaged line, counted from 1; None without damage."""
    reason: str | None = None
    """What is wrong with the first damaged line; None without damage."""


@dataclass(frozen=True)
class IndexedRow:
    """Position and verdict of one row."""

    number: int
    """Number of the row in the file, counted from 1."""
    start: int
    """Offset of its line in the file, in bytes."""
    length: int
    """Length of its line, in bytes."""
    verdict: RowVerdict


@dataclass(frozen=True)
class Count:
    """Number of rows with the same verdict."""

    verdict: RowVerdict
    """The verdict, without its score."""
    rows: int


@dataclass(frozen=True)
class Where:
    """A condition on rows: an SQL expression, and the values of the `:name`s in it."""

    expression: str = "1"
    values: Mapping[str, str | float | None] = field(
        default_factory=dict[str, "str | float | None"]
    )

    def also(self, expression: str, **values: str | float | None) -> Where:
        """Return the condition that both this and another expression hold."""
        return Where(f"{self.expression} AND ({expression})", {**self.values, **values})


@dataclass(frozen=True)
class Order:
    """A sort order, and how it continues after a row."""

    by: str
    """The SQL expressions to sort by."""
    after: str
    """The SQL condition for rows after the row with `:score` and `:number`."""
    scored_only: bool = False
    """Whether rows without a score are left out."""


ORDERS = {
    "file": Order("number", "number > :number"),
    "score_ascending": Order(
        "score, number", "score > :score OR (score = :score AND number > :number)", True
    ),
    "score_descending": Order(
        "score DESC, number DESC", "score < :score OR (score = :score AND number < :number)", True
    ),
}
"""The sort orders by name."""


def build_index(rows: Path, index: Path, read: ReadRow) -> None:
    """Read a result file once and write its index.

    Raises:
        OSError: the index cannot be written; the caller removes the incomplete file.
    """
    try:
        _build(rows, index, _Scan(read))
    except sqlite3.Error as error:
        raise OSError(errno.EIO, str(error)) from error


def _build(rows: Path, index: Path, scan: _Scan) -> None:
    with closing(sqlite3.connect(index, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("PRAGMA synchronous = OFF")
        connection.executescript(_query("create"))
        connection.execute("BEGIN")
        with rows.open("rb") as stream:
            connection.executemany(_query("add_row"), scan.rows(stream))
        connection.executemany(_query("add_fact"), scan.facts())
        connection.execute("COMMIT")
        connection.executescript(_query("create_lookups"))


class _Scan:
    """The pass over a result file that collects the index."""

    def __init__(self, read: ReadRow) -> None:
        self._read = read
        self._columns: dict[str, None] = {}
        self._counts: Counter[RowVerdict] = Counter()
        self._damaged = 0
        self._first: tuple[int, str] | None = None

    def rows(self, stream: BinaryIO) -> Iterator[tuple[Any, ...]]:
        """Yield the values of each row for the index."""
        number, line_number, start = 0, 0, 0
        decode, read, columns = json.JSONDecoder().decode, self._read, self._columns
        counts, unscored = self._counts, RowVerdict._replace
        last_columns: object = None
        while line := stream.readline(MAX_ROW_BYTES + 1):
            line_number += 1
            length = len(line)
            if length > MAX_ROW_BYTES:
                length += _rest_of_line(stream, line)
                self._damage(line_number, "longer than 32 MiB")
            elif not line.isspace():
                try:
                    row = decode(line.decode("utf-8-sig" if line_number == 1 else "utf-8"))
                    verdict = _storable(read(row))
                except (ValueError, AttributeError, RecursionError, OverflowError) as error:
                    self._damage(line_number, _reason(error, line))
                else:
                    number += 1
                    if row.keys() != last_columns:
                        columns.update(dict.fromkeys(row))
                        last_columns = row.keys()
                    counts[verdict if verdict.score is None else unscored(verdict, score=None)] += 1
                    yield (number, start, length, *verdict)
            start += length

    def facts(self) -> Iterator[tuple[str, str]]:
        """Yield name and JSON value of each fact about the file, after all rows."""
        yield "columns", json.dumps(list(self._columns))
        line, reason = self._first or (None, None)
        yield "damage", json.dumps([self._damaged, line, reason])
        yield "counts", json.dumps([[*verdict, rows] for verdict, rows in self._counts.items()])

    def _damage(self, line_number: int, reason: str) -> None:
        self._damaged += 1
        self._first = self._first or (line_number, reason)


def _rest_of_line(stream: BinaryIO, line: bytes) -> int:
    skipped = 0
    while line and not line.endswith(b"\n"):
        line = stream.readline(MAX_ROW_BYTES)
        skipped += len(line)
    return skipped


def _storable(verdict: RowVerdict) -> RowVerdict:
    """Return the verdict with lone surrogates in its label replaced, which SQLite refuses."""
    label = verdict.verdict
    if label is None or label.isascii():
        return verdict
    return verdict._replace(verdict=label.encode("utf-8", "replace").decode())


def _reason(error: Exception, line: bytes) -> str:
    if line.startswith(b"\x1f\x8b"):
        return "compressed with gzip"
    if line.lstrip()[:1] == b"<":
        return "a web page"
    if isinstance(error, UnicodeDecodeError):
        return "not UTF-8"
    if isinstance(error, AttributeError):
        return "not a JSON object"
    return "not complete JSON"


class ResultIndex:
    """An open index and its result file."""

    def __init__(self, rows: Path, index: Path) -> None:
        """Open both files.

        Raises:
            OSError: a file does not exist.
            DamagedIndexError: the files are not an index.
        """
        self._folder = index.parent
        self._stream = rows.open("rb")
        self._connection = sqlite3.connect(index, check_same_thread=False)
        self._connection.row_factory = sqlite3.Row
        try:
            facts = dict(self._connection.execute(_query("facts")).fetchall())
            self.columns: list[str] = json.loads(facts["columns"])
            """The columns of all rows, in the order of their first occurrence."""
            self.damage = Damage(*json.loads(facts["damage"]))
            counts: list[list[Any]] = json.loads(facts["counts"])
            self.counts = [Count(RowVerdict(*values[:-1]), values[-1]) for values in counts]
            """The number of rows by verdict."""
        except (sqlite3.Error, KeyError, ValueError) as error:
            self.close()
            raise DamagedIndexError from error

    def close(self) -> None:
        """Close both files."""
        self._connection.close()
        self._stream.close()

    def total(self) -> int:
        """Return the number of rows in the file, without damaged lines."""
        return sum(count.rows for count in self.counts)

    def matching(self, where: Where) -> int:
        """Return the number of rows that meet a condition."""
        statement = f"SELECT COUNT(*) FROM rows WHERE {where.expression}"  # noqa: S608 - constants
        return self._connection.execute(statement, where.values).fetchone()[0]

    def page(
        self, where: Where, order: str, limit: int, after: IndexedRow | None = None
    ) -> list[IndexedRow]:
        """Return at most `limit` rows that meet a condition, in one of `ORDERS`.

        The page begins after the row `after`, or with the first row if that is None.
        """
        if after is not None:
            position = {"score": after.verdict.score, "number": after.number}
            where = where.also(ORDERS[order].after, **position)
        rows = self._select("*", where, order, f"LIMIT {int(limit)}")
        return [_indexed(row) for row in rows]

    def numbers(self, where: Where, order: str) -> array[int]:
        """Return the numbers of all rows that meet a condition, with eight bytes each."""
        return array("q", (row["number"] for row in self._select("number", where, order)))

    def _select(self, columns: str, where: Where, order: str, limit: str = "") -> sqlite3.Cursor:
        sorting = ORDERS[order]
        if sorting.scored_only:
            where = where.also("score IS NOT NULL")
        statement = (
            f"SELECT {columns} FROM rows WHERE {where.expression} "  # noqa: S608 - constants
            f"ORDER BY {sorting.by} {limit}"
        )
        return self._connection.execute(statement, where.values)

    def by_number(self, numbers: Sequence[int]) -> list[IndexedRow]:
        """Return the rows with these numbers, in this order.

        Raises:
            KeyError: no row has one of the numbers.
        """
        placeholders = ",".join("?" * len(numbers))
        statement = f"SELECT * FROM rows WHERE number IN ({placeholders})"  # noqa: S608 - constants
        try:
            by_number = {row["number"]: row for row in self._connection.execute(statement, numbers)}
        except OverflowError:
            raise KeyError("a number that no row can have") from None
        return [_indexed(by_number[number]) for number in numbers]

    def every(self) -> Iterator[IndexedRow]:
        """Yield every row in the order of the file."""
        for row in self._connection.execute(_query("all_rows")):
            yield _indexed(row)

    def scores(self) -> array[float]:
        """Return all valid scores, ascending, with eight bytes each."""
        return array("d", (row[0] for row in self._connection.execute(_query("scores"))))

    def read(self, row: IndexedRow) -> Row:
        """Return a row's columns."""
        self._stream.seek(row.start)
        return json.loads(self._stream.read(row.length).decode("utf-8-sig"))

    def containing(self, numbers: Sequence[int], text: str) -> array[int]:
        """Return the numbers of the rows that contain a text in any column, ignoring case.

        The result is stored beside the index, so that the next page of the same search reads no
        row again.
        """
        search_id = blake2b(f"{text}\n".encode() + array("q", numbers).tobytes(), digest_size=16)
        stored = self._folder / f"found-{search_id.hexdigest()}"
        matches: array[int] = array("q")
        with suppress(OSError):
            matches.frombytes(stored.read_bytes())
            return matches
        folded = text.casefold()
        for number in numbers:
            row = self.read(self.by_number([number])[0])
            if any(folded in row_text.casefold() for row_text in texts_of(row)):
                matches.append(number)
        part = self._folder / f".{uuid.uuid4().hex}"
        with suppress(OSError):
            part.write_bytes(matches.tobytes())
            part.replace(stored)
        return matches


def texts_of(value: object) -> Iterator[str]:
    """Yield every text inside a JSON value, and every number as text."""
    pending: list[object] = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, dict):
            pending.extend(cast("dict[str, object]", item).values())
        elif isinstance(item, list):
            pending.extend(cast("list[object]", item))
        elif item is not None:
            yield str(item)


def _indexed(row: sqlite3.Row) -> IndexedRow:
    return IndexedRow(row["number"], row["start"], row["length"], _verdict(row, score=row["score"]))


def _verdict(row: sqlite3.Row, score: float | None) -> RowVerdict:
    passed = None if row["passed"] is None else bool(row["passed"])
    return RowVerdict(row["state"], row["verdict"], score, passed, row["original"], row["flipped"])


@cache
def _queries() -> dict[str, str]:
    text = resources.files("evals_mcp.result_files").joinpath("index.sql").read_text("utf-8")
    statements = re.findall(r"^-- (\w+):.*\n((?:(?!--).*\n?)*)", text, re.MULTILINE)
    return {name: statement.strip() for name, statement in statements}


def _query(name: str) -> str:
    return _queries()[name]
