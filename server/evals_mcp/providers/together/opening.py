"""Opens Together's service."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx2

from evals_mcp.principals import Principal
from evals_mcp.providers.protocol import Member, Provider
from evals_mcp.providers.rest.client import RestClient
from evals_mcp.providers.rest.keyed import keyed_service, now
from evals_mcp.providers.together.provider import TogetherProvider
from evals_mcp.providers.together.service import TOGETHER, TogetherSettings
from evals_mcp.settings.schema import Settings


@asynccontextmanager
async def open_together(settings: Settings) -> AsyncGenerator[Member]:
    """Open the HTTP client; yield the provider of each principal that has a key."""
    section = settings.section(TogetherSettings)

    def member(principal: Principal) -> Provider | None:
        service = keyed_service(TOGETHER, section, section.base_url, principal, settings.services)
        if service is None:
            return None
        return TogetherProvider(
            TOGETHER.name, RestClient(client, service), TOGETHER.capabilities, clock=now
        )

    async with httpx2.AsyncClient() as client:
        yield member
