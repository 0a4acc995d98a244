"""Rows and calls in flight of one evaluation in this process.

The shards of an evaluation that run in a process put their shares of the calls together, and the
shard that was begun first has the first claim on them. So shards end one after another and the next
ones begin while others run; if each had its own share, all would run dry at the same time. A share
that no further shard needs stays with the others, so that the last rows use all calls.
"""

from __future__ import annotations

import heapq
import itertools
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import TracebackType

import anyio

from evals_engine.faults import StoppingError
from evals_engine.rows.evaluators import Evaluator, Outcome
from evals_schemas.datasets.reader import Row

SHARES = 4
"""Shares of the calls that one shard can use at most, while others of its process use few."""

AHEAD_SHARES = 2
"""The next shard is opened when as many rows are left to begin as this many shares have calls."""

_FORGETTING = 0.05
"""Weight of the newest row in the mean time of a row."""


class Places:
    """A number of places that may change; who came first by order, and then by time, is next."""

    def __init__(self) -> None:
        """Have no place yet."""
        self._capacity = 0
        self._taken = 0
        self._serial = itertools.count()
        self._waiting: list[tuple[int, int, anyio.Event]] = []
        self._settled = anyio.Event()

    def resize(self, capacity: int) -> None:
        """Set the number of places, and give new ones to those who wait."""
        self._capacity = capacity
        self._hand_out()

    async def enter(self, order: int = 0) -> None:
        """Wait for a place and take it; it is given back with `leave`."""
        if self._taken < self._capacity and not self._waiting:
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
        self._hand_out()

    async def settled(self) -> None:
        """Wait until no more places are taken than there are; their number may have fallen."""
        while self._taken > self._capacity:
            if self._settled.is_set():
                self._settled = anyio.Event()
            await self._settled.wait()

    def _hand_out(self) -> None:
        """Give free places to those who wait."""
        while self._waiting and self._taken < self._capacity:
            self._taken += 1
            heapq.heappop(self._waiting)[2].set()
        if self._taken <= self._capacity:
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


@dataclass(eq=False)
class Share:
    """A share of the calls, with which a process judges one shard after another."""

    calls: int
    stays: bool = False
    """Whether the others of the process keep it at the end, because nobody else needs it."""


class Lanes:
    """The shares of one evaluation that this process has."""

    def __init__(self) -> None:
        self.rows_at_once = 1
        """Rows in flight of the evaluation over all nodes; set before the first share joins."""
        self._shares: list[Share] = []
        self._left: list[Share] = []
        """Those that stay with the others."""
        self._serial = itertools.count()
        self._rows = Places()
        self._limits: list[tuple[int, Places]] = []
        self.row_seconds = 0.0
        """Mean time of a row without its waiting for a place; 0 before the first one."""

    def limit(self, calls: int) -> Places:
        """Return the limit for a model that may have so many calls in flight over all nodes."""
        places = Places()
        self._limits.append((calls, places))
        return places

    @asynccontextmanager
    async def joined(self, calls: int) -> AsyncGenerator[Share]:
        """Add a share of the rows in flight.

        At the end, waits until the others use no more than their own shares: only then may another
        node use this one. A share that stays is waited for by the last of the others.
        """
        share = Share(calls)
        self._shares.append(share)
        self._resize()
        try:
            yield share
        finally:
            self._shares.remove(share)
            if share.stays and self._shares:
                self._left.append(share)
            elif not self._shares:
                self._left.clear()
            self._resize()
        await self._rows.settled()
        for _, places in self._limits:
            await places.settled()

    def next_order(self) -> int:
        """Return the order of a shard that begins now: the first one has the first claim."""
        return next(self._serial)

    def _resize(self) -> None:
        """Give places for all shares that this process has."""
        shares = [share.calls for share in (*self._shares, *self._left)]
        self._rows.resize(sum(shares))
        for calls, places in self._limits:
            places.resize(sum(self._part(calls, share) for share in shares))

    @property
    def is_idle(self) -> bool:
        """Whether this process has no share."""
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


class RowsLeft:
    """The rows of a shard that are not begun yet."""

    def __init__(self) -> None:
        self.are_few = anyio.Event()
        """Set once so few rows are left, or the shard has ended, that the next one is opened."""
        self._count = 0
        self._few = 0

    def expect(self, count: int, few: int) -> None:
        """Take the number of rows, and how many of them are few."""
        self._count, self._few = count, few
        self.begin(0)

    def begin(self, count: int) -> None:
        """Take note that some rows are begun."""
        self._count -= count
        if self._count <= self._few:
            self.are_few.set()


class LaneEvaluator:
    """Evaluates the rows of one shard, as many at once as the lanes let it."""

    def __init__(self, evaluator: Evaluator, lanes: Lanes, share: int, left: RowsLeft) -> None:
        """Begin no row yet.

        Args:
            evaluator: evaluates each row.
            lanes: the shares of the evaluation in this process.
            share: the calls of the shard's own share.
            left: the rows of the shard.
        """
        self._evaluator = evaluator
        self._lanes = lanes
        self._order = lanes.next_order()
        self._left = left
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
            self._left.begin(len(rows))
            return await self._evaluator.outcomes(rows)
        await self._lanes.enter(self._order)
        started = time.monotonic()
        self._left.begin(len(rows))
        try:
            if self._is_stopped:
                raise StoppingError
            return await self._evaluator.outcomes(rows)
        finally:
            self._lanes.leave(time.monotonic() - started)
