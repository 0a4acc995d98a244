"""Opens Nugen's service."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta

import httpx2

from evals_mcp.principals import Principal
from evals_mcp.providers.nugen.generations import DetectedGeneration
from evals_mcp.providers.nugen.provider import NugenProvider
from evals_mcp.providers.nugen.service import NUGEN, NugenSettings
from evals_mcp.providers.protocol import Member, Provider
from evals_mcp.providers.rest.client import RestClient
from evals_mcp.providers.rest.keyed import keyed_service, now
from evals_mcp.settings.schema import Settings


@asynccontextmanager
async def open_nugen(settings: Settings) -> AsyncGenerator[Member]:
    """Open the HTTP client; yield the provider of each principal that has a key."""
    section = settings.section(NugenSettings)
    generation = DetectedGeneration(section.generation)

    def member(principal: Principal) -> Provider | None:
        service = keyed_service(NUGEN, section, section.base_url, principal, settings.services)
        if service is None:
            return None
        return NugenProvider(
            NUGEN.name,
            RestClient(client, service),
            NUGEN.capabilities,
            generation=generation,
            deadline=timedelta(hours=section.deadline_hours),
            clock=now,
        )

    async with httpx2.AsyncClient() as client:
        yield member
