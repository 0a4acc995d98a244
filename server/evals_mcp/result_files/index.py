"""The index of one result file: position and verdict of each row, in SQLite.

With the index, a page of a million rows is a look-up. It also has keys of the columns of each row,
by which two files are joined without reading a row. It is stored in a file beside the rows. All
functions here block; callers on an event loop run them in a worker thread.
"""

from __future__ import annotations

import json
import sqlite3
import uuid
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from itertools import islice, starmap
from math import isnan
from pathlib import Path
from typing import Any, NamedTuple, cast

from evals_mcp.derivations.carried_columns import notes_beside
from evals_mcp.derivations.earlier_rows import ResultRow
from evals_mcp.derivations.tries import tries_beside
from evals_mcp.result_files.conditions import ORDERS, Where
from evals_mcp.result_files.queries import FORMAT, query
from evals_mcp.results.rows import RowVerdict
from evals_schemas.datasets.repeated_inputs import ColumnCount
from evals_schemas.digests import COLUMN_BYTES, column_key

Row = dict[str, Any]


_CACHED_BLOCKS = 16
"""Blocks whose arrays stay in memory, 96 KiB each."""


_CACHED_VERDICTS = 4096
"""Verdicts with scores that are shared by all rows that have them."""


class DamagedIndexError(Exception):
    """The files exist but are not an index, and have to be created again."""


class OldFormatError(Exception):
    """Another version of this program wrote the index, which has to be built again."""


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
class Block:
    """Consecutive rows of a file."""

    first: int
    """Number of the first row."""
    verdicts: Sequence[RowVerdict]
    keys: Sequence[Sequence[bytes]]
    """For each of some columns, the key of each row."""


@dataclass(frozen=True)
class Count:
    """Number of rows with the same verdict."""

    verdict: RowVerdict
    """The verdict, without its score."""
    rows: int


class _Arrays(NamedTuple):
    """One number for each row of a block."""

    starts: array[int]
    lengths: array[int]
    codes: array[int]
    scores: array[float] | None
    """NaN for a row without a score; None if no row of the block has one."""


class ResultIndex:
    """An open index and its result file."""

    def __init__(self, rows: Path, index: Path) -> None:
        """Open both files.

        Raises:
            OSError: a file does not exist.
            DamagedIndexError: the files are not an index.
            OldFormatError: they are an index of another format.
        """
        self._folder = index.parent
        self.tries, about_tries = tries_beside(rows)
        """The tries that the rows are of; empty unless the file is that of a retry."""
        self.notes = [*notes_beside(rows), *about_tries]
        """What is not known of columns that were joined into the rows, and which rows are of which
        try, in sentences."""
        self._stream = rows.open("rb")
        self._connection = sqlite3.connect(index, check_same_thread=False)
        self._scored: dict[tuple[int, float], RowVerdict] = {}
        self._block = lru_cache(maxsize=_CACHED_BLOCKS)(self._read_block)
        try:
            facts = {
                name: json.loads(value) for name, value in self._connection.execute(query("facts"))
            }
            _check_format(facts)
            self.columns: list[str] = facts["columns"]
            """The columns of all rows, in the order of their first occurrence."""
            self.damage = Damage(*facts["damage"])
            self._keyed: dict[str, int] = {name: place for place, name in enumerate(facts["keyed"])}
            values = zip(facts["keyed"], facts["values"], strict=False)
            self.values = [ColumnCount(name, *counts) for name, counts in values]
            """The counted values of the first columns with keys, without lengths."""
            counted: list[list[Any]] = self._connection.execute(query("verdicts")).fetchall()
            self.counts = [Count(_verdict_of(values[:-1]), values[-1]) for values in counted]
            """The number of rows by verdict."""
            self._firsts = array(
                "q", (first for (first,) in self._connection.execute(query("firsts")))
            )
            self._total = sum(count.rows for count in self.counts)
        except OldFormatError:
            self.close()
            raise
        except (sqlite3.Error, KeyError, ValueError, TypeError) as error:
            self.close()
            raise DamagedIndexError from error

    def close(self) -> None:
        """Close both files."""
        self._connection.close()
        self._stream.close()

    def total(self) -> int:
        """Return the number of rows in the file, without damaged lines."""
        return self._total

    def matching(self, where: Where) -> int:
        """Return the number of rows that meet a condition."""
        if not where.score_expression:
            return sum(self.counts[code].rows for code in self._codes(where))
        statement = f"SELECT COUNT(*) FROM scores WHERE {_condition(where)}"  # noqa: S608 - constants
        return self._connection.execute(statement, where.values).fetchone()[0]

    def page(
        self, where: Where, order: str, limit: int, after: IndexedRow | None = None
    ) -> list[IndexedRow]:
        """Return at most `limit` rows that meet a condition, in one of `ORDERS`.

        The page begins after the row `after`, or with the first row if that is None.
        """
        return [self._entry(number) for number in islice(self._select(where, order, after), limit)]

    def numbers(self, where: Where, order: str) -> array[int]:
        """Return the numbers of all rows that meet a condition, with eight bytes each."""
        return array("q", self._select(where, order))

    def _select(self, where: Where, order: str, after: IndexedRow | None = None) -> Iterator[int]:
        """Yield the numbers of the rows that meet a condition, after the row `after`."""
        sorting = ORDERS[order]
        if sorting.scored_only:
            where = where.also_of_score("score IS NOT NULL")
        if not where.score_expression:
            yield from self._in_file(where, after.number if after else 0)
            return
        if after is not None:
            position = {"score": after.verdict.score, "number": after.number}
            where = where.also_of_score(sorting.after, **position)
        statement = (
            f"SELECT number FROM scores WHERE {_condition(where)} "  # noqa: S608 - constants
            f"ORDER BY {sorting.by}"
        )
        for (number,) in self._connection.execute(statement, where.values):
            yield number

    def _in_file(self, where: Where, after: int) -> Iterator[int]:
        """Yield the numbers of the rows with some verdicts, in the order of the file."""
        codes = frozenset(self._codes(where))
        statement = (
            "SELECT DISTINCT first FROM block_codes WHERE first >= :block AND code IN "  # noqa: S608 - constants
            f"(SELECT code FROM verdicts WHERE {where.expression}) ORDER BY first"
        )
        values = {**where.values, "block": self._first_of(after) if after else 0}
        for (first,) in self._connection.execute(statement, values).fetchall():
            for number, code in enumerate(self._block(first).codes, first):
                if code in codes and number > after:
                    yield number

    def _codes(self, where: Where) -> list[int]:
        """Return the codes of the verdicts that meet a condition."""
        statement = f"SELECT code FROM verdicts WHERE {where.expression}"  # noqa: S608 - constants
        return [code for (code,) in self._connection.execute(statement, where.values)]

    def by_number(self, numbers: Sequence[int]) -> list[IndexedRow]:
        """Return the rows with these numbers, in this order.

        Raises:
            KeyError: no row has one of the numbers.
        """
        return [self._entry(number) for number in numbers]

    def _entry(self, number: int) -> IndexedRow:
        block, place = self._place(number)
        verdict = self._verdict(block, place)
        return IndexedRow(number, block.starts[place], block.lengths[place], verdict)

    def _place(self, number: int) -> tuple[_Arrays, int]:
        """Return the block of a row, and the row's place in it."""
        if not 1 <= number <= self._total:
            raise KeyError(number)
        first = self._first_of(number)
        return self._block(first), number - first

    def _first_of(self, number: int) -> int:
        """Return the number of the first row in the block of a row."""
        return self._firsts[bisect_right(self._firsts, number) - 1]

    def _verdict(self, block: _Arrays, place: int) -> RowVerdict:
        verdict = self.counts[block.codes[place]].verdict
        return _with_score(verdict, block.scores[place]) if block.scores else verdict

    def _verdicts(self, block: _Arrays) -> list[RowVerdict]:
        verdicts = [count.verdict for count in self.counts]
        if block.scores is None:
            return [verdicts[code] for code in block.codes]
        known = self._scored
        scored: list[RowVerdict] = []
        for outcome in zip(block.codes, block.scores, strict=True):
            verdict = known.get(outcome)
            if verdict is None:
                verdict = _with_score(verdicts[outcome[0]], outcome[1])
                if verdict.score is not None and len(known) < _CACHED_VERDICTS:
                    known[outcome] = verdict
            scored.append(verdict)
        return scored

    def every(self) -> Iterator[IndexedRow]:
        """Yield every row in the order of the file."""
        for first in self._firsts:
            block = self._block(first)
            rows = zip(block.starts, block.lengths, self._verdicts(block), strict=True)
            for number, (start, length, verdict) in enumerate(rows, first):
                yield IndexedRow(number, start, length, verdict)

    def results(self) -> Iterator[ResultRow]:
        """Yield the state and the columns of every row in the order of the file."""
        for entry in self.every():
            yield ResultRow(entry.verdict.state, self.read(entry))

    def blocks(self, columns: Sequence[str]) -> Iterator[Block]:
        """Yield every row in blocks, in the order of the file, with the keys of some columns."""
        for first in self._firsts:
            block = self._block(first)
            if all(name in self._keyed for name in columns):
                keys = [self._keys(first, name, len(block.codes)) for name in columns]
            else:
                lines = zip(block.starts, block.lengths, strict=True)
                rows = [[row.get(name) for name in columns] for row in starmap(self._row, lines)]
                keys = [list(map(column_key, values)) for values in zip(*rows, strict=True)]
            yield Block(first, self._verdicts(block), keys)

    def _keys(self, first: int, column: str, rows: int) -> list[bytes]:
        stored = self._connection.execute(query("keys"), (first, self._keyed[column])).fetchone()
        if stored is None:
            return [column_key(None)] * rows
        keys: bytes = stored[0]
        return [keys[start : start + COLUMN_BYTES] for start in range(0, len(keys), COLUMN_BYTES)]

    def _read_block(self, first: int) -> _Arrays:
        stored = self._connection.execute(query("block"), (first,)).fetchone()
        starts, lengths, codes, scores = stored
        return _Arrays(
            array("q", starts),
            array("i", lengths),
            array("i", codes),
            None if scores is None else array("d", scores),
        )

    def scores(self) -> array[float]:
        """Return all valid scores, ascending, with eight bytes each."""
        return array("d", (row[0] for row in self._connection.execute(query("scores"))))

    def read(self, row: IndexedRow) -> Row:
        """Return a row's columns."""
        return self._row(row.start, row.length)

    def _row(self, start: int, length: int) -> Row:
        self._stream.seek(start)
        return json.loads(self._stream.read(length).decode("utf-8-sig"))

    def containing(self, numbers: Sequence[int], text: str) -> array[int]:
        """Return the numbers of the rows that contain a text in any column, ignoring case.

        The result is stored beside the index, so that the next page of the same search reads no
        row again.
        """
        search_id = blake2b(f"{text}\n".encode() + array("q", numbers).tobytes(), digest_size=16)
        folded = text.casefold()

        def search() -> bytes:
            matches: array[int] = array("q")
            for number in numbers:
                block, place = self._place(number)
                row = self._row(block.starts[place], block.lengths[place])
                if any(folded in row_text.casefold() for row_text in texts_of(row)):
                    matches.append(number)
            return matches.tobytes()

        matches: array[int] = array("q")
        matches.frombytes(self.remembered(f"found-{search_id.hexdigest()}", search))
        return matches

    def remembered(self, name: str, compute: Callable[[], bytes]) -> bytes:
        """Return what was computed from the rows, from a file beside the index the next time.

        Args:
            name: the name of the file, which stands for what is computed.
            compute: computes it.
        """
        stored = self._folder / name
        with suppress(OSError):
            return stored.read_bytes()
        content = compute()
        part = self._folder / f".{uuid.uuid4().hex}"
        with suppress(OSError):
            part.write_bytes(content)
            part.replace(stored)
        return content


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


def _check_format(facts: Mapping[str, Any]) -> None:
    if facts.get("format") != FORMAT:
        raise OldFormatError


def _condition(where: Where) -> str:
    """Return the SQL condition on the table of scores."""
    codes = f"code IN (SELECT code FROM verdicts WHERE {where.expression})"  # noqa: S608 - constants
    return f"{codes} AND {where.score_expression}"


def _verdict_of(values: Sequence[Any]) -> RowVerdict:
    state, verdict, score, passed, original, flipped, longer = values
    passed = None if passed is None else bool(passed)
    return RowVerdict(state, verdict, score, passed, original, flipped, longer)


def _with_score(verdict: RowVerdict, score: float) -> RowVerdict:
    return verdict if isnan(score) else verdict.with_score(score)
