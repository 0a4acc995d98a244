"""Jobs of the worker processes, their items and their limits."""

from __future__ import annotations

import logging
import os
import secrets
from collections import deque
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio

from evals_engine.compute.tasks import TaskError

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Limits:
    """The time and memory that one item may take in a worker process."""

    memory_bytes: int = 512 * 1024 * 1024
    """Address space of a worker. Enforced on Linux only."""
    cpu_seconds: float = 2.0
    """Processor time for one item. Not enforced on Windows."""
    wall_seconds: float = 20.0 if os.name == "posix" else 10.0
    """Time for one item, however busy the machine is. Enforced everywhere.

    Where processor time is limited, it decides, since a worker has a low priority while an item
    takes long.
    """

    @property
    def reason(self) -> str:
        """How an error describes an item that ran into a limit."""
        return (
            f"takes more than {self.cpu_seconds:g} s of processor time or "
            f"{self.memory_bytes // 2**20} MiB of memory (local.compute_memory_mb)"
        )


class LimitError(TaskError):
    """An item, or the set-up of its job, ran into a limit, also at the second try."""


@dataclass(eq=False)
class Job:
    """One task that is set up for one owner; `ComputePool.open` makes it."""

    owner: str
    task: str
    setup: Any
    limits: Limits
    facts: Any = None
    """What the task reports about its set-up."""
    name: str = field(default_factory=lambda: secrets.token_hex(8))
    tries: int = 2
    """How often an item, or the set-up, may end a worker before it fails."""
    faults: int = 0
    """Items that failed by ending workers."""
    waiting: deque[Item] = field(default_factory=deque["Item"])
    is_pumped: bool = False
    """Whether a task is sending the waiting items."""
    _batch: Sequence[Item] = ()
    """The items that a worker has."""
    _scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    """What computes the batch."""

    @contextmanager
    def in_flight(self, batch: Sequence[Item]) -> Generator[None]:
        """Compute a batch in the context, which ends early if all callers of the batch go."""
        with anyio.CancelScope() as self._scope:
            self._batch = batch
            yield

    def abandon(self, item: Item) -> None:
        """Take an item back, since its caller has gone; end its worker if nobody waits for it."""
        item.fail(TaskError("was not computed, because its caller has gone"))
        if item in self.waiting:
            self.waiting.remove(item)
        elif all(each.has_ended for each in self._batch):
            self._scope.cancel()


class Caller:
    """Who waits for some items, and is woken once, when the last of them has ended."""

    def __init__(self, items: int) -> None:
        """Wait for so many items, 1 or more."""
        self._left = items
        self._all_ended = anyio.Event()

    def count_end(self) -> None:
        """Take note that one more item has ended."""
        self._left -= 1
        if not self._left:
            self._all_ended.set()

    async def wait(self) -> None:
        """Return when all items have ended."""
        await self._all_ended.wait()


@dataclass(eq=False)
class Item:
    """One value on its way through a worker."""

    encoded: bytes
    """The value as JSON."""
    limits: Limits
    caller: Caller
    has_ended: bool = False
    result: Any = None
    error: TaskError | None = None
    tries: int = 0

    def end(self, answer: Sequence[Any]) -> None:
        """Take the answer of a worker; see `evals_engine.compute.worker`."""
        try:
            self.result = answer_content(answer, self.limits)
        except TaskError as error:
            self.error = error
        self._end()

    def fail(self, error: TaskError) -> None:
        """End without a result, unless the item has ended."""
        if not self.has_ended:
            self.error = error
            self._end()

    def _end(self) -> None:
        self.has_ended = True
        self.caller.count_end()


def answer_content(answer: Sequence[Any], limits: Limits) -> Any:
    """Return the result in a worker's answer.

    Raises:
        TaskError: the item or the set-up is at fault, or the worker has a bug; `LimitError` if the
            memory was not enough.
    """
    kind, content = answer
    match kind:
        case "ok":
            return content
        case "memory":
            raise LimitError(limits.reason)
        case "bug":
            log.error("a worker process failed: %s", content)
            raise TaskError("fails for a reason that only the server's log contains")
        case _:
            raise TaskError(content)
