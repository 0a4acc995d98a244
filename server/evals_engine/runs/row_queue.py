"""Reads the rows of a run ahead in a worker thread and returns them one at a time."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import anyio
from anyio import to_thread

from evals_schemas.datasets.reader import Kind, Row, read_rows

READ_AHEAD_ROWS = 32
READ_AHEAD_BYTES = 4 * 1024 * 1024
"""Rows and bytes that are read ahead; reading stops after the row that reaches either limit."""


class RowQueue:
    """The rows that are not finished yet, with their numbers from 0."""

    def __init__(self, path: Path, kind: Kind, finished: bytearray) -> None:
        """Open the data set.

        Args:
            path: the data set.
            kind: its format.
            finished: for each row, 1 if it is finished; rows after the last byte are not.
        """
        self._stream = path.open("rb")
        self._rows: Iterator[tuple[int, Row]] = (
            (number, row)
            for number, row in enumerate(read_rows(self._stream, kind))
            if number >= len(finished) or not finished[number]
        )
        self._ahead: deque[tuple[int, Row]] = deque()
        self._reading = anyio.Lock()

    async def next(self) -> tuple[int, Row] | None:
        """Return the next row and its number; None after the last row."""
        if not self._ahead:
            async with self._reading:
                if not self._ahead:
                    self._ahead.extend(await to_thread.run_sync(self._read_ahead))
        return self._ahead.popleft() if self._ahead else None

    def close(self) -> None:
        """Close the file; `next` returns None afterwards."""
        self._ahead.clear()
        self._stream.close()

    def _read_ahead(self) -> list[tuple[int, Row]]:
        page: list[tuple[int, Row]] = []
        start = self._stream.tell()
        for item in itertools.islice(self._rows, READ_AHEAD_ROWS):
            page.append(item)
            if self._stream.tell() - start > READ_AHEAD_BYTES:
                break
        return page
