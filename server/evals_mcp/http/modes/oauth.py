"""The mode `oauth`: tokens come from an issuer, keys for services from the configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, cast

from pydantic import SecretStr
from starlette.datastructures import Headers

from evals_mcp.http.modes.authentication import Refusal
from evals_mcp.http.modes.resource import READ, SCOPES, WRITE, Resource
from evals_mcp.principals import Principal


class TokenRejectedError(Exception):
    """A token is not accepted; the text gives the reason and repeats no part of the token."""


class Verifier(Protocol):
    """Checks a token's signature, issuer, audience and times."""

    async def claims_of(self, token: str) -> Mapping[str, Any]:
        """Return the claims of a valid token.

        Raises:
            TokenRejectedError: it has expired, is not for this server, or not signed by the issuer.
            UnavailableError: the issuer's keys cannot be fetched.
        """
        ...


_NO_KEY = "ask the administrator to add a key of yours under [oauth.subjects]"


class OAuthMode:
    """Identifies a user by the subject of a bearer token; services get the subject's keys.

    The token is never sent to an evaluation service.
    """

    def __init__(
        self,
        verifier: Verifier,
        resource: Resource,
        keys: Mapping[str, Mapping[str, SecretStr]],
        services: Sequence[str],
    ) -> None:
        """Remember the configuration.

        Args:
            verifier: Checks tokens.
            resource: The resource that challenges name.
            keys: The services' keys of each subject, by subject and then by service.
            services: The names of the services that a subject may have a key for.
        """
        self._verifier = verifier
        self._resource = resource
        self._keys = keys
        self._services = services

    async def principal_of(self, headers: Headers) -> Principal | Refusal:
        """Return the subject of the token, or a challenge by RFC 6750 and RFC 9728."""
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            return self._log_in(None, "A bearer token is needed.")
        try:
            claims = await self._verifier.claims_of(token.strip())
        except TokenRejectedError as error:
            return self._log_in("invalid_token", str(error))
        if not str(claims["sub"]).strip():
            return self._log_in("invalid_token", "The token has an empty subject (`sub`).")
        scopes = scopes_of(claims)
        if READ not in scopes:
            return self.lacking(READ)
        subject, issuer = str(claims["sub"]), str(claims["iss"])
        keys = dict(self._keys.get(subject, {}))
        return Principal(
            f"{issuer}\n{subject}",
            keys,
            may_write=WRITE in scopes,
            lacking={name: _NO_KEY for name in self._services if name not in keys},
            remedy="ask the administrator to put a valid one for you under [oauth.subjects]",
        )

    def _log_in(self, error: str | None, description: str) -> Refusal:
        """Return the challenge to log in, with every scope.

        Clients register with the scopes of the first challenge, and many issuers never grant a
        client more than it registered with: it could not ask for `evals:write` later.
        """
        return self._challenge(401, error, description, " ".join(SCOPES))

    def lacking(self, scope: str) -> Refusal:
        """Return the refusal of a token without this scope."""
        scopes = " ".join(SCOPES) if scope == WRITE else READ
        return self._challenge(
            403, "insufficient_scope", f"The token lacks the scope {scope}.", scopes
        )

    def _challenge(self, status: int, error: str | None, description: str, scope: str) -> Refusal:
        parts = [f'error="{error}"', f'error_description="{description}"'] if error else []
        parts += [f'scope="{scope}"', f'resource_metadata="{self._resource.metadata_url}"']
        return Refusal(
            status,
            error or "unauthorized",
            description,
            {"WWW-Authenticate": f"Bearer {', '.join(parts)}"},
        )


def scopes_of(claims: Mapping[str, Any]) -> frozenset[str]:
    """Return the scopes of a token: `scope` of RFC 9068, or `scp`, which some issuers use."""
    scopes: object = claims.get("scope", claims.get("scp", ""))
    if isinstance(scopes, list):
        return frozenset(str(scope) for scope in cast("list[object]", scopes))
    return frozenset(str(scopes).split())
