"""The composition root: from settings to the provider that a server works with.

It brings the HTTP client along, so it is imported by the first call that needs a provider; the
engine comes only with the provider that embeds it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime

import httpx2

from evals_engine.config import EngineConfig, ModelEndpoint
from evals_mcp.errors import NoTokenError, SettingsError
from evals_mcp.in_process import InProcessTransport
from evals_mcp.providers.http import RestClient
from evals_mcp.providers.protocol import Provider
from evals_mcp.providers.service import Service
from evals_mcp.providers.together import TogetherProvider
from evals_mcp.settings_schema import ModelEndpointSettings, NamedEndpointSettings, Settings

_IN_PROCESS = "http://engine/v1"
"""Where the embedded engine is reached; nothing resolves the name."""


def open_provider(settings: Settings) -> AbstractAsyncContextManager[Provider]:
    """The configured provider, for as long as the context is open.

    Raises (on entering):
        NoTokenError: the service needs a token and there is none.
        SettingsError: the engine's data folder cannot be used.
    """
    return {"local": _local, "together": _together}[settings.providers[0]](settings)


@asynccontextmanager
async def _local(settings: Settings) -> AsyncGenerator[Provider]:
    """The embedded engine, reached by REST like any other service."""
    from evals_engine.app import create_app  # noqa: PLC0415 - not for other providers
    from evals_engine.database import DataDirError  # noqa: PLC0415 - not for other providers

    app = create_app(engine_config(settings))
    place = str(settings.local.data_dir)
    service = Service("local", _IN_PROCESS, None, "local.data_dir", "engine.token", place)
    try:
        # The runs live in the lifespan, which no transport enters.
        async with (
            app.router.lifespan_context(app),
            httpx2.AsyncClient(transport=InProcessTransport(app)) as client,
        ):
            yield _provider(client, service, embedded=True)
    except DataDirError as error:
        raise SettingsError(str(error)) from None


@asynccontextmanager
async def _together(settings: Settings) -> AsyncGenerator[Provider]:
    if (token := settings.together.token) is None:
        raise NoTokenError(_no_token(settings))
    service = Service(
        "together",
        settings.together.base_url,
        token,
        base_url_setting="together.base_url",
        token_setting=f"the environment variable {_token_variable(settings)}",
    )
    async with httpx2.AsyncClient() as client:
        yield _provider(client, service, embedded=False)


def _provider(client: httpx2.AsyncClient, service: Service, *, embedded: bool) -> Provider:
    return TogetherProvider(
        service.name,
        RestClient(client, service),
        reports_progress=embedded,
        can_cancel=embedded,
        clock=lambda: datetime.now(UTC),
    )


def _token_variable(settings: Settings) -> str:
    return settings.together.token_env or "TOGETHER_API_KEY"


def _no_token(settings: Settings) -> str:
    return (
        "The provider together has no token. Whoever runs this server sets "
        f"{_token_variable(settings)} in its environment "
        "(another name: token_env under [together] in the configuration), or writes "
        'provider = "local" under [server]: evaluations then run on this machine, with rule judges '
        "and no account. Until then every call answers this."
    )


def engine_config(settings: Settings, *, as_service: bool = False) -> EngineConfig:
    """What the engine is told; only as a service of its own does it ask for a token."""
    local = settings.local
    return EngineConfig(
        data_dir=local.data_dir,
        serverless=_endpoint(local.models),
        dedicated=dict(_endpoints(local.dedicated)),
        external=tuple(endpoint for _, endpoint in _endpoints(settings.credentials)),
        token=settings.engine.token if as_service else None,
        lease_seconds=local.lease_seconds,
    )


def _endpoints(
    named: Mapping[str, NamedEndpointSettings],
) -> Iterator[tuple[str, ModelEndpoint]]:
    for name, endpoint in named.items():
        yield name, ModelEndpoint(endpoint.base_url, endpoint.token)


def _endpoint(models: ModelEndpointSettings) -> ModelEndpoint | None:
    return ModelEndpoint(models.base_url, models.token) if models.base_url else None
