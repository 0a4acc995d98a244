"""A node without a port: it takes its work from the database and serves nobody."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import anyio

from evals_mcp.errors import SettingsError
from evals_mcp.local_engine.configuration import engine_config
from evals_mcp.local_engine.shared_database import opened_membership
from evals_mcp.settings.schema import Settings


class WorkerService:
    """A node, which works while `run` is active."""

    def __init__(self, settings: Settings) -> None:
        """Open the database.

        Raises:
            SettingsError: There is no database, it cannot be used, or the extra is missing.
        """
        self._config = engine_config(settings, as_service=True)
        if self._config.database_url is None:
            raise SettingsError(
                "a worker takes its work from a database: set local.database_url to the one that "
                "`evals-mcp engine` uses, or run `evals-mcp engine`, which needs none"
            )
        self._membership = opened_membership(self._config)

    def run(self, announce: Callable[[], None]) -> None:
        """Work until SIGINT or SIGTERM; call `announce` once tickets are taken."""
        options: dict[str, Any] = {}
        if sys.platform == "win32":  # psycopg needs this loop there
            options["loop_factory"] = asyncio.SelectorEventLoop
        try:
            with suppress(KeyboardInterrupt):
                anyio.run(self._run, announce, backend_options=options)
        finally:
            self._membership.store.close()

    async def _run(self, announce: Callable[[], None]) -> None:
        from evals_engine.node_runs.membership import work  # noqa: PLC0415 - needs the extra

        await work(self._membership, self._config, announce, _signalled)


async def _signalled() -> None:
    if sys.platform == "win32":
        await anyio.sleep_forever()  # asyncio itself cancels at Ctrl-C
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for _ in signals:
            return
