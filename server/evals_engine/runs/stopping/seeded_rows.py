"""The rows of a run in a seeded random order, handed out no faster than the evidence needs them."""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import SpooledTemporaryFile
from threading import Lock

import anyio
from anyio import to_thread

from evals_engine.rows.taken_answers import EARLIER_ROW
from evals_engine.runs.stopping.course import Course
from evals_engine.store.records import FinishedRow
from evals_schemas.datasets.reader import Row

MOST_BYTES = 16 * 1024 * 1024
"""Bytes of rows that are held in memory; more are in a file without a name, gone at the end."""


class StoredRows:
    """The rows of a data set, which any thread can read in any order."""

    def __init__(self, folder: Path) -> None:
        """Open an empty store; a large one is a file in `folder`."""
        self._file = SpooledTemporaryFile[bytes](MOST_BYTES, dir=str(folder))
        self._offsets = array("Q", [0])
        self._reading = Lock()
        """Held from seeking to reading: the position in the file belongs to all threads."""

    def write(self, rows: Iterable[Row]) -> None:
        """Append rows. Raises what reading them raises, or OSError."""
        for row in rows:
            self._file.write(json.dumps(row).encode())
            self._offsets.append(self._file.tell())

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def row(self, number: int) -> Row:
        """Return one row by its number. Raises OSError."""
        start, end = self._offsets[number], self._offsets[number + 1]
        with self._reading:
            self._file.seek(start)
            line = self._file.read(end - start)
        return json.loads(line)

    def column(self, name: str) -> Iterator[str | None]:
        """Yield a column's value of each row, as JSON; None where it is empty or missing."""
        for number in range(len(self)):
            value = self.row(number).get(name)
            yield None if value is None or value == "" else json.dumps(value, sort_keys=True)

    def close(self) -> None:
        """Delete the rows."""
        self._file.close()


def with_earlier_lines(rows: Iterable[Row], lines: Iterable[bytes] | None) -> Iterator[Row]:
    """Yield rows with the lines of another evaluation's result file under `EARLIER_ROW`."""
    if lines is None:
        yield from rows
        return
    for row, line in zip(rows, lines, strict=False):
        yield {**row, EARLIER_ROW: json.loads(line)}


class SeededRows:
    """Hands out the rows that are not done yet, in the order of a run's course."""

    problem: str | None = None
    """Why a row cannot be read; None while it can."""

    def __init__(self, rows: StoredRows, course: Course, workers: int) -> None:
        """Take the rows, which `close` deletes."""
        self._rows = rows
        self._course = course
        self._workers = workers
        self._in_flight = 0
        self._position = 0
        self._has_ended = course.look() is not None
        self._changed = anyio.Event()

    async def next(self, most: int = 1) -> list[tuple[int, Row]]:
        """Return the next rows with their numbers, once they may be started; none after the last.

        Args:
            most: rows at most. There may be fewer although further rows follow.
        """
        while not self._has_ended and self.problem is None:
            if numbers := self._startable(most):
                rows = await to_thread.run_sync(self._read, numbers)
                if self.problem is not None:
                    self._wake()
                return rows
            if not self._skip_finished():
                break
            await self._changed.wait()
        return []

    def stored(self, rows: list[FinishedRow], /) -> bool:
        """Take note of rows that are stored; return whether no further row is needed."""
        self._in_flight -= len(rows)
        if self._course.stopping.decision is None and self._is_spent():
            self._course.end_at_the_budget()
        if self._course.stopping.decision is not None:
            self._has_ended = True
        self._wake()
        return self._has_ended

    def stop(self) -> None:
        """Hand out no further row."""
        self._has_ended = True
        self._wake()

    def close(self) -> None:
        """Delete the rows; none is handed out afterwards."""
        self.stop()
        self._rows.close()

    def _startable(self, most: int) -> list[int]:
        """Return the numbers of the next rows that may be started now, and start them."""
        course, numbers = self._course, list[int]()
        while len(numbers) < most and self._skip_finished():
            if not course.may_start(self._position, self._in_flight, self._workers):
                break
            numbers.append(course.order.rows[self._position])
            course.start(self._position)
            self._position += 1
            self._in_flight += 1
        return numbers

    def _skip_finished(self) -> bool:
        """Go to the next row that has not ended; return False after the last."""
        finished = self._course.finished
        while self._position < len(finished) and finished[self._position]:
            self._position += 1
        return self._position < len(finished)

    def _is_spent(self) -> bool:
        """Whether no row is in flight and the next one may not be paid."""
        return (
            not self._in_flight
            and self._skip_finished()
            and not self._course.may_start(self._position, 0, self._workers)
        )

    def _read(self, numbers: list[int]) -> list[tuple[int, Row]]:
        try:
            return [(number, self._rows.row(number)) for number in numbers]
        except OSError as error:
            self.problem = error.strerror or type(error).__name__
            return []

    def _wake(self) -> None:
        changed, self._changed = self._changed, anyio.Event()
        changed.set()
