"""The run of one shard of rows in this process."""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import BinaryIO, cast

from anyio import to_thread

from evals_engine.node_runs.lanes import LaneEvaluator
from evals_engine.node_runs.opened import OpenedEvaluation
from evals_engine.nodes.shards import Orders, Shard, Shards
from evals_engine.runs.row_queue import RowQueue, RowRange
from evals_engine.runs.row_workers import Pace, RowCounts, RowWorkers

SHORTEST_GATHERING, LONGEST_GATHERING = 0.02, 1.0
"""Seconds in which finished rows are gathered for one commit."""

LONGEST_PAUSE = 2.0
"""Seconds at most between two attempts of a commit while the database is away."""


class ShardRun:
    """Judges the rows of one shard that are not stored yet."""

    def __init__(self, shard: Shard, pause_note: Callable[[], str | None]) -> None:
        """Judge nothing yet; `pause_note` returns why calls wait, None while none does."""
        self.shard = shard
        self._pause_note = pause_note
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

    async def run(
        self, opened: OpenedEvaluation, shards: Shards, stop_seconds: float
    ) -> tuple[bool, str | None]:
        """Judge the rows.

        Args:
            opened: the evaluation, opened in this process.
            shards: stores the rows.
            stop_seconds: seconds that rows in flight have to finish after a stop.

        Returns:
            whether the shard is still this process's, and why its rows cannot be read on.

        Raises:
            StorageError: the database is away; nothing has been judged.
        """
        shard = self.shard
        flags = await to_thread.run_sync(shards.finished_flags, shard)
        failed = await to_thread.run_sync(shards.failed_rows, shard.key)
        queue = await to_thread.run_sync(self._queue, opened, flags)
        async with opened.lanes.joined(shard.calls) as order:
            self._evaluator = LaneEvaluator(
                opened.prepared.evaluator, opened.lanes, order, shard.calls
            )
            self._workers = RowWorkers(
                self._evaluator,
                queue,
                RowCounts(opened.prepared.file.line_count, shard.failed),
                partial(shards.add_rows, shard),
                Pace(stop_seconds, lambda: _gathering(opened.lanes.row_seconds), LONGEST_PAUSE),
            )
            self._workers.count_failed_elsewhere(failed - shard.failed)
            if self.is_stopped or self.is_released:
                self._stop_rows()
            try:
                is_ours = await self._workers.run()
            finally:
                queue.close()
        return is_ours, queue.problem

    def _stop_rows(self) -> None:
        if self._evaluator is not None:
            self._evaluator.stop()
        if self._workers is not None:
            self._workers.stop()

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
