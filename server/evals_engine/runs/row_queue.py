"""The rows of a run, read ahead in a worker thread and handed out one at a time."""

from __future__ import annotations

import itertools
import json
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import BinaryIO, Protocol

import anyio
from anyio import to_thread

from evals_engine.rows.taken_answers import EARLIER_ROW
from evals_engine.store.records import FinishedRow
from evals_schemas.datasets.reader import DatasetError, Kind, Row, read_rows

READ_AHEAD_ROWS = 128
READ_AHEAD_BYTES = 4 * 1024 * 1024
"""Both bound what is held in memory; one row more than a bound is read."""


@dataclass(frozen=True)
class RowRange:
    """Neighbouring rows of a data set; all of them by default."""

    first: int = 0
    """The number of the first one, from 0."""
    count: int | None = None
    """How many there are; None for all up to the last row of the data set."""
    earlier: BinaryIO | None = None
    """The result file of another evaluation of all rows, from the line of the first row on; the
    rows get its lines under `EARLIER_ROW`. None without one."""


class RowSource(Protocol):
    """Hands out the rows of a run that are not done yet."""

    async def next(self, most: int = 1) -> list[tuple[int, Row]]:
        """Return the next rows with their numbers, at most so many; none if no further follow."""
        ...

    def stored(self, rows: list[FinishedRow], /) -> bool:
        """Take note of rows that are stored; return whether no further row is needed."""
        ...

    def stop(self) -> None:
        """Let no worker wait for a further row."""
        ...


class RowQueue:
    """Hands out the rows that are not done yet, with their numbers from 0."""

    def __init__(self, dataset: BinaryIO, kind: Kind, done: bytearray, part: RowRange) -> None:
        """Take the files, which `close` closes.

        Args:
            dataset: the data set, from the first row of the part on; one of CSV begins with the
                names of its columns all the same.
            kind: its format.
            done: a flag for each row of the part that is finished.
            part: which rows these are.
        """
        self._files = ExitStack()
        self._stream = self._files.enter_context(dataset)
        rows: Iterable[Row] = read_rows(self._stream, kind)
        if part.earlier is not None:
            lines = map(json.loads, self._files.enter_context(part.earlier))
            rows = ({**row, EARLIER_ROW: line} for row, line in zip(rows, lines, strict=False))
        self._rows: Iterator[tuple[int, Row]] = (
            (part.first + number, row)
            for number, row in enumerate(itertools.islice(rows, part.count))
            if number >= len(done) or not done[number]
        )
        self._ahead: deque[tuple[int, Row]] = deque()
        self._reading = anyio.Lock(fast_acquire=True)
        self.problem: str | None = None
        """Why the data set cannot be read on; None while it can."""

    async def next(self, most: int = 1) -> list[tuple[int, Row]]:
        """Return the next rows with their numbers; none after the last row that can be read.

        Args:
            most: rows at most. There may be fewer although further rows follow.
        """
        if not self._ahead:
            async with self._reading:
                if not self._ahead and self.problem is None:
                    self._ahead.extend(await to_thread.run_sync(self._read_ahead))
        return [self._ahead.popleft() for _ in range(min(most, len(self._ahead)))]

    def stored(self, _: list[FinishedRow], /) -> bool:
        """Return False: all rows are judged."""
        return False

    def stop(self) -> None:
        """Do nothing: no worker waits here for long."""

    def close(self) -> None:
        """Close the files; no row is handed out afterwards."""
        self._ahead.clear()
        self._files.close()

    def _read_ahead(self) -> list[tuple[int, Row]]:
        page: list[tuple[int, Row]] = []
        start = self._stream.tell()
        try:
            for item in itertools.islice(self._rows, READ_AHEAD_ROWS):
                page.append(item)
                if self._stream.tell() - start > READ_AHEAD_BYTES:
                    break
        except DatasetError as error:
            self.problem = str(error)
        except OSError as error:
            self.problem = error.strerror or type(error).__name__
        return page
