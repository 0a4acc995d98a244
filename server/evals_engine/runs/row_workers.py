"""Judges the rows of one run: so many workers, and one writer that makes what they finish durable.

Rows wait for no commit: the writer takes whatever has arrived meanwhile. A crash loses the rows in
flight and the few on their way to the disk.
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
"""How long finished rows are gathered for one commit: fewer commits, and few rows to lose."""

WAITING_ROWS = 256
"""Finished rows that may wait for their commit before the workers do."""

RAMP_SECONDS = 0.05
"""Over which the workers start: calls in lockstep would queue at both ends, round after round."""

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0
"""Seconds between two tries of a commit that the disk did not take."""

GRACE_SECONDS = 30.0
"""How long rows in flight may go on once the run is to stop."""

Commit = Callable[[list[FinishedRow]], bool]
"""Makes rows durable, in a worker thread; false when another process runs the evaluation now."""


class RowWorkers:
    """The rows of one run on their way from the data set to the ledger."""

    def __init__(
        self, evaluator: Evaluator, queue: RowQueue, total: int, failed: int, commit: Commit
    ) -> None:
        """Judge nothing yet.

        Args:
            evaluator: what is done with each row.
            queue: the rows that are not judged yet; its owner closes it.
            total: rows of the data set.
            failed: rows that have failed before.
            commit: makes finished rows durable.
        """
        self._evaluator = evaluator
        self._queue = queue
        self._total = total
        self._failed = failed
        self._commit = commit
        self._stopping = anyio.Event()
        self._judged = anyio.Event()
        self._lease_lost = False
        self.trouble: str | None = None
        """Why nothing is written at the moment; None while all is well."""

    def stop(self) -> None:
        """Start no further row; those in flight have a while to finish."""
        self._stopping.set()

    async def run(self) -> bool:
        """Judge until the rows end, too many have failed, or it is to stop.

        Returns false when another process runs the evaluation now. Raises what `commit` raises.
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
        """Commit rows as they arrive; the last ones also when the run is cancelled."""
        with anyio.CancelScope(shield=True):
            async for first in arriving:
                with anyio.move_on_after(COMMIT_SECONDS):
                    await self._judged.wait()
                if not await self._commit_patiently([first, *_waiting(arriving)]):
                    self._lease_lost = True
                    everything.cancel()
                    return

    async def _commit_patiently(self, batch: list[FinishedRow]) -> bool:
        """Commit, waiting while the disk takes nothing: these rows have been paid for.

        Meanwhile the workers come to a halt, as soon as what they finish has no room to wait.

        Raises:
            StorageError: the disk takes nothing, and no row is left to wait for.
        """
        pause = FIRST_PAUSE
        while True:
            try:
                committed = await to_thread.run_sync(self._commit, batch)
            except StorageError as error:
                if self._judged.is_set():
                    raise
                self.trouble = str(error)
                with anyio.move_on_after(pause):
                    await self._judged.wait()
                pause = min(2 * pause, LONGEST_PAUSE)
            else:
                self.trouble = None
                return committed


def _waiting(arriving: MemoryObjectReceiveStream[FinishedRow]) -> Iterator[FinishedRow]:
    """What has arrived already."""
    with suppress(anyio.WouldBlock, anyio.EndOfStream):
        while True:
            yield arriving.receive_nowait()


def _ledger_json(outcome: Outcome) -> str:
    tokens = {"input_tokens": outcome.input_tokens, "output_tokens": outcome.output_tokens}
    reason = {REASON: outcome.reason} if outcome.reason else {}
    return json.dumps(outcome.fields | tokens | reason)
