"""A few worker processes that compute for all owners, and never for one owner alone.

Items that wait for the same job travel in one message. A worker that runs into a limit is replaced
and its items are computed again one by one, so that only the item at fault fails. A worker whose
callers have all gone is ended.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import AsyncGenerator, Collection, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from weakref import WeakValueDictionary

import anyio
from anyio import to_thread
from anyio.abc import TaskGroup

from evals_engine.compute.frames import encoded
from evals_engine.compute.jobs import Caller, Item, Job, LimitError, Limits, answer_content
from evals_engine.compute.process import LARGE_BYTES, WorkerEndedError, WorkerProcess
from evals_engine.compute.stock import WorkerStock
from evals_engine.compute.tasks import TaskError

BATCH = 64
"""Items in one message at most."""

BATCH_BYTES = 1024 * 1024
"""Bytes of items in one message, unless a single item is larger."""

JOBS_OF_A_WORKER = 64
"""Jobs that one process sets up, by default, before it is ended."""

MOST_FAULTS = 3
"""Items of one job that fail by ending workers; later items of the job fail at once."""

_STOPPING = "was not computed, because the server is stopping"

log = logging.getLogger(__name__)


class ComputePool:
    """Worker processes, started when there is work. An async context manager.

    With two or more workers, one owner never holds all of them.
    """

    def __init__(
        self,
        workers: int = 2,
        limits: Limits | None = None,
        jobs_of_a_worker: int = JOBS_OF_A_WORKER,
    ) -> None:
        """Start nothing yet.

        Args:
            workers: processes at most, 1 or more.
            limits: what each item may take.
            jobs_of_a_worker: jobs that one process sets up before it is ended.
        """
        self.limits = limits or Limits()
        self._most_of_one = max(1, workers - 1)
        self._slots = anyio.Semaphore(workers, fast_acquire=True)
        self._slots_of: WeakValueDictionary[str, anyio.Semaphore] = WeakValueDictionary()
        self._stock = WorkerStock(workers, self.limits.memory_bytes, jobs_of_a_worker)
        self._tasks: TaskGroup | None = None

    async def __aenter__(self) -> Self:
        self._tasks = await anyio.create_task_group().__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._tasks is not None
        self._tasks.cancel_scope.cancel()
        # Without the error, which would come out of the task group as a member of a group.
        await self._tasks.__aexit__(None, None, None)
        self._tasks = None
        await self._stock.close()

    @property
    def idle_pids(self) -> list[int]:
        """The ids of the worker processes that wait for work."""
        return self._stock.idle_pids

    async def open(self, owner: str, task: str, setup: Any, limits: Limits | None = None) -> Job:
        """Set a job up in a worker.

        Args:
            owner: for whom it computes.
            task: one of `TASKS`.
            setup: what the task is set up with, a JSON value.
            limits: the time that an item of this job may take; by default that of the pool. The
                memory is always that of the pool.

        Raises:
            TaskError: the set-up is at fault; `LimitError` if it runs into a limit.
        """
        job = Job(owner, task, setup, limits or self.limits)
        try:
            async with self._slot(owner):
                await self._one_by_one(job, [])
        except OSError as error:
            raise _not_started(error) from None
        return job

    async def run_each(self, owner: str, task: str, values: Sequence[Any], size: int) -> list[Any]:
        """Return what a task without set-up makes of each item, or a TaskError in its place.

        Args:
            owner: for whom the task computes.
            task: one of `TASKS`.
            values: JSON values.
            size: about how many bytes they have together.
        """
        # Jobs of one name share a set-up, so a worker sets the task up once.
        return await self.compute_each(Job(owner, task, {}, self.limits, name=task), values, size)

    async def run(self, owner: str, task: str, value: Any, limits: Limits) -> Any:
        """Compute one item by a task without set-up, once.

        Args:
            owner: for whom the task computes.
            task: one of `TASKS`.
            value: a JSON value.
            limits: the time that the item may take. The memory is that of the pool.

        Raises:
            TaskError: the item is at fault; `LimitError` if it runs into a limit.
        """
        return await self.compute(Job(owner, task, {}, limits, tries=1), value)

    async def compute(self, job: Job, value: Any, size: int = 0) -> Any:
        """Return what a job makes of one item.

        Args:
            job: from `open`.
            value: a JSON value.
            size: about how many bytes it has; large items are encoded in a thread.

        Raises:
            TaskError: the item is at fault; `LimitError` if it runs into a limit.
        """
        (result,) = await self.compute_each(job, [value], size)
        if isinstance(result, TaskError):
            raise result
        return result

    async def compute_each(self, job: Job, values: Sequence[Any], size: int = 0) -> list[Any]:
        """Return what a job makes of each item, or a TaskError in its place.

        Args:
            job: from `open`.
            values: JSON values.
            size: about how many bytes they have together; many bytes are encoded in a thread.
        """
        if size < LARGE_BYTES:
            bodies = _bodies(values)
        else:
            bodies = await to_thread.run_sync(_bodies, values)
        if not values:
            return []
        caller = Caller(len(values))
        items = [Item(body or b"", job.limits, caller) for body in bodies]
        for item, body in zip(items, bodies, strict=True):
            if body is None:
                item.fail(TaskError("is nested too deeply"))
            elif self._tasks is None:
                item.fail(TaskError(_STOPPING))
            else:
                job.waiting.append(item)
        if self._tasks is not None and job.waiting and not job.is_pumped:
            job.is_pumped = True
            self._tasks.start_soon(self._pump, job)
        try:
            await caller.wait()
        except BaseException:
            for item in items:
                job.abandon(item)
            raise
        return [item.result if item.error is None else item.error for item in items]

    async def _pump(self, job: Job) -> None:
        """Send the waiting items of a job, a batch at a time; other jobs take turns between."""
        try:
            while job.waiting:
                async with self._slot(job.owner):
                    # Those whose callers have gone leave the queue while it waits for a slot.
                    if job.waiting:
                        await self._batch(job, _next_batch(job))
        finally:
            job.is_pumped = False
            while job.waiting:
                job.waiting.popleft().fail(TaskError(_STOPPING))

    @asynccontextmanager
    async def _slot(self, owner: str) -> AsyncGenerator[None]:
        """Hold the right to use one worker. Who waits longest is next."""
        of_owner = self._slots_of.setdefault(
            owner, anyio.Semaphore(self._most_of_one, fast_acquire=True)
        )
        async with of_owner, self._slots:
            yield

    async def _batch(self, job: Job, batch: list[Item]) -> None:
        try:
            with job.in_flight(batch):
                if len(batch) == 1 or not await self._together(job, batch):
                    await self._one_by_one(job, batch)
        except TaskError as error:
            _fail(batch, error)
        except OSError as error:
            _fail(batch, _not_started(error))
        except Exception:
            # The rows of other jobs must go on.
            log.exception("a batch was not computed")
            _fail(batch, TaskError("fails for a reason that only the server's log contains"))
        finally:
            _fail(batch, TaskError(_STOPPING))

    async def _together(self, job: Job, batch: Sequence[Item]) -> bool:
        """Compute a batch in one message; return false if the worker ran into a limit.

        Raises:
            TaskError: the job cannot be set up.
        """
        try:
            answers = await self._exchange(job, batch)
        except WorkerEndedError:
            return False
        for item, answer in zip(batch, answers, strict=True):
            item.end(answer)
        return True

    async def _exchange(self, job: Job, batch: Sequence[Item]) -> list[Any]:
        """Return a worker's answers for a batch in one message.

        Raises:
            WorkerEndedError: the worker ran into a limit.
            TaskError: the job cannot be set up.
        """
        async with self._stock.worker(job.owner) as worker:
            with _deadline(job.limits.wall_seconds):
                await _send(worker, job, batch, careful=False)
                facts, answers = await worker.receive()
            _check_setup(worker, job, facts)
            if len(answers) != len(batch):
                raise WorkerEndedError
            return answers

    async def _one_by_one(self, job: Job, batch: Sequence[Item]) -> None:
        """Compute a batch so that each item that ends a worker is known, and fails alone.

        Raises:
            TaskError: the job cannot be set up; `LimitError` if that ends two workers.
        """
        left = deque(batch)
        setup_tries = 0
        while True:
            if job.faults >= MOST_FAULTS:
                raise LimitError(
                    f"is not tried, because {MOST_FAULTS} rows have run into the limits of time "
                    "and memory before"
                )
            is_set_up = False
            try:
                async with self._stock.worker(job.owner) as worker:
                    with _deadline(job.limits.wall_seconds):
                        await _send(worker, job, left, careful=True)
                        facts, _ = await worker.receive()
                    _check_setup(worker, job, facts)
                    is_set_up = True
                    while left:
                        with _deadline(job.limits.wall_seconds):
                            answer = await worker.receive()
                        left.popleft().end(answer)
                    return
            except WorkerEndedError:
                if not is_set_up:
                    setup_tries += 1
                    if setup_tries == job.tries:
                        job.faults = MOST_FAULTS
                        raise LimitError(job.limits.reason) from None
                else:
                    self._blame(job, left)

    def _blame(self, job: Job, left: deque[Item]) -> None:
        """Count a try of the item that a worker has not answered; fail it after the last one."""
        left[0].tries += 1
        if left[0].tries == job.tries:
            job.faults += 1
            left.popleft().fail(LimitError(job.limits.reason))


def _bodies(values: Sequence[Any]) -> list[bytes | None]:
    """Return values as JSON; None for one that is nested too deeply."""
    bodies = list[bytes | None]()
    for value in values:
        try:
            bodies.append(encoded(value))
        except (RecursionError, ValueError):
            bodies.append(None)
    return bodies


async def _send(worker: WorkerProcess, job: Job, items: Collection[Item], *, careful: bool) -> None:
    setup = None if job.name in worker.jobs else job.setup
    head = encoded([job.name, job.task, setup, careful, job.limits.cpu_seconds])
    values = b",".join(item.encoded for item in items)
    await worker.send(b"%b,[%b]]" % (head[:-1], values))


def _check_setup(worker: WorkerProcess, job: Job, facts: Sequence[Any]) -> None:
    job.facts = answer_content(facts, job.limits)
    worker.jobs.add(job.name)


def _next_batch(job: Job) -> list[Item]:
    batch = [job.waiting.popleft()]
    size = len(batch[0].encoded)
    while job.waiting and len(batch) < BATCH:
        size += len(job.waiting[0].encoded)
        if size > BATCH_BYTES:
            break
        batch.append(job.waiting.popleft())
    return batch


def _fail(batch: Sequence[Item], error: TaskError) -> None:
    for item in batch:
        item.fail(error)


def _not_started(error: OSError) -> TaskError:
    log.warning("no worker process can be started: %s", error)
    return LimitError("is not computed: this machine starts no further process for it")


@contextmanager
def _deadline(seconds: float) -> Generator[None]:
    """Raise WorkerEndedError where the time runs out within the context."""
    try:
        with anyio.fail_after(seconds):
            yield
    except TimeoutError:
        raise WorkerEndedError from None


@dataclass(frozen=True)
class OwnerPool:
    """A pool as one owner uses it."""

    pool: ComputePool
    owner: str

    async def open(self, task: str, setup: Any, limits: Limits | None = None) -> Job:
        """Set a job up for the owner; see `ComputePool.open`."""
        return await self.pool.open(self.owner, task, setup, limits)

    async def compute(self, job: Job, value: Any, size: int = 0) -> Any:
        """Return the result of one item; see `ComputePool.compute`."""
        return await self.pool.compute(job, value, size)

    async def compute_each(self, job: Job, values: Sequence[Any], size: int = 0) -> list[Any]:
        """Return the result of each item; see `ComputePool.compute_each`."""
        return await self.pool.compute_each(job, values, size)
