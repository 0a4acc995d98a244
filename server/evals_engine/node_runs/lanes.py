"""Rows and calls in flight of one evaluation in this process.

The shards of an evaluation that run in a process put their shares of the calls together, and the
shard that was begun first has the first claim on them. So shards end one after another and the next
ones begin while others run; if each had its own share, all would run dry at the same time.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from types import TracebackType

import anyio

from evals_engine.faults import StoppingError
from evals_engine.rows.evaluators import Evaluator, Outcome
from evals_schemas.datasets.reader import Row

SHARES = 4
"""Shares of the calls that one shard can use at most, while others of its process use few."""

_FORGETTING = 0.05
"""Weight of the newest row in the mean time of a row."""


class Places:
    """A number of places that may change; who came first by order, and then by time, is next."""

    def __init__(self, capacity: Callable[[], int]) -> None:
        """Take the number of places, which is asked for again and again."""
        self._capacity = capacity
        self._taken = 0
        self._serial = itertools.count()
        self._waiting: list[tuple[int, int, anyio.Event]] = []
        self._settled = anyio.Event()

    async def enter(self, order: int = 0) -> None:
        """Wait for a place and take it; it is given back with `leave`."""
        if self._taken < self._capacity() and not self._waiting:
            self._taken += 1
            return
        turn = anyio.Event()
        entry = (order, next(self._serial), turn)
        heapq.heappush(self._waiting, entry)
        try:
            await turn.wait()
        except BaseException:
            if turn.is_set():
                self.leave()
            else:
                self._waiting.remove(entry)
                heapq.heapify(self._waiting)
            raise

    def leave(self) -> None:
        """Give a place back."""
        self._taken -= 1
        self.hand_out()

    async def settled(self) -> None:
        """Wait until no more places are taken than there are; their number may have fallen."""
        while self._taken > self._capacity():
            if self._settled.is_set():
                self._settled = anyio.Event()
            await self._settled.wait()

    def hand_out(self) -> None:
        """Give free places to those who wait; also called when the number of places has grown."""
        while self._waiting and self._taken < self._capacity():
            self._taken += 1
            heapq.heappop(self._waiting)[2].set()
        if self._taken <= self._capacity():
            self._settled.set()

    async def __aenter__(self) -> None:
        await self.enter()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.leave()


class Lanes:
    """The shares of the shards of one evaluation that run in this process."""

    def __init__(self) -> None:
        self.rows_at_once = 1
        """Rows in flight of the evaluation over all nodes; set before the first shard joins."""
        self._shares: list[int] = []
        self._serial = itertools.count()
        self._rows = Places(lambda: sum(self._shares))
        self._limits: list[Places] = []
        self.row_seconds = 0.0
        """Mean time of a row without its waiting for a place; 0 before the first one."""

    def limit(self, calls: int) -> Places:
        """Return the limit for a model that may have so many calls in flight over all nodes."""
        places = Places(lambda: sum(self._part(calls, share) for share in self._shares))
        self._limits.append(places)
        return places

    @asynccontextmanager
    async def joined(self, share: int) -> AsyncGenerator[int]:
        """Add a shard with its share of the rows in flight; yield its order among the others.

        At the end, waits until the others use no more than their own shares: only then may another
        node use this one.
        """
        self._shares.append(share)
        for places in (self._rows, *self._limits):
            places.hand_out()
        try:
            yield next(self._serial)
        finally:
            self._shares.remove(share)
        for places in (self._rows, *self._limits):
            await places.settled()

    @property
    def is_idle(self) -> bool:
        """Whether no shard has joined."""
        return not self._shares

    async def enter(self, order: int) -> None:
        """Wait until one row more of the shard with this order may be in flight."""
        await self._rows.enter(order)

    def leave(self, seconds: float) -> None:
        """Take note that a row has ended, after so many seconds."""
        weight = _FORGETTING if self.row_seconds else 1.0
        self.row_seconds += weight * (seconds - self.row_seconds)
        self._rows.leave()

    def _part(self, calls: int, share: int) -> int:
        """Return a model's part of its calls for a share; see `parts.shares_of`."""
        return max(1, calls * share // self.rows_at_once)


class LaneEvaluator:
    """Evaluates the rows of one shard, as many at once as the lanes let it."""

    def __init__(self, evaluator: Evaluator, lanes: Lanes, order: int, share: int) -> None:
        self._evaluator = evaluator
        self._lanes = lanes
        self._order = order
        self._is_stopped = False
        self.columns = evaluator.columns
        self.rows_together = evaluator.rows_together
        calls_models = evaluator.rows_together == 1
        most = evaluator.workers
        self.workers = min(most, SHARES * share) if calls_models else most

    def stop(self) -> None:
        """Start no further row, also none that waits for its turn."""
        self._is_stopped = True

    async def outcomes(self, rows: Sequence[Row]) -> list[Outcome]:
        """See `Evaluator`. Raises StoppingError for rows whose turn comes after `stop`."""
        if not rows:
            return []
        if self.rows_together > 1:
            return await self._evaluator.outcomes(rows)
        await self._lanes.enter(self._order)
        started = anyio.current_time()
        try:
            if self._is_stopped:
                raise StoppingError
            return await self._evaluator.outcomes(rows)
        finally:
            self._lanes.leave(anyio.current_time() - started)
