"""A chain: shards of one evaluation that this process judges one after another.

All use the share of the calls that the first one has. When few rows of a shard are left to begin,
the next one is begun, so that no call waits for the last rows, their commit, or a ticket. The chain
ends when no shard is left, when the share passes through the queue for the sake of others, or when
the process stops or has lost a shard.
"""

from __future__ import annotations

import logging
from collections.abc import Generator
from contextlib import contextmanager, suppress
from functools import partial

import anyio
from anyio import to_thread

from evals_engine.errors import log_bug
from evals_engine.faults import RequestError
from evals_engine.node_runs.context import HeldShards, NodeContext
from evals_engine.node_runs.lanes import Share
from evals_engine.node_runs.opened import OpenedEvaluation
from evals_engine.node_runs.shard_run import ShardRun
from evals_engine.nodes.shard import NOTHING_BEGUN, Following, Shard
from evals_engine.runs.scheduler import INTERNAL_ERROR
from evals_engine.store.errors import StorageError
from evals_schemas.datasets.reader import DatasetError

log = logging.getLogger(__name__)


class Chain:
    """The part of one process in the rows of an evaluation, with one share of its calls."""

    def __init__(self, context: NodeContext, held: HeldShards) -> None:
        """Judge nothing yet."""
        self._context = context
        self._shards = context.shards
        self._held = held
        self._runs: list[ShardRun] = []
        """The shard that has the share, and the one after it if it has been begun."""

    async def run(self, shard: Shard) -> None:
        """Judge a shard that was begun, and those that follow it; end them or give them back."""
        opened = await self._open(self._hold(shard))
        following = NOTHING_BEGUN
        if opened is not None:
            async with opened.lanes.joined(shard.calls) as share:
                following = await self._follow(opened, share)
        # From here on the share is free, so that another node may use it.
        if self._runs and self._runs[0].is_released:
            await self._release()
        elif self._runs:
            await self._end(following)
            self.drop()

    async def give_back(self) -> None:
        """Let other nodes go on, after `run` was cancelled."""
        if self._runs:
            await self._release()

    def drop(self) -> None:
        """Renew no lease any longer."""
        for run in self._runs:
            self._held.drop(run)

    def _hold(self, shard: Shard) -> ShardRun:
        run = self._held.hold(shard)
        self._runs.append(run)
        return run

    async def _open(self, run: ShardRun) -> OpenedEvaluation | None:
        """Open the evaluation; return None if no row is to be judged, and note why in the run."""
        shard = run.shard
        run.failure = self._context.given_up(shard)
        if run.failure is not None or shard.ends_early:
            return None
        with self._noted(run):
            return await self._context.opened.open(shard)
        return None

    async def _follow(self, opened: OpenedEvaluation, share: Share) -> Following:
        """Judge shard after shard; return what comes after the last one, which is left to end."""
        following = NOTHING_BEGUN
        async with anyio.create_task_group() as tasks:
            goes_on = True
            tasks.start_soon(self._judge, self._runs[0], opened, share)
            while goes_on:
                run = self._runs[0]
                following = await self._begin_next(run)
                if following.shard is not None:
                    tasks.start_soon(self._judge, self._hold(following.shard), opened, share)
                await run.has_ended.wait()
                goes_on = following.shard is not None
                share.stays = following.is_last and run.is_ours
                if goes_on and (run.is_released or not await self._end(following)):
                    await self._give_up_next()
                    goes_on = False
        return following

    async def _begin_next(self, run: ShardRun) -> Following:
        """Wait until few rows of a shard are left to begin; begin the next one."""
        await run.rows_left.are_few.wait()
        if run.is_stopped or run.is_released or run.failure is not None:
            return NOTHING_BEGUN
        following = NOTHING_BEGUN
        with suppress(StorageError), anyio.CancelScope(shield=True):
            following = await to_thread.run_sync(self._shards.begin_next, run.shard)
        return following

    async def _judge(self, run: ShardRun, opened: OpenedEvaluation, share: Share) -> None:
        """Judge the rows of a shard; note in its run why the evaluation cannot go on."""
        try:
            run.failure = self._context.given_up(run.shard)
            if run.failure is None and not run.shard.ends_early:
                with self._noted(run):
                    await run.run(opened, self._shards, share.calls)
            if run.problem and not (run.is_stopped or run.is_released):
                message = f"The data set cannot be read any further: {run.problem}."
                run.failure = self._context.failure(message)
        finally:
            run.rows_left.are_few.set()
            run.has_ended.set()

    async def _end(self, following: Following) -> bool:
        """End the first shard; return False if it is another process's now."""
        run = self._runs[0]
        step = partial(self._shards.end, run.shard, run.failure, following)
        if not await self._held.patiently(run, step):
            return False
        self._held.drop(self._runs.pop(0))
        return True

    async def _give_up_next(self) -> None:
        """Give back both shards, once no row of the second one is in flight."""
        _, following = self._runs
        following.release()
        await following.has_ended.wait()
        await self._release()

    async def _release(self) -> None:
        """Give back what is in hand, in one transaction."""
        run, *others = self._runs
        following = others[0].shard if others else None
        step = partial(self._shards.release, run.shard, following)
        await self._held.patiently(run, step)
        self.drop()
        self._runs.clear()

    @contextmanager
    def _noted(self, run: ShardRun) -> Generator[None]:
        """Note in a run what has gone wrong."""
        try:
            yield
        except (RequestError, DatasetError) as fault:
            run.failure = self._context.refusal(fault)
        except StorageError as error:
            log.warning("evaluation %s waits: %s", run.shard.evaluation.id, error)
            run.release()
        except Exception as error:  # noqa: BLE001 - a bug in one shard must not end the others
            log_bug(f"shard {run.shard.number} of evaluation {run.shard.evaluation.id}", error)
            run.failure = self._context.failure(INTERNAL_ERROR)
