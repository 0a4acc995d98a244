"""The composition root: from settings to the provider that a server works with.

The HTTP client is imported with this module, so the first call that needs a provider imports it;
the engine is imported only if the provider embeds it.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partial
from pkgutil import resolve_name

from evals_mcp.errors import NoTokenError, SettingsError
from evals_mcp.principals import Principal
from evals_mcp.providers.protocol import Member, Provider
from evals_mcp.providers.several.ids import ServiceIds
from evals_mcp.providers.several.provider import SeveralProviders
from evals_mcp.service_spec import ServiceSpec, advice_for_type
from evals_mcp.settings.schema import Settings

ProviderOf = Callable[[Principal], Provider]
"""Returns the provider of a principal: cheap to call, and no key of a principal is kept."""

log = logging.getLogger(__name__)

_Open = Callable[[Settings], AbstractAsyncContextManager[Member]]


@asynccontextmanager
async def open_providers(
    settings: Settings, names: Sequence[str] | None = None, *, idle: bool = False
) -> AsyncGenerator[ProviderOf]:
    """Open the configured services for as long as the context is open.

    A principal gets one provider for all services that it has a key for.

    Args:
        settings: The configuration.
        names: Other services than the configured ones, if principals bring the keys.
        idle: Whether a service inside this process only reads and stores, and runs nothing.

    Raises (on entering):
        NoTokenError: a service needs a token of the configuration and no token is set.
        SettingsError: the engine's data folder cannot be used.
    """
    async with AsyncExitStack() as stack:
        members = [
            member
            for place, name in enumerate(names or settings.providers)
            if (member := await _opened(stack, settings, name, place == 0, idle)) is not None
        ]
        configured: Provider | None = None

        def provider_of(principal: Principal) -> Provider:
            nonlocal configured
            if principal.keys is not None:
                return _provider_of(members, principal, settings.services)
            configured = configured or _provider_of(members, principal, settings.services)
            return configured

        yield provider_of


def open_idle_providers(settings: Settings) -> AbstractAsyncContextManager[ProviderOf]:
    """Open the configured services for a process that runs no evaluation; see `open_providers`."""
    return open_providers(settings, idle=True)


async def _opened(
    stack: AsyncExitStack, settings: Settings, name: str, is_default: bool, idle: bool
) -> Member | None:
    """Open a service; None if it is only offered beside the default one and cannot be opened."""
    spec = settings.service(name)
    try:
        return await stack.enter_async_context(_open_function(spec, idle)(settings))
    except SettingsError as error:
        if is_default or not spec.is_offered_beside(getattr(settings, name)):
            raise
        log.warning("%s is not offered: %s", name, error)
        return None


def _open_function(spec: ServiceSpec, idle: bool) -> _Open:
    return resolve_name((idle and spec.open_idle) or spec.open)


def _provider_of(
    members: Sequence[Member], principal: Principal, services: Sequence[ServiceSpec]
) -> Provider:
    providers = [provider for of in members if (provider := of(principal)) is not None]
    if not providers:
        raise NoTokenError(
            "No key for a service is configured for you. Ask the administrator to add one under "
            "[oauth.subjects]."
        )
    ids = ServiceIds(providers, frozenset(spec.name for spec in services))
    missing_key = None if principal.keys is None else principal.lacking.get
    name = " and ".join(provider.name for provider in providers)
    advice = partial(advice_for_type, services, missing_key=missing_key)
    return SeveralProviders(name, ids, advice)
