"""Judges the rows of one run with several workers; one writer commits the finished rows.

Workers do not wait for commits: each commit takes all rows that have finished since the last one. A
crash loses the rows in flight and the few that are not committed yet.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress

import anyio
from anyio import to_thread
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from evals_engine.results.result_file import MAX_FAILED_SHARE, REASON
from evals_engine.rows.evaluators import Evaluator, Outcome
from evals_engine.runs.row_queue import RowQueue
from evals_engine.store.database import StorageError
from evals_engine.store.records import FinishedRow

COMMIT_SECONDS = 0.02
"""Seconds for which finished rows are collected before a commit."""

WAITING_ROWS = 256
"""Finished rows that may wait for a commit; workers pause while there are more."""

RAMP_SECONDS = 0.05
"""Seconds over which the workers start. Workers in lockstep would make all calls at once."""

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0
"""Seconds between two tries of a commit that the disk did not accept: the first, and the most."""

GRACE_SECONDS = 30.0
"""Seconds that rows in flight may take after the run is told to stop."""

Commit = Callable[[list[FinishedRow]], bool]
"""Writes rows durably, in a worker thread; returns false if another process has taken over."""


class RowWorkers:
    """The workers of one run, which take rows from the data set to the ledger."""

    def __init__(
        self, evaluator: Evaluator, queue: RowQueue, total: int, failed: int, commit: Commit
    ) -> None:
        """Set the collaborators; `run` starts the workers.

        Args:
            evaluator: judges each row.
            queue: the rows that are not judged yet; the caller closes it.
            total: how many rows the data set has.
            failed: how many rows have failed in earlier runs of the evaluation.
            commit: writes finished rows durably.
        """
        self._evaluator = evaluator
        self._queue = queue
        self._total = total
        self._failed = failed
        self._commit = commit
        self._stopping = anyio.Event()
        self._judged = anyio.Event()
        self._lease_lost = False
        self.storage_problem: str | None = None
        """Why finished rows cannot be written at present; None if they can."""

    def stop(self) -> None:
        """Start no further row; rows in flight have `GRACE_SECONDS` to finish."""
        self._stopping.set()

    async def run(self) -> bool:
        """Judge until the rows end, too many have failed, or `stop` is called.

        Return false if another process has taken over. Errors of `commit` are raised.
        """
        finished, arriving = anyio.create_memory_object_stream[FinishedRow](WAITING_ROWS)
        async with arriving, anyio.create_task_group() as tasks:
            tasks.start_soon(self._write, arriving, tasks.cancel_scope)
            try:
                async with finished:
                    await self._judge(finished)
            finally:
                self._judged.set()
        return not self._lease_lost

    async def _judge(self, finished: MemoryObjectSendStream[FinishedRow]) -> None:
        async with anyio.create_task_group() as workers:
            workers.start_soon(self._end_after_grace, workers.cancel_scope)
            async with anyio.create_task_group() as working:
                count = min(self._evaluator.workers, self._total)
                for number in range(count):
                    working.start_soon(self._work, finished, RAMP_SECONDS * number / count)
            workers.cancel_scope.cancel()

    async def _work(self, finished: MemoryObjectSendStream[FinishedRow], delay: float) -> None:
        await anyio.sleep(delay)
        while not self._stopping.is_set() and self._failed <= MAX_FAILED_SHARE * self._total:
            item = await self._queue.next()
            if item is None:
                return
            number, row = item
            outcome = await self._evaluator.outcome(row)
            self._failed += outcome.state != "ok"
            await finished.send(FinishedRow(number, outcome.state, _ledger_json(outcome)))

    async def _end_after_grace(self, workers: anyio.CancelScope) -> None:
        await self._stopping.wait()
        await anyio.sleep(GRACE_SECONDS)
        workers.cancel()

    async def _write(
        self, arriving: MemoryObjectReceiveStream[FinishedRow], everything: anyio.CancelScope
    ) -> None:
        """Commit rows as they arrive; the last ones even if the run is cancelled."""
        with anyio.CancelScope(shield=True):
            async for first in arriving:
                with anyio.move_on_after(COMMIT_SECONDS):
                    await self._judged.wait()
                if not await self._commit_patiently([first, *_waiting(arriving)]):
                    self._lease_lost = True
                    everything.cancel()
                    return

    async def _commit_patiently(self, batch: list[FinishedRow]) -> bool:
        """Commit, and retry while the disk is full, because the calls of these rows are paid for.

        Meanwhile workers pause as soon as `WAITING_ROWS` finished rows wait.

        Raises:
            StorageError: the disk accepts no rows, and all workers have ended.
        """
        pause = FIRST_PAUSE
        while True:
            try:
                committed = await to_thread.run_sync(self._commit, batch)
            except StorageError as error:
                if self._judged.is_set():
                    raise
                self.storage_problem = str(error)
                with anyio.move_on_after(pause):
                    await self._judged.wait()
                pause = min(2 * pause, LONGEST_PAUSE)
            else:
                self.storage_problem = None
                return committed


def _waiting(arriving: MemoryObjectReceiveStream[FinishedRow]) -> Iterator[FinishedRow]:
    """Yield the rows that have arrived already."""
    with suppress(anyio.WouldBlock, anyio.EndOfStream):
        while True:
            yield arriving.receive_nowait()


def _ledger_json(outcome: Outcome) -> str:
    tokens = {"input_tokens": outcome.input_tokens, "output_tokens": outcome.output_tokens}
    reason = {REASON: outcome.reason} if outcome.reason else {}
    return json.dumps(outcome.fields | tokens | reason)
