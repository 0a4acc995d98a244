"""Builds the index of a result file in one pass that holds one block of rows in memory."""

from __future__ import annotations

import errno
import json
import math
import sqlite3
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import accumulate, count
from pathlib import Path
from typing import BinaryIO

from evals_mcp.result_files.distinct_keys import DistinctKeys
from evals_mcp.result_files.lines import (
    ABSENT_KEY,
    EMPTY_KEYS,
    LineReader,
    NotAnObjectError,
    Written,
)
from evals_mcp.result_files.queries import BLOCK_ROWS, FORMAT, query
from evals_mcp.results.rows import ReadRow, RowVerdict
from evals_schemas.datasets.repeated_inputs import MOST_COLUMNS

MAX_ROW_BYTES = 32 * 1024 * 1024
"""Length of the longest row that is read; a longer row counts as damaged."""

_READ_BYTES = 256 * 1024
_BATCH_ROWS = 512
_BATCH_BYTES = 2 * 1024 * 1024

_MAX_OUTCOMES = 4096

_Outcome = tuple[int, float | None]
"""The code of a row's verdict, and its score."""


def build_index(rows: Path, index: Path, read: ReadRow) -> None:
    """Read a result file once and write its index.

    Raises:
        OSError: the index cannot be written; the caller removes the incomplete file.
    """
    try:
        with closing(sqlite3.connect(index, isolation_level=None)) as connection:
            for pragma in ("journal_mode = OFF", "synchronous = OFF", "locking_mode = EXCLUSIVE"):
                connection.execute(f"PRAGMA {pragma}")
            connection.executescript(query("create"))
            connection.execute("BEGIN")
            with rows.open("rb", buffering=_READ_BYTES) as stream:
                _Build(connection, read).run(stream)
            connection.execute("COMMIT")
            connection.executescript(query("create_lookups"))
    except sqlite3.Error as error:
        raise OSError(errno.EIO, str(error)) from error


class _Build:
    """The pass over a result file that writes the index."""

    def __init__(self, connection: sqlite3.Connection, read: ReadRow) -> None:
        self._connection = connection
        self._read = read
        self._lines = LineReader(read.sides)
        self._block = _Block()
        self._outcomes: dict[bytes, _Outcome] = {}
        """The outcome by the spelling of the verdict fields, where it depends on them only."""
        self._codes: dict[RowVerdict, int] = {}
        """The code of each verdict without its score, in the order of their first occurrence."""
        self._counts: Counter[int] = Counter()
        self._rows = 0
        self._damaged = 0
        self._first: tuple[int, str] | None = None
        self._values: list[_Values] = []
        """The counted values of the first columns with keys."""

    def run(self, stream: BinaryIO) -> None:
        """Read all lines and write all tables."""
        line_number, start = 1, 0
        for lines, lengths in _batches(stream):
            self._add(lines, lengths, line_number, start)
            line_number += len(lines)
            start += sum(lengths)
            if len(self._block.codes) >= BLOCK_ROWS:
                self._write_block()
        self._write_block()
        self._write_facts()

    def _add(self, lines: list[bytes], lengths: list[int], line_number: int, start: int) -> None:
        """Add lines to the block: all at once, else their halves, else one by one."""
        try:
            written = self._lines.read_written(lines)
            outcomes = self._outcomes_of(written)
        except (ValueError, RecursionError, OverflowError):
            middle = len(lines) // 2
            if not middle:
                self._add_plainly(lines[0], lengths[0], line_number, start)
                return
            self._add(lines[:middle], lengths[:middle], line_number, start)
            start += sum(lengths[:middle])
            self._add(lines[middle:], lengths[middle:], line_number + middle, start)
        else:
            self._block.add(list(accumulate(lengths[:-1], initial=start)), lengths, outcomes)
            self._lines.take_written(written)

    def _outcomes_of(self, written: list[Written]) -> list[_Outcome]:
        """Return code and score of each line."""
        known, outcomes = self._outcomes, list[_Outcome]()
        for fields, spelling in zip(written, self._lines.verdict_spellings(written), strict=True):
            outcome = known.get(spelling)
            if outcome is None:
                row = self._lines.select(fields)
                verdict = self._read.read(row)
                if self._read.sides:
                    verdict = verdict._replace(longer=self._lines.longer(fields))
                outcome = self._outcome(verdict)
                if not row.is_read_elsewhere and len(known) < _MAX_OUTCOMES:
                    known[spelling] = outcome
            outcomes.append(outcome)
        return outcomes

    def _add_plainly(self, line: bytes, length: int, line_number: int, start: int) -> None:
        if length > MAX_ROW_BYTES:
            self._damage(line_number, "longer than 32 MiB")
            return
        if line.isspace():
            return
        try:
            row = self._lines.read_plainly(line, "utf-8-sig" if line_number == 1 else "utf-8")
            outcome = self._outcome(self._read(row))
        except (ValueError, RecursionError, OverflowError) as error:
            self._damage(line_number, _reason(error, line))
            return
        self._block.add([start], [length], [outcome])
        columns = len(self._lines.columns)
        self._lines.take_plain(row, line)
        if len(self._lines.columns) > columns:
            self._outcomes.clear()  # spelled for fewer columns

    def _outcome(self, verdict: RowVerdict) -> _Outcome:
        stored = _storable(verdict)
        return self._codes.setdefault(stored, len(self._codes)), verdict.score

    def _write_block(self) -> None:
        block, self._block = self._block, _Block()
        rows = len(block.codes)
        if not rows:
            return
        first = self._rows + 1
        self._rows += rows
        counts = Counter(block.codes)
        self._counts.update(counts)
        execute, execute_each = self._connection.execute, self._connection.executemany
        execute(query("add_block"), (first, *block.arrays()))
        execute_each(query("add_block_code"), ((code, first) for code in counts))
        execute_each(query("add_score"), block.scored(first))
        for place, keys in enumerate(self._lines.taken_keys()):
            joined = b"".join(keys)
            self._count_values(place, keys, joined)
            if joined != ABSENT_KEY * rows:
                execute(query("add_keys"), (first, place, joined))

    def _count_values(self, place: int, keys: list[bytes], joined: bytes) -> None:
        """Count the values of one of the first columns, without null and empty texts."""
        if place >= MOST_COLUMNS:
            return
        while place >= len(self._values):
            self._values.append(_Values())
        counted = self._values[place]
        if any(empty in joined for empty in EMPTY_KEYS):
            keys = [key for key in keys if key not in EMPTY_KEYS]
            joined = b"".join(keys)
        counted.rows += len(keys)
        counted.distinct.update(keys, joined)

    def _write_facts(self) -> None:
        line, reason = self._first or (None, None)
        facts = {
            "format": FORMAT,
            "columns": list(self._lines.columns),
            "keyed": self._lines.keyed,
            "damage": [self._damaged, line, reason],
            "values": [
                [each.rows, each.distinct.count, each.distinct.exact] for each in self._values
            ],
        }
        named = ((name, json.dumps(value)) for name, value in facts.items())
        self._connection.executemany(query("add_fact"), named)
        counted = (
            (code, verdict.state, verdict.verdict, *verdict[3:], self._counts[code])
            for verdict, code in self._codes.items()
        )
        self._connection.executemany(query("add_verdict"), counted)

    def _damage(self, line_number: int, reason: str) -> None:
        self._damaged += 1
        self._first = self._first or (line_number, reason)


@dataclass
class _Values:
    """The counted values of one column."""

    distinct: DistinctKeys = field(default_factory=DistinctKeys)
    rows: int = 0
    """Rows with a value."""


class _Block:
    """The rows that are written next."""

    def __init__(self) -> None:
        self.starts = array("q")
        self.lengths = array("i")
        self.codes = array("i")
        self.scores: list[float | None] = []

    def add(
        self, starts: Iterable[int], lengths: Iterable[int], outcomes: Iterable[_Outcome]
    ) -> None:
        """Add rows."""
        self.starts.extend(starts)
        self.lengths.extend(lengths)
        codes, scores = zip(*outcomes, strict=True)
        self.codes.extend(codes)
        self.scores.extend(scores)

    def arrays(self) -> tuple[bytes | None, ...]:
        """Return starts, lengths, codes and scores, as `index.sql` says."""
        scores = None
        if self.scores.count(None) < len(self.scores):
            scores = array("d", (math.nan if score is None else score for score in self.scores))
        arrays = (self.starts, self.lengths, self.codes, scores)
        return tuple(None if column is None else column.tobytes() for column in arrays)

    def scored(self, first: int) -> Iterator[tuple[int, int, float]]:
        """Yield number, code and score of each row with a score."""
        numbered = zip(count(first), self.codes, self.scores, strict=False)
        return ((number, code, score) for number, code, score in numbered if score is not None)


def _batches(stream: BinaryIO) -> Iterator[tuple[list[bytes], list[int]]]:
    """Yield all lines, with the length of each; a line that is too long is empty."""
    lines, lengths, size = list[bytes](), list[int](), 0
    readline = stream.readline
    while line := readline(MAX_ROW_BYTES + 1):
        length = len(line)
        if length > MAX_ROW_BYTES:
            length += _rest_of_line(stream, line)
            line = b""
        lines.append(line)
        lengths.append(length)
        size += length
        if size > _BATCH_BYTES or len(lines) == _BATCH_ROWS:
            yield lines, lengths
            lines, lengths, size = [], [], 0
    if lines:
        yield lines, lengths


def _rest_of_line(stream: BinaryIO, line: bytes) -> int:
    skipped = 0
    while line and not line.endswith(b"\n"):
        line = stream.readline(MAX_ROW_BYTES)
        skipped += len(line)
    return skipped


def _storable(verdict: RowVerdict) -> RowVerdict:
    """Return the verdict without its score, and with lone surrogates in its label replaced.

    SQLite refuses lone surrogates.
    """
    label = verdict.verdict
    if label is not None and not label.isascii():
        verdict = verdict._replace(verdict=label.encode("utf-8", "replace").decode())
    return verdict.with_score(None)


def _reason(error: Exception, line: bytes) -> str:
    if line.startswith(b"\x1f\x8b"):
        return "compressed with gzip"
    if line.lstrip()[:1] == b"<":
        return "a web page"
    if isinstance(error, UnicodeDecodeError):
        return "not UTF-8"
    if isinstance(error, NotAnObjectError):
        return "not a JSON object"
    return "not complete JSON"
