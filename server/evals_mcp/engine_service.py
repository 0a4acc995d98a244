"""The engine as a service of its own: one process, one port, stopped by a signal."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable, Generator
from contextlib import contextmanager

import uvicorn

from evals_engine.app import create_app
from evals_engine.database import DataDirError
from evals_engine.store import Store
from evals_mcp.compose import engine_config
from evals_mcp.errors import SettingsError
from evals_mcp.settings_schema import Settings
from evals_mcp.settings_types import is_loopback

_GRACE = 5
"""Seconds that requests in flight get when the service stops."""


class EngineService:
    """Listens from its creation on, and answers while it runs."""

    def __init__(self, settings: Settings, host: str, port: int | None) -> None:
        """Bind the port.

        Raises:
            SettingsError: it would be open to the network without a token, or the data folder
                cannot be used.
            OSError: there is no listening at that address.
        """
        config = engine_config(settings, as_service=True)
        if config.token is None and not config.tokens and not is_loopback(host):
            raise SettingsError(
                "engine.host is not this machine alone, and the engine has no token: set the "
                f"variable {settings.engine.token_env or 'named in engine.token_env'}, add "
                "[engine.owners.NAME], or listen on 127.0.0.1"
            )
        try:
            store = Store(config.data_dir)
            store.close()
        except DataDirError as error:
            raise SettingsError(str(error)) from None
        self.set_aside = store.set_aside
        """Where a damaged database was put at this start; None when it was sound."""
        try:
            self._app = create_app(config)
        except ValueError as error:
            raise SettingsError(f"engine.owners: {error}") from None
        port = settings.engine.port if port is None else port
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listening = socket.create_server((host, port), family=family)
        bound = self._listening.getsockname()[1]
        self.url = f"http://[{host}]:{bound}/v1" if ":" in host else f"http://{host}:{bound}/v1"

    def run(self, announce: Callable[[str], None]) -> None:
        """Serve until SIGINT or SIGTERM; `announce` is told the URL once the engine answers.

        Raises:
            SettingsError: it did not start, although the data folder could be used before.
        """
        config = uvicorn.Config(
            self._app,
            log_config=None,
            access_log=False,
            lifespan="on",
            timeout_graceful_shutdown=_GRACE,
        )
        with self._listening:
            _Announcing(config, lambda: announce(self.url)).run(sockets=[self._listening])


class _Announcing(uvicorn.Server):
    """Says when it is ready, and ends without raising the signal that ended it once more."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then tell."""
        try:
            await super().startup(sockets)
        except SystemExit:
            raise SettingsError(
                "the engine did not start; the messages before this one say why"
            ) from None
        if not self.should_exit:
            self._ready()

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Stop gracefully on a signal; the exit code is then 0."""
        handled = (signal.SIGINT, signal.SIGTERM)
        before = {number: signal.signal(number, self.handle_exit) for number in handled}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
