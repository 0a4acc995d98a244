"""The rate of calls to each model endpoint, held over all nodes by one record an endpoint.

An endpoint with a limit of requests a minute gives out its calls in blocks, about a second's worth
each, so that the record is changed a few times a second however many calls there are. A
`Retry-After` is stored there too, and every node obeys it as soon as it reads the record: with its
next block, or within a second.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import anyio
from anyio import to_thread

from evals_engine.config import ModelEndpoint
from evals_engine.nodes.database import Database
from evals_engine.store.errors import StorageError

READ_SECONDS = 1.0
"""Seconds after which a process asks again whether an endpoint wants a pause."""

BLOCK_SECONDS = 1.0
"""Seconds that a block of calls lasts, about, at the whole rate of the endpoint."""

LONGEST_PAUSE = 60.0
"""Seconds for which a `Retry-After` stops all nodes at most; each retry obeys it as a whole."""


@dataclass
class _Budget:
    """What this process knows of an endpoint."""

    calls: int = 0
    """Calls of the current block that are left."""
    asked_at: float = -math.inf
    paused_until: float = 0.0
    """Both in seconds of the event loop's clock."""
    asking: anyio.Lock = field(default_factory=lambda: anyio.Lock(fast_acquire=True))


class EndpointBudgets:
    """Waits before each call until all nodes together may make one more."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._budgets: dict[str, _Budget] = {}

    @property
    def note(self) -> str | None:
        """Why calls wait; None while none does."""
        now = anyio.current_time()
        paused = [each.paused_until - now for each in self._budgets.values()]
        seconds = max(paused, default=0.0)
        if seconds <= 0:
            return None
        return f"A model endpoint has asked for a pause; calls go on in {seconds:.0f} s."

    async def admit(self, endpoint: ModelEndpoint) -> None:
        """Return when a call may be made; at once if the database does not answer."""
        budget = self._budgets.setdefault(endpoint.base_url, _Budget())
        limit = endpoint.requests_per_minute
        while True:
            now = anyio.current_time()
            if limit is None and budget.paused_until <= now <= budget.asked_at + READ_SECONDS:
                return
            async with budget.asking:
                now = anyio.current_time()
                is_due = now - budget.asked_at > READ_SECONDS
                wait = budget.paused_until - now
                if wait <= 0 and (is_due if limit is None else budget.calls < 1):
                    wait = await self._ask(endpoint, budget)
                if wait <= 0:
                    budget.calls -= 1
                    return
            await anyio.sleep(min(wait, READ_SECONDS))

    async def pause(self, endpoint: ModelEndpoint, seconds: float) -> None:
        """Let no node call an endpoint for some seconds, as its `Retry-After` says."""
        seconds = min(seconds, LONGEST_PAUSE)
        budget = self._budgets.setdefault(endpoint.base_url, _Budget())
        until = anyio.current_time() + seconds
        if until <= budget.paused_until + READ_SECONDS:
            return
        budget.paused_until = max(budget.paused_until, until)
        values = {"endpoint": endpoint.base_url, "seconds": seconds}
        try:
            await to_thread.run_sync(self._database.read, "pause_endpoint", values)
        except StorageError:
            return  # this process pauses all the same

    async def _ask(self, endpoint: ModelEndpoint, budget: _Budget) -> float:
        """Ask for a block of calls; return the seconds to wait, 0 for none."""
        per_second = (endpoint.requests_per_minute or 0) / 60
        values = {
            "endpoint": endpoint.base_url,
            "per_second": per_second,
            "block": max(1, math.floor(per_second * BLOCK_SECONDS)),
        }
        name = "take_calls" if per_second else "endpoint_pause"
        try:
            records = await to_thread.run_sync(self._database.read, name, values)
            if not records:
                await to_thread.run_sync(self._database.read, "open_endpoint", values)
                records = await to_thread.run_sync(self._database.read, name, values)
        except StorageError:
            # Some calls are made without having been counted, rather than none.
            budget.calls = max(budget.calls, 1)
            budget.asked_at = anyio.current_time()
            return 0.0
        budget.asked_at = anyio.current_time()
        answer: Mapping[str, float] = records[0] if records else {"calls": 0, "wait": 0.0}
        budget.calls = int(answer["calls"])
        wait = float(answer["wait"])
        budget.paused_until = max(budget.paused_until, budget.asked_at + wait)
        if per_second and not budget.calls and wait <= 0:
            return 1 / per_second if per_second < 1 else READ_SECONDS / 4
        return wait
