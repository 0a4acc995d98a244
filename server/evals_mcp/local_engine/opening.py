"""Opens the embedded engine."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from functools import partial

import httpx2
from anyio import to_thread

from evals_engine.app import create_app
from evals_engine.config import EngineConfig
from evals_engine.http.engine import Engine
from evals_engine.store.errors import StoreUnusableError
from evals_mcp.errors import SettingsError
from evals_mcp.local_engine.configuration import engine_config
from evals_mcp.local_engine.in_process import InProcessTransport
from evals_mcp.local_engine.service import LOCAL, LocalSettings
from evals_mcp.local_engine.shared_database import require_packages
from evals_mcp.principals import Principal
from evals_mcp.providers.nugen.provider import NugenProvider
from evals_mcp.providers.protocol import Member, Provider
from evals_mcp.providers.rest.client import RestClient
from evals_mcp.providers.rest.keyed import now
from evals_mcp.providers.rest.service import Service
from evals_mcp.providers.several.ids import ShapedIds
from evals_mcp.providers.several.provider import SeveralProviders
from evals_mcp.providers.together.provider import TogetherProvider
from evals_mcp.service_spec import Capabilities
from evals_mcp.settings.schema import Settings

_BASE_URL = "http://engine"
"""The address of the embedded engine; nothing resolves this host name."""


def open_local(settings: Settings) -> AbstractAsyncContextManager[Member]:
    """Start the engine; yield the provider of each principal, over both of its REST contracts.

    Raises (on entering):
        SettingsError: the engine's data folder or its database cannot be used.
    """
    return _open(settings, engine_config(settings))


def open_local_idle(settings: Settings) -> AbstractAsyncContextManager[Member]:
    """Open the engine as `open_local` does, without claiming evaluations.

    Those that wait or run are left to other processes, which a request to stop one still reaches.
    """
    return _open(settings, replace(engine_config(settings), runs_evaluations=False))


@asynccontextmanager
async def _open(settings: Settings, config: EngineConfig) -> AsyncGenerator[Member]:
    section = settings.section(LocalSettings)
    require_packages(config.database_url)
    app = create_app(config)
    try:
        # The runs live in the lifespan, which no transport enters.
        async with (
            app.router.lifespan_context(app),
            httpx2.AsyncClient(transport=InProcessTransport(app)) as client,
        ):
            engine: Engine = app.state.engine
            engine_id = await to_thread.run_sync(lambda: engine.store.engine_id)
            yield partial(_provider, client, engine_id, _capabilities(section))
    except StoreUnusableError as error:
        raise SettingsError(str(error)) from None


def _capabilities(section: LocalSettings) -> Capabilities:
    """Return what the engine can do with these settings."""
    return replace(
        LOCAL.capabilities,
        missing_endpoint=None if section.models.base_url else "local.models.base_url",
        benchmark_judge=section.benchmark_judge,
        dedicated_models=frozenset(section.dedicated),
    )


def _provider(
    client: httpx2.AsyncClient, engine_id: str, capabilities: Capabilities, principal: Principal
) -> Provider:
    """Return both contracts of the engine, for what belongs to this principal."""
    judged, benchmarks = (
        Service(
            LOCAL.name,
            base_url,
            None,
            "local.data_dir",
            "engine.token",
            engine_id,
            owner=principal.id,
        )
        for base_url in (f"{_BASE_URL}/v1", _BASE_URL)
    )
    contracts = ShapedIds(
        TogetherProvider(LOCAL.name, RestClient(client, judged), capabilities, clock=now),
        NugenProvider(
            LOCAL.name,
            RestClient(client, benchmarks),
            capabilities,
            generation=1,
            deadline=None,
            clock=now,
        ),
    )
    return SeveralProviders(LOCAL.name, contracts)
