"""The REST service that a principal reaches with its own key or with the configured token."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial

from pydantic import SecretStr

from evals_mcp.errors import NoTokenError
from evals_mcp.principals import Principal
from evals_mcp.providers.rest.service import Service
from evals_mcp.service_spec import ServiceSpec, keyless_services
from evals_mcp.settings.types import TokenSource


def keyed_service(
    spec: ServiceSpec,
    configured: TokenSource,
    base_url: str,
    principal: Principal,
    services: Sequence[ServiceSpec],
) -> Service | None:
    """Return the service with the key of a principal; None if the principal has no key for it.

    Args:
        spec: The service.
        configured: Its settings, with the token of this server.
        base_url: Its address, without a closing slash.
        principal: The identity that the call acts for.
        services: All services, for advice on what to use without a token.

    Raises:
        NoTokenError: the principal uses the configured token, but no token is configured.
    """
    variable = configured.token_env or spec.key_variable or ""
    key = _key(spec, configured, variable, principal, services)
    if key is None:
        return None
    return Service(
        spec.name,
        base_url,
        key,
        f"{spec.name}.base_url",
        f"{spec.name}.token, {spec.name}.token_file or the environment variable {variable}",
        owner=None if principal.keys is None else principal.id,
        remedy=principal.remedy,
        token_accepted=partial(principal.key_accepted, spec.name),
    )


def now() -> datetime:
    """Return the time in UTC."""
    return datetime.now(UTC)


def _key(
    spec: ServiceSpec,
    configured: TokenSource,
    variable: str,
    principal: Principal,
    services: Sequence[ServiceSpec],
) -> SecretStr | None:
    if principal.keys is not None:
        return principal.keys.get(spec.name)
    if configured.token is not None:
        return configured.token
    message = (
        f"The provider {spec.name} has no token. Ask the administrator to set {variable} in the "
        f"environment of this server (another name: token_env under [{spec.name}] in the "
        "configuration)"
    )
    for other in keyless_services(services)[:1]:
        message += (
            f', or to write provider = "{other.name}" under [server]: evaluations then run on '
            "this machine, with rule judges and no account"
        )
    raise NoTokenError(f"{message}. Until then every call returns this error.")
