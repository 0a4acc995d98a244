"""The composition root: from settings to the provider that a server works with.

It brings the HTTP client along, so it is imported by the first call that needs a provider; the
engine comes only with the provider that embeds it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import httpx2
from pydantic import SecretStr

from evals_mcp.errors import InvalidRequestError, NoTokenError, SettingsError
from evals_mcp.local_engine.configuration import engine_config
from evals_mcp.local_engine.in_process import InProcessTransport
from evals_mcp.planning.inputs.context import Render, RenderError
from evals_mcp.principals import Principal
from evals_mcp.providers.nugen.generations import DetectedGeneration
from evals_mcp.providers.nugen.provider import NugenProvider
from evals_mcp.providers.protocol import Provider
from evals_mcp.providers.rest.client import RestClient
from evals_mcp.providers.rest.service import Service
from evals_mcp.providers.several.ids import OwnIds, PrefixedIds, ShapedIds
from evals_mcp.providers.several.provider import SeveralProviders
from evals_mcp.providers.together import TogetherProvider
from evals_mcp.settings.schema import ProviderName, Settings
from evals_mcp.settings.types import TokenSource

_IN_PROCESS = "http://engine"
"""Where the embedded engine is reached; nothing resolves the name."""


ProviderOf = Callable[[Principal], Provider]
"""The provider as one principal may use it: cheap to make, and kept with nobody's key."""

_Member = Callable[[Principal], Provider | None]
"""One service's provider for a principal; None where it has no key for the service."""


@asynccontextmanager
async def open_providers(
    settings: Settings, names: Sequence[ProviderName] | None = None
) -> AsyncGenerator[ProviderOf]:
    """The configured services, while the context is open.

    A principal gets the provider of the one service that it has a key for, or one that stands for
    all of those.

    Args:
        settings: The configuration.
        names: Other services than the configured ones, where principals bring the keys.

    Raises (on entering):
        NoTokenError: a service needs a token of the configuration and there is none.
        SettingsError: the engine's data folder cannot be used.
    """
    async with AsyncExitStack() as stack:
        members = [
            await stack.enter_async_context(_OPEN[name](settings))
            for name in names or settings.providers
        ]
        own: Provider | None = None

        def provider_of(principal: Principal) -> Provider:
            nonlocal own
            if principal.keys is not None:
                return _provider_of(members, principal)
            own = own or _provider_of(members, principal)
            return own

        yield provider_of


def _provider_of(members: Sequence[_Member], principal: Principal) -> Provider:
    found = [provider for of in members if (provider := of(principal)) is not None]
    if not found:
        raise NoTokenError(
            "No key for a service is configured for you: whoever runs this server adds one under "
            "[oauth.subjects]."
        )
    ids = OwnIds(found[0]) if len(found) == 1 else PrefixedIds(found)
    lacking = None if principal.keys is None else principal.lacking.get
    return SeveralProviders(" and ".join(one.name for one in found), ids, lacking)


@asynccontextmanager
async def _local(settings: Settings) -> AsyncGenerator[_Member]:
    """The embedded engine, reached by REST like any other service, over both of its contracts."""
    from evals_engine.app import create_app  # noqa: PLC0415 - not for other providers
    from evals_engine.store.database import DataDirError  # noqa: PLC0415 - not for other providers

    app = create_app(engine_config(settings))
    try:
        # The runs live in the lifespan, which no transport enters.
        async with (
            app.router.lifespan_context(app),
            httpx2.AsyncClient(transport=InProcessTransport(app)) as client,
        ):
            yield partial(_embedded, client, str(settings.local.data_dir))
    except DataDirError as error:
        raise SettingsError(str(error)) from None


def _embedded(client: httpx2.AsyncClient, place: str, principal: Principal) -> Provider:
    """Both contracts of the engine, for what belongs to this principal."""
    judged, benchmarks = (
        Service(
            "local", base_url, None, "local.data_dir", "engine.token", place, owner=principal.id
        )
        for base_url in (f"{_IN_PROCESS}/v1", _IN_PROCESS)
    )
    contracts = ShapedIds(
        _judging(client, judged, embedded=True),
        NugenProvider(
            "local",
            RestClient(client, benchmarks),
            generation=1,
            deadline=None,
            embedded=True,
            clock=_now,
        ),
    )
    return SeveralProviders("local", contracts)


@asynccontextmanager
async def _together(settings: Settings) -> AsyncGenerator[_Member]:
    configured = settings.together

    def member(principal: Principal) -> Provider | None:
        variable = configured.token_env or "TOGETHER_API_KEY"
        key = _key("together", configured, variable, principal)
        if key is None:
            return None
        service = _remote("together", configured.base_url, key, variable, principal)
        return _judging(client, service, embedded=False)

    async with httpx2.AsyncClient() as client:
        yield member


@asynccontextmanager
async def _nugen(settings: Settings) -> AsyncGenerator[_Member]:
    configured, found = settings.nugen, DetectedGeneration(settings.nugen.generation)

    def member(principal: Principal) -> Provider | None:
        variable = configured.token_env or "NUGEN_API_KEY"
        key = _key("nugen", configured, variable, principal)
        if key is None:
            return None
        service = _remote("nugen", configured.base_url, key, variable, principal)
        return NugenProvider(
            "nugen",
            RestClient(client, service),
            generation=found,
            deadline=timedelta(hours=configured.deadline_hours),
            embedded=False,
            clock=_now,
        )

    async with httpx2.AsyncClient() as client:
        yield member


_OPEN: Mapping[ProviderName, Callable[[Settings], AbstractAsyncContextManager[_Member]]] = {
    "local": _local,
    "together": _together,
    "nugen": _nugen,
}


def _key(
    name: ProviderName, configured: TokenSource, variable: str, principal: Principal
) -> SecretStr | None:
    """The principal's key; the configured token where it is this machine's user.

    Raises:
        NoTokenError: none is configured.
    """
    if principal.keys is not None:
        return principal.keys.get(name)
    if configured.token is None:
        raise NoTokenError(_no_token(name, variable))
    return configured.token


def _remote(
    name: ProviderName, base_url: str, key: SecretStr, variable: str, principal: Principal
) -> Service:
    return Service(
        name,
        base_url,
        key,
        f"{name}.base_url",
        f"{name}.token, {name}.token_file or the environment variable {variable}",
        owner=None if principal.keys is None else principal.id,
        remedy=principal.remedy,
    )


def _judging(client: httpx2.AsyncClient, service: Service, *, embedded: bool) -> Provider:
    return TogetherProvider(
        service.name,
        RestClient(client, service),
        reports_progress=embedded,
        can_cancel=embedded,
        takes_keys=embedded,
        clock=_now,
    )


def _now() -> datetime:
    return datetime.now(UTC)


def _no_token(name: ProviderName, variable: str) -> str:
    return (
        f"The provider {name} has no token. Whoever runs this server sets "
        f"{variable} in its environment "
        f"(another name: token_env under [{name}] in the configuration), or writes "
        'provider = "local" under [server]: evaluations then run on this machine, with rule judges '
        "and no account. Until then every call answers this."
    )


def compile_template(source: str, field: str) -> Render:
    """Renders a template before the start exactly as the embedded engine will.

    Raises:
        InvalidRequestError: it is no template that the engine takes.
    """
    from evals_engine.faults import RequestError  # noqa: PLC0415 - not before a template is there
    from evals_engine.templates.template import Template  # noqa: PLC0415 - brings Jinja2 along

    try:
        template = Template(source, field)
    except RequestError as error:
        raise InvalidRequestError(str(error)) from None

    def render(row: Mapping[str, Any]) -> str:
        try:
            return template.render(row)
        except RequestError as error:
            raise RenderError(str(error)) from None

    return render
