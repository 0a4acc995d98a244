"""The engine as a separate service: one process, one port, stopped by a signal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from evals_engine.app import create_app
from evals_engine.config import EngineConfig
from evals_engine.store.database import DataDirError
from evals_engine.store.store import Store
from evals_mcp.errors import SettingsError
from evals_mcp.listener import Listener
from evals_mcp.local_engine.configuration import engine_config
from evals_mcp.local_engine.shared_database import opened_membership
from evals_mcp.settings.schema import Settings
from evals_mcp.settings.types import is_loopback

_GRACE = 5
"""Seconds that running requests may take to end when the service stops."""


class EngineService:
    """A service that listens from its creation on and answers while `run` is active."""

    def __init__(
        self, settings: Settings, host: str, port: int | None, *, runs: bool = True
    ) -> None:
        """Bind the port.

        Args:
            settings: Those of the engine.
            host: The address to listen at.
            port: The port; None for the configured one.
            runs: Whether this process runs evaluations; if not, others must.

        Raises:
            SettingsError: The engine would be open to the network without a token, or the data
                folder cannot be used.
            OSError: The server cannot listen at this address.
        """
        config = replace(engine_config(settings, as_service=True), runs_evaluations=runs)
        has_token = config.token or config.tokens or config.server_token
        if not has_token and not is_loopback(host):
            raise SettingsError(
                "engine.host can be reached from other machines, and the engine has no token: set "
                f"the variable {settings.engine.token_env or 'named in engine.token_env'}, add "
                "[engine.owners.NAME], or listen on 127.0.0.1"
            )
        self.damaged_copy = _checked_store(config)
        """New path of a database that was found damaged at this start; None if it was sound."""
        try:
            self._app = create_app(config)
        except ValueError as error:
            raise SettingsError(
                f"engine.token, engine.server, engine.metrics and engine.owners: {error}"
            ) from None
        self._listener = Listener(host, settings.engine.port if port is None else port)
        self.url = f"{self._listener.base_url}/v1"

    def run(self, announce: Callable[[str], None]) -> None:
        """Serve until SIGINT or SIGTERM; call `announce` with the URL once the engine answers.

        Raises:
            SettingsError: The engine did not start, although the data folder was usable before.
        """
        self._listener.run(self._app, lambda: announce(self.url), _GRACE)


def _checked_store(config: EngineConfig) -> Path | None:
    """Open and close what the engine stores in; return the new path of a damaged database."""
    if config.database_url is not None:
        opened_membership(config).store.close()
        return None
    try:
        store = Store(config.data_dir)
        store.close()
    except DataDirError as error:
        raise SettingsError(str(error)) from None
    return store.damaged_copy
