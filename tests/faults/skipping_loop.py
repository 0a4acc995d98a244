"""An event loop whose clock skips the time in which all requests only wait."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager, nullcontext
from typing import Any, TypeVar
from unittest import mock

import anyio

from evals_engine.compute import pool

SKIP = 50.0
"""Seconds that are skipped at a time."""
LONGEST_SILENCE = 60.0
"""Seconds of silence after which the suite gives up: one skip is shorter, two are longer."""
CALL_SECONDS = 500.0
"""Seconds after which the suite gives up a call: longer than four silences and their skips."""
HANG_GUARD = 1e6
"""Seconds on the skipping clock after which a case counts as hanging."""

_PASSES = 25
"""Rounds of the loop in which both ends of a connection see everything that was sent."""

_DELIVERY_SECONDS = 0.03
"""Seconds in which the system delivers a connection between two ends on this machine."""

_T = TypeVar("_T")


class SkippingLoop(asyncio.SelectorEventLoop):
    """An event loop whose time is the real time plus the skipped seconds.

    A timeout of a minute therefore takes less time, and a slow machine does not end a test.
    """

    exchanges = 0
    """Requests that a fault proxy is treating."""
    begun = 0
    """Counted blocks and connections that have begun so far, ended ones included."""
    silent = 0
    """Requests among them whose proxy only waits for time to pass."""
    skipped = 0.0
    """Seconds that were skipped."""

    def time(self) -> float:
        return super().time() + self.skipped

    def is_silent(self, begun: int) -> bool:
        """Return whether all requests only wait, and none is on its way.

        Args:
            begun: the blocks and connections that had begun a few rounds ago.
        """
        return bool(self.silent) and self.silent == self.exchanges and self.begun == begun

    async def sock_connect(self, sock: socket.socket, address: Any) -> None:
        """Connect, and count it: until the proxy accepts the connection, nobody else knows."""
        self.begun += 1
        await super().sock_connect(sock, address)


@contextmanager
def counted(name: str) -> Generator[None]:
    """Count the block in `SkippingLoop.exchanges` or `SkippingLoop.silent`, whichever is named."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, SkippingLoop)
    setattr(loop, name, getattr(loop, name) + 1)
    loop.begun += 1
    try:
        yield
    finally:
        setattr(loop, name, getattr(loop, name) - 1)


@asynccontextmanager
async def skipping() -> AsyncGenerator[None]:
    """Skip time whenever all exchanges are silent, as long as the context is open."""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_skip_silences)
        yield
        tasks.cancel_scope.cancel()


async def _skip_silences() -> None:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, SkippingLoop)
    quiet = begun = 0
    while True:
        # Both ends are in this loop: after a few rounds whatever was sent has been read.
        await (asyncio.sleep(0) if quiet else asyncio.sleep(0.002))
        quiet = quiet + 1 if loop.is_silent(begun) else 0
        if quiet == _PASSES:
            # A busy system delivers a connection of this machine late.
            await asyncio.sleep(_DELIVERY_SECONDS)
            if loop.is_silent(begun):
                loop.skipped += SKIP
            quiet = 0
        if not quiet:
            begun = loop.begun


def run_skipping(function: Callable[..., Awaitable[_T]], *arguments: Any) -> _T:
    """Run an asynchronous function to its end on a `SkippingLoop`.

    Worker processes work in real time, so their deadlines do not hold here; their limits of
    processor time do.
    """
    with mock.patch.object(pool, "_deadline", return_value=nullcontext()):
        return anyio.run(function, *arguments, backend_options={"loop_factory": SkippingLoop})
