"""The worker processes of a pool: which one computes next, and for whom."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from evals_engine.compute.process import WorkerProcess
from evals_engine.compute.tasks import TaskError


class WorkerStock:
    """Processes that wait for work. The pool lends no more of them at once than there may be.

    An owner gets the process back that computed for it before, or a new one while there are fewer
    than the most, or else one of another owner. So an owner whose work ends processes, or slows
    them down, starts new ones for itself and leaves others theirs.
    """

    def __init__(self, most: int, memory_bytes: int, jobs_of_a_worker: int) -> None:
        """Start nothing yet.

        Args:
            most: processes at most.
            memory_bytes: memory of each process.
            jobs_of_a_worker: jobs that one process sets up before it is ended.
        """
        self._most = most
        self._memory_bytes = memory_bytes
        self._jobs_of_a_worker = jobs_of_a_worker
        self._idle: list[WorkerProcess] = []
        self._in_use = 0

    @property
    def idle_pids(self) -> list[int]:
        """The ids of the processes that wait for work."""
        return [worker.pid for worker in self._idle]

    @asynccontextmanager
    async def worker(self, owner: str) -> AsyncGenerator[WorkerProcess]:
        """Lend a process to an owner; after an error it is ended, since it may be out of step.

        Raises:
            OSError: the system starts no further process.
        """
        self._in_use += 1
        try:
            worker = await self._taken(owner)
            try:
                yield worker
            except TaskError:
                await self._give_back(worker)
                raise
            except BaseException:
                await worker.stop()
                raise
            await self._give_back(worker)
        finally:
            self._in_use -= 1

    async def close(self) -> None:
        """End all processes that wait for work."""
        while self._idle:
            await self._idle.pop().stop()

    async def _taken(self, owner: str) -> WorkerProcess:
        own = [worker for worker in self._idle if worker.owner == owner]
        is_full = self._in_use + len(self._idle) > self._most
        found = own or (self._idle if is_full else [])
        worker = None
        if found:
            worker = min(found, key=lambda each: each.is_slow)
            self._idle.remove(worker)
        if worker is not None and worker.is_slow and worker.owner != owner:
            await worker.stop()
            worker = None
        if worker is None:
            worker = await WorkerProcess.start(self._memory_bytes)
        worker.owner = owner
        return worker

    async def _give_back(self, worker: WorkerProcess) -> None:
        """Keep a process for the next work, unless it has set up too many jobs."""
        if len(worker.jobs) < self._jobs_of_a_worker:
            self._idle.append(worker)
        else:
            await worker.stop()
