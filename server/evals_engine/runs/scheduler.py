"""Decides which process runs which evaluation, by leases that each process renews.

Each server process on a data directory has one scheduler. It claims evaluations that no process
runs, renews its leases, and learns from the store which runs to stop. A killed process renews no
lease, and another process resumes its evaluations from the ledger.
"""

from __future__ import annotations

import logging
import os
import socket
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial

import anyio
from anyio import to_thread
from anyio.abc import TaskGroup

from evals_engine.errors import log_bug
from evals_engine.models.request_keys import Keys
from evals_engine.runs.run import LeaseLostError, Run, RunContext
from evals_engine.runs.silent_leases import SilentLeases
from evals_engine.store.database import StorageError
from evals_engine.store.records import ProcessId, StoredEvaluation, UserName

MAX_RUNS = 4
"""Evaluations that one process runs at once; further ones wait as pending."""

MAX_SHARED_RUNS = 2
"""Evaluations of one owner that one process runs at once if several owners share the engine."""

POLL_SECONDS = 2.0
"""Seconds between two searches of an idle process for evaluations to claim."""

LAST_CALL_SECONDS = 2.0
"""Seconds after the beginning of a stop in which rows in flight may still start a model call."""

LAST_COMMIT_SECONDS = 1.0
"""Seconds that are left for the commit of the last rows."""

INTERNAL_ERROR = (
    "Internal error of the engine, not of the request; the engine's log has the details."
)

log = logging.getLogger(__name__)


def new_process_id() -> ProcessId:
    """Return a unique id for this process."""
    return ProcessId(f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}")


class Scheduler:
    """Starts and stops the runs of one process."""

    def __init__(self, context: RunContext) -> None:
        self.context = context
        self._runs: dict[str, tuple[Run, anyio.CancelScope]] = {}
        self._keys: dict[str, Keys] = {}
        self._silent = SilentLeases(context.config.lease_seconds)
        self._woken = anyio.Event()
        self._stopping = False
        self._ended = anyio.Event()

    def keep_keys(self, evaluation_id: str, keys: Keys) -> ProcessId | None:
        """Keep an evaluation's keys in memory until the evaluation has ended.

        Returns the id of this process, which alone can run it; None without keys.
        """
        if not keys:
            return None
        self._keys[evaluation_id] = keys
        return self.context.process_id

    def forget_keys(self, evaluation_id: str) -> None:
        """Forget the keys of an evaluation that was not stored."""
        self._keys.pop(evaluation_id, None)

    def note_on(self, evaluation_id: str) -> str | None:
        """Return why an evaluation of this process makes no progress; None without a reason."""
        run, _ = self._runs.get(evaluation_id, (None, None))
        return run.note if run else None

    def wake(self) -> None:
        """Look for work now, because an evaluation was created or is to be cancelled."""
        self._woken.set()

    async def stop(self) -> None:
        """Claim nothing more, start no further row, and wait until the rows in flight are stored.

        They have `stop_seconds`; what is not finished by then is left to the next process.
        """
        self._stopping = True
        self.context.models.client.stop_calls(LAST_CALL_SECONDS)
        for run, _ in self._runs.values():
            run.pause()
        self.wake()
        with anyio.move_on_after(self.context.config.stop_seconds + LAST_COMMIT_SECONDS):
            await self._ended.wait()

    async def run(self) -> None:
        """Claim, run and renew until stopped or cancelled; then leave the rest to others."""
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._renew)
                while not (self._stopping and not self._runs):
                    self._woken = anyio.Event()
                    if not self._stopping:
                        await self._try(partial(self._claim, tasks))
                    # Often enough to see whether others renew their leases.
                    seconds = min(POLL_SECONDS, self.context.config.lease_seconds / 2)
                    with anyio.move_on_after(seconds):
                        await self._woken.wait()
                    await self._try(self._look_after)
                tasks.cancel_scope.cancel()
        finally:
            with anyio.CancelScope(shield=True):
                for evaluation_id in self._runs:
                    await self._try(partial(self._release, evaluation_id))
            self._ended.set()

    async def _claim(self, tasks: TaskGroup) -> None:
        while len(self._runs) < MAX_RUNS:
            evaluation = await to_thread.run_sync(
                self._claim_one, list(self._runs), self._busy(), anyio.current_time()
            )
            if evaluation is None:
                return
            run = Run(evaluation, self.context, self._keys.get(evaluation.id, {}))
            self._runs[evaluation.id] = (run, anyio.CancelScope())
            tasks.start_soon(self._run, evaluation)

    def _claim_one(
        self, running: list[str], busy: list[UserName], now: float
    ) -> StoredEvaluation | None:
        """Claim an evaluation; `now` is the time of the event loop. Blocking."""
        leases, process_id = self.context.store.leases, self.context.process_id
        silent = self._silent.among(leases.of_others(process_id), now)
        return leases.claim(process_id, running, busy, silent)

    def _busy(self) -> list[UserName]:
        """Return the owners of whom this process already runs `MAX_SHARED_RUNS` evaluations."""
        if not self.context.config.tokens:
            return []
        runs = Counter(run.evaluation.owner for run, _ in self._runs.values())
        return [owner for owner, n in runs.items() if n >= MAX_SHARED_RUNS]

    async def _run(self, evaluation: StoredEvaluation) -> None:
        run, scope = self._runs[evaluation.id]
        try:
            with scope:
                await run.run()
            if run.is_paused:
                await self._try(partial(self._release, evaluation.id))
        except* LeaseLostError:
            log.info("evaluation %s is run by another process now", evaluation.id)
        except* StorageError as group:
            log.error("evaluation %s waits: %s", evaluation.id, group.exceptions[0])
            await anyio.sleep(self.context.config.lease_seconds)
            await self._try(partial(self._release, evaluation.id))
        except* Exception as group:  # noqa: BLE001 - a bug in one run must not end the others
            log_bug(f"evaluation {evaluation.id}", group)
            await self._try(partial(run.give_up, INTERNAL_ERROR))
        self._runs.pop(evaluation.id, None)
        self._keys.pop(evaluation.id, None)
        self.wake()

    async def _renew(self) -> None:
        while True:
            await anyio.sleep(self.context.config.lease_seconds / 4)
            await self._try(self._look_after)

    async def _look_after(self) -> None:
        """Renew leases, stop cancelled runs, and end runs that another process has taken over."""
        watched = dict(self._runs)
        if not watched:
            return
        owned = await to_thread.run_sync(self.context.store.leases.renew, self.context.process_id)
        for evaluation_id, (run, scope) in watched.items():
            if evaluation_id not in owned:
                scope.cancel()
            elif owned[evaluation_id]:
                run.stop()

    async def _release(self, evaluation_id: str) -> None:
        await to_thread.run_sync(
            self.context.store.leases.release, evaluation_id, self.context.process_id
        )

    async def _try(self, step: Callable[[], Awaitable[None]]) -> None:
        """Run a step that is repeated soon anyway; errors of the disk are only logged."""
        try:
            await step()
        except (LeaseLostError, StorageError) as error:
            log.error("postponed: %s", error)
