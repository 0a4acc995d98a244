"""Serves an app on a port: binds first, announces when ready, stops on a signal."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType

import anyio
import uvicorn
from starlette.types import ASGIApp

from evals_mcp.errors import SettingsError

HEADER_BYTES = 32 * 1024
"""Largest total size of a request's headers."""


class Listener:
    """Listens from its creation on, and answers while it runs."""

    def __init__(self, host: str, port: int) -> None:
        """Bind the port; 0 takes a free one.

        Raises:
            OSError: the address cannot be bound.
        """
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.create_server((host, port), family=family)
        without_delay(self._socket)
        bound = self._socket.getsockname()[1]
        self.base_url = f"http://[{host}]:{bound}" if ":" in host else f"http://{host}:{bound}"
        """The address of the server, without a path."""

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
            app: The app; its lifespan is entered and left.
            announce: Called when the app is ready.
            stop_seconds: Time in which requests in progress may finish after the signal.
            stopping: Called when the signal comes.
            drain_seconds: Time in which requests are still accepted after the signal.

        Raises:
            SettingsError: the app did not start.
        """
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="on",
            h11_max_incomplete_event_size=HEADER_BYTES,
            timeout_graceful_shutdown=round(stop_seconds),
        )
        with self._socket:
            _Announcing(config, announce, stopping, drain_seconds).run(sockets=[self._socket])


def without_delay(listening: socket.socket) -> None:
    """Disable Nagle's algorithm for incoming connections.

    Otherwise the end of an answer waits for the acknowledgement of its beginning, 40 ms for each
    call. The event loop disables the algorithm only for sockets that it creates itself.
    """
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


class _Announcing(uvicorn.Server):
    """Announces when it is ready, and does not raise the signal again that stopped it."""

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
        """Start, then announce."""
        try:
            await super().startup(sockets)
        except SystemExit:
            raise SettingsError(
                "the service did not start; see the messages before this one"
            ) from None
        if not self.should_exit:
            self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Report the stop, wait while requests drain, then stop."""
        self._stopping()
        await anyio.sleep(self._drain_seconds)
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Stop gracefully on a signal; the exit code is then 0.

        The handler is a plain function: where it is a method of the server, the library that
        streams answers finds the server behind it and breaks off every stream at the signal.
        """

        def leave(number: int, _: FrameType | None) -> None:
            self.force_exit = self.should_exit and number == signal.SIGINT
            self.should_exit = True

        handled = (signal.SIGINT, signal.SIGTERM)
        before = {number: signal.signal(number, leave) for number in handled}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
