"""What a tool works with: the provider, the settings, the time and a way to report progress."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

import anyio

from evals_mcp.providers.protocol import Provider
from evals_mcp.settings_schema import Settings


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Clock:
    """The time, and a way to let it pass; a test brings its own."""

    now: Callable[[], datetime] = _utc_now
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = anyio.sleep


class ReportProgress(Protocol):
    """Tells the client how far a call is; nothing happens when it did not ask."""

    async def __call__(
        self, progress: float, total: float | None = None, message: str | None = None
    ) -> None:
        """Progress only ever grows within one call."""
        ...


@dataclass(frozen=True)
class ToolSession:
    """One tool call's collaborators."""

    provider: Provider
    settings: Settings
    report_progress: ReportProgress
    clock: Clock = field(default_factory=Clock)

    def seconds_since(self, start: datetime | None, end: datetime | None = None) -> float | None:
        """Seconds from `start` to `end`, by default until now; None without a start."""
        if start is None:
            return None
        until = end or self.clock.now()
        return round(max(0.0, (_aware(until) - _aware(start)).total_seconds()), 1)


def _aware(moment: datetime) -> datetime:
    """A time without a zone is UTC: that is how the services write them."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
