"""An index over one result file: what each row says and where it is, in SQLite.

The index is what makes a page of a million rows a look-up. It is built in one pass that holds one
row at a time, in a file of its own beside the rows. Every function here is blocking; callers on an
event loop hand it to a worker thread.
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
"""The longest row read; a longer one is counted as damaged."""

Row = dict[str, Any]


class DamagedIndexError(Exception):
    """The files are there and are no index; they are to be made anew."""


@dataclass(frozen=True)
class Damage:
    """Lines of a result file that are no rows."""

    lines: int = 0
    first_line: int | None = None
    """1 for the first line; None without damage."""
    reason: str | None = None
    """What is wrong with the first one."""


@dataclass(frozen=True)
class IndexedRow:
    """One row's place and verdict."""

    number: int
    """1 for the first row of the file."""
    start: int
    length: int
    verdict: RowVerdict


@dataclass(frozen=True)
class Count:
    """How many rows say the same."""

    verdict: RowVerdict
    """Without the score."""
    rows: int


@dataclass(frozen=True)
class Where:
    """A condition on the index: an SQL expression, its values named in it as `:name`."""

    expression: str = "1"
    values: Mapping[str, str | float | None] = field(
        default_factory=dict[str, "str | float | None"]
    )

    def also(self, expression: str, **values: str | float | None) -> Where:
        """This condition and another."""
        return Where(f"{self.expression} AND ({expression})", {**self.values, **values})


@dataclass(frozen=True)
class Order:
    """A way of sorting, and how to go on after a row."""

    by: str
    after: str
    """The condition for rows that come after one with this score and number."""
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
"""How rows can be sorted."""


def build_index(rows: Path, index: Path, read: ReadRow) -> None:
    """Read a result file once and write its index.

    Raises:
        OSError: the disk does not take it; the half-written index is the caller's.
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
    """The one pass over a result file."""

    def __init__(self, read: ReadRow) -> None:
        self._read = read
        self._columns: dict[str, None] = {}
        self._counts: Counter[RowVerdict] = Counter()
        self._damaged = 0
        self._first: tuple[int, str] | None = None

    def rows(self, stream: BinaryIO) -> Iterator[tuple[Any, ...]]:
        """The values of each row for the index."""
        number, line_number, start = 0, 0, 0
        decode, read, columns = json.JSONDecoder().decode, self._read, self._columns
        counts, unscored = self._counts, RowVerdict._replace
        seen: object = None
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
                    if row.keys() != seen:
                        columns.update(dict.fromkeys(row))
                        seen = row.keys()
                    counts[verdict if verdict.score is None else unscored(verdict, score=None)] += 1
                    yield (number, start, length, *verdict)
            start += length

    def facts(self) -> Iterator[tuple[str, str]]:
        """What is known of the file once every row is read."""
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
    """A label may be a cut character, which no database takes."""
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
    """An open index with the rows it points into. A context manager."""

    def __init__(self, rows: Path, index: Path) -> None:
        """Open both.

        Raises:
            OSError: they are not there.
            DamagedIndexError: they are, and are no index.
        """
        self._folder = index.parent
        self._stream = rows.open("rb")
        self._connection = sqlite3.connect(index, check_same_thread=False)
        self._connection.row_factory = sqlite3.Row
        try:
            facts = dict(self._connection.execute(_query("facts")).fetchall())
            self.columns: list[str] = json.loads(facts["columns"])
            """Every column of any row, in the order in which they first came."""
            self.damage = Damage(*json.loads(facts["damage"]))
            counts: list[list[Any]] = json.loads(facts["counts"])
            self.counts = [Count(RowVerdict(*values[:-1]), values[-1]) for values in counts]
            """How many rows say what."""
        except (sqlite3.Error, KeyError, ValueError) as error:
            self.close()
            raise DamagedIndexError from error

    def close(self) -> None:
        """Let go of both files."""
        self._connection.close()
        self._stream.close()

    def total(self) -> int:
        """Rows in the file, damaged lines not among them."""
        return sum(count.rows for count in self.counts)

    def matching(self, where: Where) -> int:
        """Rows that meet a condition."""
        statement = f"SELECT COUNT(*) FROM rows WHERE {where.expression}"  # noqa: S608 - ours
        return self._connection.execute(statement, where.values).fetchone()[0]

    def page(
        self, where: Where, order: str, limit: int, after: IndexedRow | None = None
    ) -> list[IndexedRow]:
        """Rows that meet a condition in one of `ORDERS`, from its start or after a row of it."""
        if after is not None:
            place = {"score": after.verdict.score, "number": after.number}
            where = where.also(ORDERS[order].after, **place)
        rows = self._select("*", where, order, f"LIMIT {int(limit)}")
        return [_indexed(row) for row in rows]

    def numbers(self, where: Where, order: str) -> array[int]:
        """The numbers of all rows that meet a condition: eight bytes each."""
        return array("q", (row["number"] for row in self._select("number", where, order)))

    def _select(self, what: str, where: Where, order: str, limit: str = "") -> sqlite3.Cursor:
        sorting = ORDERS[order]
        if sorting.scored_only:
            where = where.also("score IS NOT NULL")
        statement = (
            f"SELECT {what} FROM rows WHERE {where.expression} "  # noqa: S608 - all of it is ours
            f"ORDER BY {sorting.by} {limit}"
        )
        return self._connection.execute(statement, where.values)

    def by_number(self, numbers: Sequence[int]) -> list[IndexedRow]:
        """These rows, in this order.

        Raises:
            KeyError: one of them does not exist.
        """
        marks = ",".join("?" * len(numbers))
        statement = f"SELECT * FROM rows WHERE number IN ({marks})"  # noqa: S608 - ours
        try:
            found = {row["number"]: row for row in self._connection.execute(statement, numbers)}
        except OverflowError:
            raise KeyError("a number that no row can have") from None
        return [_indexed(found[number]) for number in numbers]

    def every(self) -> Iterator[IndexedRow]:
        """Every row in the order of the file."""
        for row in self._connection.execute(_query("all_rows")):
            yield _indexed(row)

    def scores(self) -> array[float]:
        """Every valid score, ascending: eight bytes each."""
        return array("d", (row[0] for row in self._connection.execute(_query("scores"))))

    def read(self, row: IndexedRow) -> Row:
        """A row's columns."""
        self._stream.seek(row.start)
        return json.loads(self._stream.read(row.length).decode("utf-8-sig"))

    def containing(self, numbers: Sequence[int], text: str) -> array[int]:
        """Those of the rows that have the text in some column, in any case.

        The answer is kept beside the index: the next page of the same search reads no row again.
        """
        named = blake2b(f"{text}\n".encode() + array("q", numbers).tobytes(), digest_size=16)
        kept = self._folder / f"found-{named.hexdigest()}"
        found: array[int] = array("q")
        with suppress(OSError):
            found.frombytes(kept.read_bytes())
            return found
        wanted = text.casefold()
        for number in numbers:
            row = self.read(self.by_number([number])[0])
            if any(wanted in one.casefold() for one in texts_of(row)):
                found.append(number)
        part = self._folder / f".{uuid.uuid4().hex}"
        with suppress(OSError):
            part.write_bytes(found.tobytes())
            part.replace(kept)
        return found


def texts_of(value: object) -> Iterator[str]:
    """Every text inside a JSON value, and every number as text."""
    pending: list[object] = [value]
    while pending:
        one = pending.pop()
        if isinstance(one, dict):
            pending.extend(cast("dict[str, object]", one).values())
        elif isinstance(one, list):
            pending.extend(cast("list[object]", one))
        elif one is not None:
            yield str(one)


def _indexed(row: sqlite3.Row) -> IndexedRow:
    return IndexedRow(row["number"], row["start"], row["length"], _verdict(row, score=row["score"]))


def _verdict(row: sqlite3.Row, score: float | None) -> RowVerdict:
    passed = None if row["passed"] is None else bool(row["passed"])
    return RowVerdict(row["state"], row["verdict"], score, passed, row["original"], row["flipped"])


@cache
def _queries() -> dict[str, str]:
    text = resources.files("evals_mcp.result_files").joinpath("index.sql").read_text("utf-8")
    found = re.findall(r"^-- (\w+):.*\n((?:(?!--).*\n?)*)", text, re.MULTILINE)
    return {name: statement.strip() for name, statement in found}


def _query(name: str) -> str:
    return _queries()[name]
