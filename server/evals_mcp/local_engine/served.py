"""Opens an engine that is served elsewhere: each principal of this server is an owner there."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx2

from evals_mcp.errors import SettingsError
from evals_mcp.local_engine.contracts import both_contracts, both_services
from evals_mcp.local_engine.service import LOCAL, LocalSettings
from evals_mcp.principals import Principal
from evals_mcp.providers.protocol import Member, Provider
from evals_mcp.providers.rest.service import Service
from evals_mcp.settings.schema import Settings

_NEEDED = "local.token (the token of [engine.server] at that engine, which alone may name owners)"


@asynccontextmanager
async def open_served(settings: Settings) -> AsyncGenerator[Member]:
    """Open the HTTP client; yield the provider of each principal. The engine is not asked yet.

    Raises (on entering):
        SettingsError: there is no token for the engine.
    """
    section = settings.section(LocalSettings)
    assert section.url is not None
    root = section.url.removesuffix("/v1")
    if section.token is None:
        variable = section.token_env or "EVALS_MCP_LOCAL__TOKEN"
        raise SettingsError(
            f"local.url needs {_NEEDED}, so that every user has evaluations of their own: "
            f"set the variable {variable}, then restart this server"
        )

    def member(principal: Principal) -> Provider:
        def service_at(base_url: str) -> Service:
            return Service(
                LOCAL.name,
                base_url,
                section.token,
                "local.url",
                _NEEDED,
                owner=principal.id,
                names_owner=True,
            )

        # Endpoints and the judge of benchmarks are that engine's; it refuses what it lacks.
        return both_contracts(client, both_services(service_at, root), LOCAL.capabilities)

    async with httpx2.AsyncClient() as client:
        yield member
