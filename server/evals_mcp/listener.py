"""Serves an app on a port: binds first, announces once the app answers, stops at a signal."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType
from typing import cast

import anyio
import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from evals_mcp.errors import SettingsError

HEADER_BYTES = 32 * 1024
"""Largest size in bytes of all headers of a request."""

HEADER_SECONDS = 10.0
"""Seconds within which the headers of a request must arrive; afterwards its socket is closed."""


class Listener:
    """A bound port, which answers while `run` runs."""

    def __init__(self, host: str, port: int) -> None:
        """Bind the port; 0 takes a free one.

        Raises:
            OSError: the address cannot be listened at.
        """
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.create_server((host, port), family=family)
        without_delay(self._socket)
        bound = self._socket.getsockname()[1]
        self.base_url = f"http://[{host}]:{bound}" if ":" in host else f"http://{host}:{bound}"
        """The URL of the port, without a path."""

    def run(
        self,
        app: ASGIApp,
        announce: Callable[[], None],
        stop_seconds: float,
        stopping: Callable[[], None] = lambda: None,
        drain_seconds: float = 0,
    ) -> None:
        """Serve until SIGINT or SIGTERM.

        Args:
            app: The app, whose lifespan is entered and left.
            announce: Called once the app answers.
            stop_seconds: Seconds that requests in flight have to finish after the signal.
            stopping: Called when the signal comes.
            drain_seconds: Seconds for which requests are still accepted after the signal.

        Raises:
            SettingsError: the app did not start.
        """
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="on",
            http=HeaderDeadline,
            h11_max_incomplete_event_size=HEADER_BYTES,
            timeout_graceful_shutdown=round(stop_seconds),
        )
        with self._socket:
            _Announcing(config, announce, stopping, drain_seconds).run(sockets=[self._socket])


def without_delay(listening: socket.socket) -> None:
    """Make every accepted connection send its data at once.

    Otherwise the end of an answer waits for the acknowledgement of its beginning: 40 ms a call. The
    event loop sets this option itself only for sockets that it has created.
    """
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


class HeaderDeadline(H11Protocol):
    """A connection that is closed when a request's headers take too long to arrive.

    uvicorn closes only connections that are silent after an answer. Without this deadline, a
    request that is never completed holds its socket for as long as the client likes, and so does
    the rest of a body that arrives after its answer was sent.
    """

    header_seconds = HEADER_SECONDS
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the deadline of the first request."""
        super().connection_made(transport)
        self._set_timer()

    def data_received(self, data: bytes) -> None:
        """Read the data, then start or end the deadline."""
        super().data_received(data)
        self._set_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """End the deadline."""
        self._end_timer()
        super().connection_lost(exc)

    def _set_timer(self) -> None:
        """Run the timer while a request's headers, or the unused rest of its body, are awaited."""
        cycle = cast("RequestResponseCycle | None", self.cycle)
        answered = cycle is not None and cycle.response_complete
        if not (self.conn.their_state is h11.IDLE or answered):
            self._end_timer()
        elif self._timer is None and not self.transport.is_closing():
            self._timer = self.loop.call_later(self.header_seconds, self.transport.abort)

    def _end_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class _Announcing(uvicorn.Server):
    """A server that reports when it is ready, and that does not raise its stop signal again."""

    def __init__(
        self,
        config: uvicorn.Config,
        ready: Callable[[], None],
        stopping: Callable[[], None],
        drain_seconds: float,
    ) -> None:
        super().__init__(config)
        self._ready = ready
        self._stopping = stopping
        self._drain_seconds = drain_seconds

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then report that the server is ready."""
        try:
            await super().startup(sockets)
        except SystemExit:
            raise SettingsError(
                "the service did not start; see the messages before this one"
            ) from None
        if not self.should_exit:
            self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Report the stop, wait until no more requests are sent here, then stop."""
        self._stopping()
        await anyio.sleep(self._drain_seconds)
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Stop gracefully on a signal; the exit code is then 0.

        The handler is a plain function: if it were a method of the server, the library that
        streams answers would find the server through it and end every stream at the signal.
        """

        def stop(number: int, _: FrameType | None) -> None:
            self.force_exit = self.should_exit and number == signal.SIGINT
            self.should_exit = True

        handled = (signal.SIGINT, signal.SIGTERM)
        before = {number: signal.signal(number, stop) for number in handled}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
