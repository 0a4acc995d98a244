"""Finds the rows of an original in a result file, by the content that was sent.

Rows are matched through an SQLite file, so that memory does not grow with the number of rows.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from evals_schemas.digests import row_key

_CACHE_KIB = 32 * 1024
"""Memory of the database's cache."""

_CREATE = """
    CREATE TABLE keys (key BLOB PRIMARY KEY, sent INTEGER NOT NULL, came INTEGER NOT NULL,
        used INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE sent (key BLOB, place INTEGER, cells TEXT, PRIMARY KEY (key, place)) WITHOUT ROWID;
    CREATE TABLE agreed (key BLOB PRIMARY KEY, cells TEXT, unclear INTEGER) WITHOUT ROWID;
"""
_ADD_KEY = """
    INSERT INTO keys VALUES (?, 1, 0, 0) ON CONFLICT (key) DO UPDATE SET sent = sent + 1
    RETURNING sent
"""
_ADD_SENT = "INSERT INTO sent VALUES (?, ?, ?)"
_ADD_CAME = "UPDATE keys SET came = came + 1 WHERE key = ?"
_USE = "UPDATE keys SET used = used + 1 WHERE key = ? RETURNING sent, came, used"
_SENT = "SELECT cells FROM sent WHERE key = ? AND place = ?"
_ALIKE = "SELECT cells FROM sent WHERE key = ?"
_AGREED = "SELECT cells, unclear FROM agreed WHERE key = ?"
_ADD_AGREED = "INSERT INTO agreed VALUES (?, ?, ?)"


class Match(NamedTuple):
    """What is known of the original of one result row."""

    cells: dict[str, Any] | None
    """The carried cells, null where they are not known; None if no sent row has the content."""
    unclear: bool = False
    """Whether a cell is null because equal rows that were sent differ in it."""


class SentRows:
    """The rows that were sent, and how many of each came back.

    Of rows that are equal in what was sent, the first that comes back is taken for the first that
    was sent, and so on, if as many came back as were sent: a judge saw no difference between them.
    If fewer or more came back, only the cells that all of them share are known.

    First all sent rows are added, then all rows that came are counted, then each is taken in turn.
    """

    def __init__(self, path: Path, columns: Iterable[str]) -> None:
        """Make the database.

        Args:
            path: a file that does not exist yet; the caller removes it.
            columns: the columns that were sent and that come back, by which rows are found.
        """
        self._columns = tuple(columns)
        self._connection = sqlite3.connect(path, isolation_level=None)
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "locking_mode = EXCLUSIVE"):
            self._connection.execute(f"PRAGMA {pragma}")
        self._connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        self._connection.executescript(_CREATE)
        self._connection.execute("BEGIN")

    def close(self) -> None:
        """Close the database."""
        self._connection.close()

    def add(self, sent: dict[str, Any], carried: dict[str, Any]) -> None:
        """Add the next row that was sent, with the cells to join back."""
        key = row_key(sent, self._columns)
        (copies,) = self._connection.execute(_ADD_KEY, (key,)).fetchone()
        self._connection.execute(_ADD_SENT, (key, copies, json.dumps(carried)))

    def count(self, row: dict[str, Any]) -> None:
        """Count a row that came back."""
        self._connection.execute(_ADD_CAME, (row_key(row, self._columns),))

    def take(self, row: dict[str, Any]) -> Match:
        """Return the carried cells of the next row that came back, in the order of `count`."""
        key = row_key(row, self._columns)
        counts = self._connection.execute(_USE, (key,)).fetchone()
        if counts is None:
            return Match(None)
        sent, came, used = counts
        if sent == came:
            (cells,) = self._connection.execute(_SENT, (key, used)).fetchone()
            return Match(json.loads(cells))
        return self._agreed(key)

    def next(self, row: dict[str, Any]) -> dict[str, Any] | None:
        """Return the cells of the next row of this content, whether or not all of them come back.

        None without a further one. Rows of this content are interchangeable here.
        """
        key = row_key(row, self._columns)
        counts = self._connection.execute(_USE, (key,)).fetchone()
        if counts is None or counts[2] > counts[0]:
            return None
        (cells,) = self._connection.execute(_SENT, (key, counts[2])).fetchone()
        return json.loads(cells)

    def _agreed(self, key: bytes) -> Match:
        """Return the cells that all sent rows of this content share."""
        agreed = self._connection.execute(_AGREED, (key,)).fetchone()
        if agreed is not None:
            return Match(json.loads(agreed[0]), bool(agreed[1]))
        alike = self._connection.execute(_ALIKE, (key,))
        shared: dict[str, Any] = json.loads(alike.fetchone()[0])
        differing: set[str] = set()
        for (text,) in alike:
            cells = json.loads(text)
            differing |= {
                name for name in shared.keys() - differing if not _equal(cells[name], shared[name])
            }
        cells = {name: None if name in differing else shared[name] for name in shared}
        self._connection.execute(_ADD_AGREED, (key, json.dumps(cells), bool(differing)))
        return Match(cells, bool(differing))


def _equal(a: object, b: object) -> bool:
    """Return whether two cells are equal as JSON: `1` is not `true`."""
    return json.dumps(a, sort_keys=True) == json.dumps(b, sort_keys=True)
