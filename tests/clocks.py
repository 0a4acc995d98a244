"""Time in tests: a clock that is moved on, and CPU time, which other programs do not use up."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Generator
from contextlib import contextmanager

CPU_SECONDS = 60.0
"""What no input may cost: far more than it takes, far less than if the work grew with a square."""


def skip_time(seconds: float) -> None:
    """Move the clock of the running event loop on, so that what is due by then happens now."""
    loop = asyncio.get_running_loop()
    before = loop.time
    vars(loop)["time"] = lambda: before() + seconds


@contextmanager
def bounded_work() -> Generator[None]:
    """Fail unless the block ends within `CPU_SECONDS` of this thread's own CPU time."""
    started = time.thread_time()
    yield
    assert time.thread_time() - started < CPU_SECONDS
