"""The run of one shard of rows in this process."""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import BinaryIO, cast

import anyio
from anyio import to_thread

from evals_engine.node_runs.lanes import AHEAD_SHARES, LaneEvaluator, RowsLeft
from evals_engine.node_runs.opened import OpenedEvaluation
from evals_engine.nodes.shard import Orders, Shard
from evals_engine.nodes.shards import Shards
from evals_engine.runs.row_queue import RowQueue, RowRange
from evals_engine.runs.row_workers import Pace, RowCounts, RowWorkers
from evals_engine.store.records import StatusChange

SHORTEST_GATHERING, LONGEST_GATHERING = 0.02, 1.0
"""Seconds in which finished rows are gathered for one commit."""

LONGEST_PAUSE = 2.0
"""Seconds at most between two attempts of a commit while the database is away."""


class ShardRun:
    """Judges the rows of one shard that are not stored yet."""

    def __init__(
        self, shard: Shard, pause_note: Callable[[], str | None], stop_seconds: float
    ) -> None:
        """Judge nothing yet.

        Args:
            shard: the shard, which this process has begun.
            pause_note: returns why calls wait; None while none does.
            stop_seconds: seconds that rows in flight have to finish after a stop.
        """
        self.shard = shard
        self._pause_note = pause_note
        self._stop_seconds = stop_seconds
        self.rows_left = RowsLeft()
        self.has_ended = anyio.Event()
        """Set once no row is in flight, and those that finished are stored."""
        self.failure: StatusChange | None = None
        """Why the whole evaluation cannot go on; None while it can."""
        self.problem: str | None = None
        """Why the data set could not be read on; None if it could."""
        self.is_ours = True
        """Whether the shard was still this process's when its last rows were stored."""
        self.is_released = False
        """Whether the shard goes to another node, because this one stops."""
        self.is_stopped = False
        """Whether the evaluation was cancelled or fails, or the shard is another node's now."""
        self._workers: RowWorkers | None = None
        self._evaluator: LaneEvaluator | None = None
        self.waiting_for: str | None = None
        """Why the shard waits outside of its rows; None while it does not."""

    @property
    def note(self) -> str | None:
        """Why the shard makes no progress; None without a reason."""
        problem = self._workers and self._workers.storage_problem
        return problem or self.waiting_for or self._pause_note()

    def stop(self) -> None:
        """Start no further row; those in flight have `stop_seconds` to finish."""
        self.is_stopped = True
        self._stop_rows()

    def release(self) -> None:
        """Start no further row, so that another node goes on."""
        self.is_released = True
        self._stop_rows()

    def obey(self, orders: Orders | None) -> None:
        """Do what the database says about the shard; None: it is another node's now."""
        if orders is None or orders.stops:
            self.stop()
        elif self._workers is not None:
            self._workers.count_failed_elsewhere(orders.failed_elsewhere)

    async def run(self, opened: OpenedEvaluation, shards: Shards, share: int) -> None:
        """Judge the rows.

        Args:
            opened: the evaluation, opened in this process.
            shards: stores the rows.
            share: the rows that may be in flight.

        Raises:
            StorageError: the database is away; nothing has been judged.
        """
        queue, count, failed = await to_thread.run_sync(self._open, opened, shards)
        try:
            evaluator = LaneEvaluator(
                opened.prepared.evaluator, opened.lanes, share, self.rows_left
            )
            few = AHEAD_SHARES * share if evaluator.rows_together == 1 else evaluator.rows_together
            self.rows_left.expect(count, few)
            self._evaluator = evaluator
            self._workers = RowWorkers(
                evaluator,
                queue,
                RowCounts(opened.prepared.file.line_count, self.shard.failed),
                partial(shards.add_rows, self.shard),
                Pace(
                    self._stop_seconds, lambda: _gathering(opened.lanes.row_seconds), LONGEST_PAUSE
                ),
            )
            self._workers.count_failed_elsewhere(failed - self.shard.failed)
            if self.is_stopped or self.is_released:
                self._stop_rows()
            self.is_ours = await self._workers.run()
        finally:
            queue.close()
        self.problem = queue.problem

    def _stop_rows(self) -> None:
        if self._evaluator is not None:
            self._evaluator.stop()
        if self._workers is not None:
            self._workers.stop()

    def _open(self, opened: OpenedEvaluation, shards: Shards) -> tuple[RowQueue, int, int]:
        """Return the rows, how many are to be judged, and how many of all shards have failed."""
        flags = shards.finished_flags(self.shard)
        failed = shards.failed_rows(self.shard.key)
        return self._queue(opened, flags), flags.count(0), failed

    def _queue(self, opened: OpenedEvaluation, flags: bytearray) -> RowQueue:
        """Open the files at the first row of the shard. Blocking."""
        shard, file = self.shard, opened.prepared.file
        with ExitStack() as stack:
            dataset = stack.enter_context(opened.open_file(file.id, shard.byte_at))
            if file.kind == "csv" and shard.byte_at:
                dataset = headed(opened.header, dataset)
            earlier = None
            if opened.prepared.answers is not None:
                earlier = stack.enter_context(opened.open_line(shard.row_at))
            stack.pop_all()
        count = shard.first_row + shard.size - shard.row_at
        part = RowRange(shard.row_at, count, earlier)
        return RowQueue(dataset, file.kind, flags, part)


class _Headed(io.BufferedIOBase):
    """A file that continues another one's first bytes, as far as it is read by lines."""

    def __init__(self, header: bytes, rest: BinaryIO) -> None:
        self._header = io.BytesIO(header)
        self._rest = rest

    def readline(self, size: int | None = -1, /) -> bytes:
        """Return the next line."""
        return self._header.readline(size) or self._rest.readline(-1 if size is None else size)

    def tell(self) -> int:
        """Return a number that grows with what was read."""
        return self._header.tell() + self._rest.tell()

    def close(self) -> None:
        """Close the file."""
        self._rest.close()
        super().close()


def headed(header: bytes, rest: BinaryIO) -> BinaryIO:
    """Return a file of CSV from one of its rows on, with the line of its columns before it."""
    return cast("BinaryIO", _Headed(header, rest))


def _gathering(row_seconds: float) -> float:
    """Return how long finished rows wait for company: half of the time that a row takes."""
    return min(max(row_seconds / 2, SHORTEST_GATHERING), LONGEST_GATHERING)
