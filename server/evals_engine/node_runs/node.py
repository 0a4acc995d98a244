"""A node: takes tickets, works on the shards that they name, and keeps its leases on them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

import anyio
from anyio import to_thread

from evals_engine.config import EngineConfig
from evals_engine.errors import log_bug
from evals_engine.faults import RequestError
from evals_engine.models.client import ModelClient
from evals_engine.node_runs.conclusion import Conclusion
from evals_engine.node_runs.opened import OpenedEvaluations
from evals_engine.node_runs.shard_run import ShardRun
from evals_engine.nodes.parts import parts_of, shares_of
from evals_engine.nodes.queue import Queue
from evals_engine.nodes.shards import CONCLUSION, PREPARATION, Shard, Shards
from evals_engine.runs.scheduler import INTERNAL_ERROR, LAST_CALL_SECONDS
from evals_engine.store.errors import StorageError
from evals_engine.store.records import StatusChange
from evals_schemas.datasets.reader import DatasetError

LANES = 16
"""Shards that a process works on at once."""

RENEWAL_SECONDS = 2.0
"""Seconds between two renewals at most; a cancel that was not heard is obeyed then."""

BEAT_SECONDS = 10.0
"""Seconds between two records of what the node does."""

PAUSE_SECONDS = 1.0
"""Seconds between two attempts of a step while the database is away."""

MAX_CLAIMS = 12
"""How often a shard may be begun without a row being stored, such as by processes that it kills.

Each end of a process counts against all shards in its hands, so that a few unrelated ends while
calls are slow must not be taken for the fault of a shard.
"""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class NodeContext:
    """The collaborators of a node."""

    config: EngineConfig
    shards: Shards
    queue: Queue
    opened: OpenedEvaluations
    conclusion: Conclusion
    client: ModelClient
    clock: Callable[[], float]
    """Unix seconds, for what is shown; leases go by the clock of the database."""
    version: str
    pause_note: Callable[[], str | None]
    """Returns why calls to an endpoint wait; None while none does."""
    lanes: int = LANES


class Node:
    """The part of one process in the evaluations of all nodes."""

    def __init__(self, context: NodeContext) -> None:
        self._context = context
        self._shards = context.shards
        self._runs: dict[Shard, ShardRun] = {}
        self._steps: dict[Shard, anyio.CancelScope] = {}
        self._woken = anyio.Event()
        self._stopping = False
        self._ended = anyio.Event()

    def wake(self) -> None:
        """Look at the leases now, because an evaluation was cancelled."""
        self._woken.set()

    async def run(self) -> None:
        """Work until stopped or cancelled."""
        queue, lease = self._context.queue, self._shards.lease
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._look_after)
                await queue.work(self._take, self.wake, self._context.lanes, lease)
                tasks.cancel_scope.cancel()
        finally:
            with (
                anyio.CancelScope(shield=True),
                anyio.move_on_after(PAUSE_SECONDS),
                suppress(StorageError),
            ):
                await to_thread.run_sync(self._shards.remove_node)
            self._ended.set()

    async def stop(self) -> None:
        """Take no ticket more, start no further row, and give the shards back.

        Rows in flight have `stop_seconds`; what is not finished by then is left to other nodes.
        """
        self._stopping = True
        self._context.client.stop_calls(LAST_CALL_SECONDS)
        self._context.queue.stop()
        for run in self._runs.values():
            run.release()
        with anyio.move_on_after(self._context.config.stop_seconds + PAUSE_SECONDS):
            await self._ended.wait()
        for scope in self._steps.values():
            scope.cancel()
        with anyio.move_on_after(2 * PAUSE_SECONDS):
            await self._ended.wait()

    async def _take(self, key: int, number: int) -> None:
        """Do what a ticket asks for; nothing if the shard is another's or done."""
        try:
            shard = await to_thread.run_sync(self._shards.begin, key, number)
        except StorageError as error:
            log.warning("a ticket is left to another node: %s", error)
            return
        if shard is None:
            return
        run = self._runs[shard] = ShardRun(shard, self._context.pause_note)
        scope = self._steps[shard] = anyio.CancelScope()
        if self._stopping:
            run.release()
        try:
            with scope:
                await self._work(run)
            if scope.cancelled_caught:
                await self._patiently(run, partial(self._shards.release, shard))
        finally:
            del self._runs[shard], self._steps[shard]

    async def _work(self, run: ShardRun) -> None:
        """Work on a shard that was begun, and end it or give it back."""
        shard = run.shard
        failure: StatusChange | None = None
        try:
            if shard.claims > MAX_CLAIMS:
                failure = self._failure("error", _GIVEN_UP)
            elif shard.number == PREPARATION:
                failure = await self._prepare(run)
            elif shard.number == CONCLUSION:
                await self._patiently(run, partial(self._context.conclusion.conclude, shard))
                return
            elif not shard.ends_early:
                failure = await self._judge(run)
        except StorageError as error:
            log.warning("evaluation %s waits: %s", shard.evaluation.id, error)
            run.release()
        except Exception as error:  # noqa: BLE001 - a bug in one shard must not end the others
            log_bug(f"shard {shard.number} of evaluation {shard.evaluation.id}", error)
            failure = self._failure("error", INTERNAL_ERROR)
        if failure is not None and shard.number == CONCLUSION:
            step = partial(self._context.conclusion.give_up, shard, failure)
        elif run.is_released:
            step = partial(self._shards.release, shard)
        else:
            step = partial(self._shards.end, shard, failure)
        await self._patiently(run, step)

    async def _prepare(self, run: ShardRun) -> StatusChange | None:
        """Check an evaluation and divide it into shards; return why it cannot run, else None."""
        shard, now = run.shard, self._context.clock()
        change = StatusChange("queued", "The data set is being checked", now)
        await to_thread.run_sync(self._shards.check, shard, change)
        try:
            opened = await self._context.opened.open(shard)
        except (RequestError, DatasetError) as fault:
            return self._refusal(fault)
        shares = shares_of(opened.lanes.rows_at_once, opened.smallest_limit)
        parts = parts_of(opened.prepared.file.line_count, len(shares), opened.marks)
        now = self._context.clock()
        start = partial(self._shards.start, shard, parts, shares, now)
        await self._patiently(run, start)
        return None

    async def _judge(self, run: ShardRun) -> StatusChange | None:
        """Judge the rows of a shard; return why its evaluation cannot go on, else None."""
        try:
            opened = await self._context.opened.open(run.shard)
        except (RequestError, DatasetError) as fault:
            return self._refusal(fault)
        seconds = self._context.config.stop_seconds
        _, problem = await run.run(opened, self._shards, seconds)
        if problem and not (run.is_stopped or run.is_released):
            return self._failure("error", f"The data set cannot be read any further: {problem}.")
        return None

    async def _patiently(self, run: ShardRun, step: Callable[[], object]) -> None:
        """Run a step, however long the database is away: what it stores has been paid for."""
        with anyio.CancelScope(shield=True):
            while True:
                try:
                    await to_thread.run_sync(step)
                except StorageError as error:
                    run.waiting_for = str(error)
                    if self._stopping:
                        log.error("evaluation %s: %s", run.shard.evaluation.id, error)
                        return
                else:
                    run.waiting_for = None
                    return
                await anyio.sleep(PAUSE_SECONDS)

    async def _look_after(self) -> None:
        """Renew leases, obey what the database says, and queue what is silent."""
        answering_since = anyio.current_time()
        beat_at = 0.0
        while True:
            try:
                await self._renew()
                now = anyio.current_time()
                # After an outage the other nodes are given the time to come back.
                if now - answering_since > self._shards.lease and not self._stopping:
                    for key, number in await to_thread.run_sync(self._shards.queue_silent):
                        log.warning("shard %d of evaluation %d is queued again", number, key)
                if now - beat_at > BEAT_SECONDS:
                    beat_at = now
                    await to_thread.run_sync(self._beat)
            except StorageError as error:
                answering_since = anyio.current_time()
                log.warning("leases are not renewed: %s", error)
            self._woken = anyio.Event()
            with anyio.move_on_after(min(RENEWAL_SECONDS, self._shards.lease / 6)):
                await self._woken.wait()

    async def _renew(self) -> None:
        leased = {shard: run.note for shard, run in self._runs.items()}
        orders = await to_thread.run_sync(self._shards.renew, leased)
        for shard in leased:
            if (run := self._runs.get(shard)) is not None and shard.number >= 0:
                run.obey(orders.get(shard))

    def _beat(self) -> None:
        self._shards.clear_left()
        self._shards.beat(self._context.version, len(self._runs), stopping=self._stopping)

    def _refusal(self, fault: RequestError | DatasetError) -> StatusChange:
        reason = fault.reason if isinstance(fault, RequestError) else None
        return StatusChange("user_error", str(fault), self._context.clock(), reason)

    def _failure(self, status: str, message: str) -> StatusChange:
        return StatusChange(status, message, self._context.clock())


_GIVEN_UP = (
    f"The processes that ran a part of the evaluation have ended {MAX_CLAIMS} times before a row "
    "of it was stored, so it is not tried again. The operator looks into the logs."
)
