"""A node: takes tickets, works on the shards that they name, and keeps its leases on them."""

from __future__ import annotations

import logging
from contextlib import suppress
from functools import partial

import anyio
from anyio import to_thread

from evals_engine.errors import log_bug
from evals_engine.faults import RequestError
from evals_engine.node_runs.chain import Chain
from evals_engine.node_runs.context import PAUSE_SECONDS, HeldShards, NodeContext
from evals_engine.node_runs.shard_run import ShardRun
from evals_engine.nodes.parts import parts_of, shares_of
from evals_engine.nodes.shard import CONCLUSION, PREPARATION, Shard
from evals_engine.runs.scheduler import INTERNAL_ERROR, LAST_CALL_SECONDS
from evals_engine.store.errors import StorageError
from evals_engine.store.records import StatusChange
from evals_schemas.datasets.reader import DatasetError

RENEWAL_SECONDS = 2.0
"""Seconds between two renewals at most; a cancel that was not heard is obeyed then."""

BEAT_SECONDS = 10.0
"""Seconds between two records of what the node does."""

log = logging.getLogger(__name__)


class Node:
    """The part of one process in the evaluations of all nodes."""

    def __init__(self, context: NodeContext) -> None:
        self._context = context
        self._shards = context.shards
        self._held = HeldShards(context)
        self._tickets = set[anyio.CancelScope]()
        self._woken = anyio.Event()
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
                await to_thread.run_sync(self._shards.node.remove)
            self._ended.set()

    async def stop(self) -> None:
        """Take no ticket more, start no further row, and give the shards back.

        Rows in flight have `stop_seconds`; what is not finished by then is left to other nodes.
        """
        self._context.client.stop_calls(LAST_CALL_SECONDS)
        self._context.queue.stop()
        self._held.give_back()
        with anyio.move_on_after(self._context.config.stop_seconds + PAUSE_SECONDS):
            await self._ended.wait()
        for scope in self._tickets:
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
        scope = anyio.CancelScope()
        self._tickets.add(scope)
        try:
            if shard.number in (PREPARATION, CONCLUSION):
                await self._step(shard, scope)
            else:
                await self._judge(shard, scope)
        finally:
            self._tickets.discard(scope)

    async def _judge(self, shard: Shard, scope: anyio.CancelScope) -> None:
        """Judge a shard of rows, and those that follow it."""
        chain = Chain(self._context, self._held)
        try:
            with scope:
                await chain.run(shard)
            if scope.cancelled_caught:
                await chain.give_back()
        finally:
            chain.drop()

    async def _step(self, shard: Shard, scope: anyio.CancelScope) -> None:
        """Prepare or conclude an evaluation."""
        run = self._held.hold(shard)
        try:
            with scope:
                await self._work(run)
            if scope.cancelled_caught:
                await self._held.patiently(run, partial(self._shards.release, shard))
        finally:
            self._held.drop(run)

    async def _work(self, run: ShardRun) -> None:
        """Do the first or the last step of an evaluation, and end it or give it back."""
        shard = run.shard
        try:
            run.failure = self._context.given_up(shard)
            if run.failure is None and shard.number == CONCLUSION:
                conclude = partial(self._context.conclusion.conclude, shard)
                await self._held.patiently(run, conclude)
                return
            if run.failure is None:
                run.failure = await self._prepare(run)
        except StorageError as error:
            log.warning("evaluation %s waits: %s", shard.evaluation.id, error)
            run.release()
        except Exception as error:  # noqa: BLE001 - a bug in one shard must not end the others
            log_bug(f"shard {shard.number} of evaluation {shard.evaluation.id}", error)
            run.failure = self._context.failure(INTERNAL_ERROR)
        if run.failure is not None and shard.number == CONCLUSION:
            step = partial(self._context.conclusion.give_up, shard, run.failure)
        elif run.is_released:
            step = partial(self._shards.release, shard)
        else:
            step = partial(self._shards.end, shard, run.failure)
        await self._held.patiently(run, step)

    async def _prepare(self, run: ShardRun) -> StatusChange | None:
        """Check an evaluation and divide it into shards; return why it cannot run, else None."""
        shard, now = run.shard, self._context.clock()
        change = StatusChange("queued", "The data set is being checked", now)
        await to_thread.run_sync(self._shards.check, shard, change)
        try:
            opened = await self._context.opened.open(shard)
        except (RequestError, DatasetError) as fault:
            return self._context.refusal(fault)
        shares = shares_of(opened.lanes.rows_at_once, opened.smallest_limit)
        parts = parts_of(opened.prepared.file.line_count, len(shares), opened.marks)
        now = self._context.clock()
        start = partial(self._shards.start, shard, parts, shares, now)
        await self._held.patiently(run, start)
        return None

    async def _look_after(self) -> None:
        """Renew leases, obey what the database says, and queue what is silent."""
        answering_since = anyio.current_time()
        beat_at = 0.0
        while True:
            try:
                await self._renew()
                now = anyio.current_time()
                # After an outage the other nodes are given the time to come back.
                if now - answering_since > self._shards.lease and not self._held.are_given_back:
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
        leased = {shard: run.note for shard, run in self._held.runs.items()}
        orders = await to_thread.run_sync(self._shards.renew, leased)
        for shard in leased:
            if (run := self._held.runs.get(shard)) is not None and shard.number >= 0:
                run.obey(orders.get(shard))

    def _beat(self) -> None:
        self._shards.clear_left()
        stopping = self._held.are_given_back
        self._shards.node.beat(self._context.version, len(self._held.runs), stopping=stopping)
