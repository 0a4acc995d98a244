"""A session of the user of this machine over a provider of the test's."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from evals_mcp.commands.session import local_session
from evals_mcp.lifetime import open_services
from evals_mcp.providers.protocol import Provider
from evals_mcp.tools.calls.session import Clock, ToolSession
from tests.server.serving import everyones, settings


@asynccontextmanager
async def session_of(
    provider: Provider, folder: Path, clock: Clock | None = None, **sections: Any
) -> AsyncGenerator[ToolSession]:
    """Open a session with the settings of a folder."""
    configured = settings(folder, **sections)
    async with open_services(configured, everyones(provider), clock) as services:
        yield await local_session(services)
