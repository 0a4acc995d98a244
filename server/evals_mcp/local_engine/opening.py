"""Opens the engine: the embedded one, or a served one that the settings name."""

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
from evals_mcp.local_engine.contracts import both_contracts, both_services
from evals_mcp.local_engine.in_process import InProcessTransport
from evals_mcp.local_engine.served import open_served
from evals_mcp.local_engine.service import LOCAL, LocalSettings
from evals_mcp.local_engine.shared_database import require_packages
from evals_mcp.principals import Principal
from evals_mcp.providers.protocol import Member, Provider
from evals_mcp.providers.rest.service import Service
from evals_mcp.service_spec import Capabilities
from evals_mcp.settings.schema import Settings

_BASE_URL = "http://engine"
"""The address of the embedded engine; nothing resolves this host name."""


def open_local(settings: Settings) -> AbstractAsyncContextManager[Member]:
    """Start the engine; yield the provider of each principal, over both of its REST contracts.

    With `local.url`, nothing is started: the engine there is used.

    Raises (on entering):
        SettingsError: the engine's data folder or its database cannot be used, or the token for
            the engine at `local.url` is missing.
    """
    if settings.section(LocalSettings).url is not None:
        return open_served(settings)
    return _open(settings, engine_config(settings))


def open_local_idle(settings: Settings) -> AbstractAsyncContextManager[Member]:
    """Open the engine as `open_local` does, without claiming evaluations.

    Those that wait or run are left to other processes, which a request to stop one still reaches.
    """
    if settings.section(LocalSettings).url is not None:
        return open_served(settings)
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
    settings = ("local.data_dir", "engine.token", engine_id)
    services = both_services(
        lambda base_url: Service(LOCAL.name, base_url, None, *settings, owner=principal.id),
        _BASE_URL,
    )
    return both_contracts(client, services, capabilities)
