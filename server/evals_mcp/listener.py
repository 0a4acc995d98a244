"""An app on a port: bound before anything starts, announced once it answers, ended by a signal."""

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
"""The longest headers of a request, all together."""


class Listener:
    """Listens from its creation on, and answers while it runs."""

    def __init__(self, host: str, port: int) -> None:
        """Bind the port; 0 takes a free one.

        Raises:
            OSError: there is no listening at that address.
        """
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.create_server((host, port), family=family)
        without_delay(self._socket)
        bound = self._socket.getsockname()[1]
        self.base_url = f"http://[{host}]:{bound}" if ":" in host else f"http://{host}:{bound}"
        """Where it is reached, without a path."""

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
            app: What answers; its lifespan is entered and left.
            announce: Called once it answers.
            stop_seconds: What requests in flight get to finish after the signal.
            stopping: Called when the signal comes.
            drain_seconds: How long requests are still taken after it.

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
    """Have every connection that comes in send at once.

    Otherwise the end of an answer waits for the acknowledgement of its beginning: 40 ms a call. The
    event loop sees to that by itself only for sockets that it has made.
    """
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


class _Announcing(uvicorn.Server):
    """Says when it is ready, and ends without raising the signal that ended it once more."""

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
        """Start, then tell."""
        try:
            await super().startup(sockets)
        except SystemExit:
            raise SettingsError(
                "the service did not start; the messages before this one say why"
            ) from None
        if not self.should_exit:
            self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Tell, wait until nobody sends requests here any more, then stop."""
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
