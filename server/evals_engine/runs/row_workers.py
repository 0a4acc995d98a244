"""Judges the rows of one run with a number of workers, and stores each finished row at once.

A row that is finished waits for its commit, while its worker takes the next row. At most as many
rows wait as there are workers, so a process that is killed has judged at most twice as many rows
as it has workers without storing them, however slow the disk is.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

import anyio
from anyio import to_thread
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from evals_engine.faults import StoppingError
from evals_engine.results.result_file import MAX_FAILED_SHARE, REASON, USAGE
from evals_engine.rows.evaluators import Evaluator, Outcome
from evals_engine.runs.row_queue import RowSource
from evals_engine.store.database import StorageError
from evals_engine.store.records import FinishedRow
from evals_schemas.datasets.reader import Row

COMMIT_SECONDS = 0.02
"""Seconds in which finished rows are gathered for one commit to a disk."""

RAMP_SECONDS = 0.05
"""Seconds over which the workers start; calls in step would queue, round after round."""

FIRST_PAUSE = 0.5
"""Seconds between the first two attempts of a commit that the storage refuses."""

LAST_SECONDS = 5.0
"""Seconds in which a commit that the disk refuses is still attempted when the process stops."""

Commit = Callable[[list[FinishedRow]], bool]
"""Stores rows, in a worker thread; returns False if another process runs the evaluation now."""


def _disk_gathering() -> float:
    return COMMIT_SECONDS


@dataclass(frozen=True)
class Pace:
    """How long a run waits for what; the defaults suit a disk of this machine."""

    stop_seconds: float
    """Seconds that the rows in flight have to finish after a stop."""
    gathering: Callable[[], float] = _disk_gathering
    """Returns the seconds in which finished rows are gathered for the next commit, unless all
    workers have one."""
    longest_pause: float = 10.0
    """Seconds at most between two attempts of a commit that the storage refuses."""


@dataclass(frozen=True)
class RowCounts:
    """The rows of a data set, and those among them that failed in an earlier run."""

    total: int
    failed: int


class RowWorkers:
    """The rows of one run on their way from the data set to the ledger."""

    def __init__(
        self,
        evaluator: Evaluator,
        queue: RowSource,
        counts: RowCounts,
        commit: Commit,
        pace: Pace,
    ) -> None:
        """Judge nothing yet.

        Args:
            evaluator: evaluates each row.
            queue: the rows that are not judged yet; its owner closes it.
            counts: the number of rows.
            commit: stores finished rows.
            pace: how long rows wait for their commit, and the run for its last rows.
        """
        self._evaluator = evaluator
        self._queue = queue
        self._total = counts.total
        self._failed = counts.failed
        self._commit = commit
        self._failed_elsewhere = 0
        self._pace = pace
        self._workers = max(1, min(evaluator.workers, counts.total))
        self._together = min(evaluator.rows_together, self._workers)
        self._waiting = anyio.Semaphore(self._workers, fast_acquire=True)
        self._gathered = anyio.Event()
        self._stopping = anyio.Event()
        self._judged = anyio.Event()
        self._interrupted = anyio.Event()
        self._lease_lost = False
        self._failure: Exception | None = None
        self.storage_problem: str | None = None
        """Why rows cannot be stored at the moment; None while all is well."""

    def stop(self) -> None:
        """Start no further row; those in flight have `Pace.stop_seconds` to finish."""
        self._stopping.set()
        self._queue.stop()

    def count_failed_elsewhere(self, failed: int) -> None:
        """Take the number of rows that have failed in other parts of the data set so far."""
        self._failed_elsewhere = failed

    @property
    def too_many_failed(self) -> bool:
        """Whether so many rows have failed that the evaluation fails."""
        return self._failed + self._failed_elsewhere > MAX_FAILED_SHARE * self._total

    async def run(self) -> bool:
        """Judge until the rows end, too many have failed, or `stop` was called.

        Returns False if another process runs the evaluation now.

        Raises:
            StorageError: rows cannot be read, and those in flight were judged and stored; or rows
                cannot be stored, after an interruption.
        """
        try:
            await self._run()
        except ExceptionGroup as group:
            storage, others = group.split(StorageError)
            if storage is None or others is not None:
                raise
            raise _first(storage) from group
        if self._failure is not None and not self._lease_lost:
            raise self._failure
        return not self._lease_lost

    async def _run(self) -> None:
        # Beside the rows that wait, each worker has sent one that waits for its place among them.
        finished, arriving = anyio.create_memory_object_stream[FinishedRow](2 * self._workers)
        async with anyio.create_task_group() as watched:
            watched.start_soon(self._notice_interruption)
            async with arriving, anyio.create_task_group() as tasks:
                tasks.start_soon(self._write, arriving, tasks.cancel_scope)
                try:
                    async with finished:
                        await self._judge(finished)
                finally:
                    self._judged.set()
                    self._gathered.set()
            watched.cancel_scope.cancel()

    async def _notice_interruption(self) -> None:
        """Set the event when the run is cancelled; the writer is shielded and would not notice."""
        try:
            await anyio.sleep_forever()
        finally:
            self._interrupted.set()

    async def _judge(self, finished: MemoryObjectSendStream[FinishedRow]) -> None:
        async with anyio.create_task_group() as workers:
            workers.start_soon(self._end_after_stop, workers.cancel_scope)
            async with anyio.create_task_group() as working:
                tasks = self._workers // self._together
                for number in range(tasks):
                    delay = RAMP_SECONDS * number / tasks
                    working.start_soon(self._work, finished, delay)
            workers.cancel_scope.cancel()

    async def _work(self, finished: MemoryObjectSendStream[FinishedRow], delay: float) -> None:
        """Judge row after row; after a failure, other workers finish the rows that they have."""
        try:
            await anyio.sleep(delay)
            while self._goes_on and await self._judge_next(finished):
                pass
        except Exception as failure:  # noqa: BLE001 - `run` raises it once the others are done
            self._failure = self._failure or failure
            self._queue.stop()

    @property
    def _goes_on(self) -> bool:
        """Whether further rows are begun."""
        is_ended = self._stopping.is_set() or self._failure is not None
        return not is_ended and not self.too_many_failed

    async def _judge_next(self, finished: MemoryObjectSendStream[FinishedRow]) -> bool:
        """Judge the next rows; return False if there are none."""
        items = await self._queue.next(self._together)
        outcomes = await self._outcomes([row for _, row in items])
        if not outcomes:
            return False
        # All are sent before anything is waited for, so a cancelled wait loses none.
        for (number, _), outcome in zip(items, outcomes, strict=True):
            self._failed += outcome.state != "ok"
            finished.send_nowait(FinishedRow(number, outcome.state, _ledger_json(outcome)))
        for _ in outcomes:
            await self._take_place()
        return True

    async def _take_place(self) -> None:
        """Wait until few enough rows wait for their commit."""
        if self._waiting.value:
            self._waiting.acquire_nowait()
        else:
            await self._waiting.acquire()
        if not self._waiting.value:
            self._gathered.set()

    async def _outcomes(self, rows: list[Row]) -> list[Outcome]:
        """Return the outcomes of rows; none if the process stops and leaves them to the next."""
        outcomes = list[Outcome]()
        try:
            outcomes = await self._evaluator.outcomes(rows)
        except* StoppingError:
            pass
        return outcomes

    async def _end_after_stop(self, workers: anyio.CancelScope) -> None:
        await self._stopping.wait()
        await anyio.sleep(self._pace.stop_seconds)
        workers.cancel()

    async def _write(
        self, arriving: MemoryObjectReceiveStream[FinishedRow], everything: anyio.CancelScope
    ) -> None:
        """Store rows as they arrive; the last ones also when the run is cancelled."""
        with anyio.CancelScope(shield=True):
            async for first in arriving:
                with anyio.move_on_after(self._pace.gathering()):
                    await self._full_or_judged()
                batch = [first, *_arrived(arriving)]
                if not await self._commit_patiently(batch):
                    self._lease_lost = True
                    everything.cancel()
                    return
                for _ in batch:
                    self._waiting.release()
                if self._queue.stored(batch):
                    self.stop()

    async def _full_or_judged(self) -> None:
        """Wait until every worker has a row that waits, or no worker is left."""
        if self._waiting.value and not self._judged.is_set():
            self._gathered = anyio.Event()
            await self._gathered.wait()

    async def _commit_patiently(self, batch: list[FinishedRow]) -> bool:
        """Store rows, however long the disk refuses them: these rows have been paid for.

        Meanwhile the workers come to a halt, as soon as each has a finished row.

        Raises:
            StorageError: the disk still refuses them `LAST_SECONDS` after the run was interrupted.
        """
        pause = FIRST_PAUSE
        last_try = float("inf")
        while True:
            try:
                committed = await to_thread.run_sync(self._commit, batch)
            except StorageError as error:
                now = anyio.current_time()
                if self._interrupted.is_set():
                    last_try, pause = min(last_try, now + LAST_SECONDS), FIRST_PAUSE
                if now >= last_try:
                    raise
                self.storage_problem = str(error)
                await self._pause(pause)
                pause = min(2 * pause, self._pace.longest_pause)
            else:
                self.storage_problem = None
                return committed

    async def _pause(self, seconds: float) -> None:
        """Wait, but not beyond the moment in which the run is interrupted."""
        with anyio.move_on_after(seconds):
            if self._interrupted.is_set():
                await anyio.sleep(seconds)
            await self._interrupted.wait()


def _first(group: ExceptionGroup[StorageError]) -> StorageError:
    """Return the first error of a group, at any depth."""
    error: StorageError | ExceptionGroup[StorageError] = group
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error


def _arrived(arriving: MemoryObjectReceiveStream[FinishedRow]) -> Iterator[FinishedRow]:
    """Yield the rows that have arrived already."""
    with suppress(anyio.WouldBlock, anyio.EndOfStream):
        while True:
            yield arriving.receive_nowait()


def _ledger_json(outcome: Outcome) -> str:
    used = {role: usage.as_list() for role, usage in outcome.usage.items() if usage.calls}
    usage = {USAGE: used} if used else {}
    reason = {REASON: outcome.reason} if outcome.reason else {}
    return json.dumps(outcome.fields | usage | reason)
