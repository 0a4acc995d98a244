"""Checks JWT access tokens (RFC 9068) against the keys that their issuer publishes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx2
import jwt

from evals_mcp.errors import UnavailableError
from evals_mcp.http.modes.issuer_documents import DocumentError, read_document
from evals_mcp.http.modes.oauth import TokenRejectedError
from evals_mcp.settings.types import is_loopback

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA")
"""Signatures with a public key only: with a shared secret the published key would sign."""

FRESH_SECONDS = 3600.0
"""Seconds for which published keys are used before they are fetched again."""

UNKNOWN_KEY_SECONDS = 30.0
"""Seconds after a fetch for an unknown key in which another unknown key causes no fetch.

Other fetches do not count: a key that is new just after one of them is found at once.
"""

FAILED_SECONDS = 5.0
"""Seconds after a failed fetch in which the issuer gets no further request."""

LEEWAY_SECONDS = 30
"""Seconds by which the issuer's clock may differ from this machine's."""

FETCH_SECONDS = 10.0
"""Seconds that one fetch of the metadata and the keys may take altogether."""


class JwksVerifier:
    """Verifies tokens of one issuer for one audience."""

    def __init__(
        self,
        client: httpx2.AsyncClient,
        issuer: str,
        audience: str,
        jwks_url: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Remember the configuration; nothing is fetched before the first token comes.

        Args:
            client: HTTP client for the issuer, which its owner closes.
            issuer: The required `iss`; issuers write it with and without a closing slash.
            audience: The required `aud`, likewise.
            jwks_url: Address of the keys; None reads it from the issuer's metadata.
            clock: Returns seconds since any fixed time.
        """
        self._client = client
        self._issuer = issuer
        self._audience = audience
        self._jwks_url = jwks_url
        self._clock = clock
        self._keys: dict[str | None, jwt.PyJWK] = {}
        self._fetched: float | None = None
        self._failed: float | None = None
        self._searched: float | None = None
        self._problem: UnavailableError | None = None
        self._fetching: asyncio.Task[None] | None = None

    async def claims_of(self, token: str) -> Mapping[str, Any]:
        """Return the claims of a valid token; see `Verifier`."""
        try:
            key_id = jwt.get_unverified_header(token).get("kid")
        except jwt.InvalidTokenError:
            raise TokenRejectedError(
                "The token is not a JWT; many issuers issue one only to a client that asks for "
                f"the resource {self._audience}."
            ) from None
        key = await self._key(key_id)
        try:
            return jwt.decode(
                token,
                key,
                algorithms=list(ALGORITHMS),
                audience=_either(self._audience),
                issuer=_either(self._issuer),
                leeway=LEEWAY_SECONDS,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except jwt.ExpiredSignatureError:
            problem = "The token has expired."
        except jwt.InvalidAudienceError:
            problem = f"The token was issued for another audience than {self._audience}."
        except jwt.InvalidIssuerError:
            problem = "The token was issued by another issuer."
        except jwt.PyJWTError:
            problem = "The token is not valid."
        raise TokenRejectedError(problem)

    async def _key(self, key_id: str | None) -> jwt.PyJWK:
        """Return the key of this id; only a token with an unknown key waits for a fetch."""
        key = self._known_key(key_id)
        if key is not None:
            if self._age() > FRESH_SECONDS:
                self._start_fetch()
            return key
        if self._fetched is None or self._fetching:
            await self._wait_for_fetch()
        elif self._searched is None or self._clock() - self._searched > UNKNOWN_KEY_SECONDS:
            self._searched = self._clock()
            await self._wait_for_fetch()
            if self._failed is not None:
                self._searched = None
        key = self._known_key(key_id)
        if key is None:
            raise TokenRejectedError(
                "The token is signed with a key that its issuer does not publish."
            )
        return key

    def _known_key(self, key_id: str | None) -> jwt.PyJWK | None:
        if key_id is None and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        return self._keys.get(key_id)

    def _age(self) -> float:
        """Return the seconds since the keys were fetched; infinite before the first fetch."""
        return float("inf") if self._fetched is None else self._clock() - self._fetched

    async def _wait_for_fetch(self) -> None:
        """Wait for the fetch that is under way, or for a new one.

        Raises:
            UnavailableError: no keys have ever been fetched, and they cannot be fetched now.
        """
        if fetch := self._start_fetch():
            # A request that is cancelled ends its own wait, not the fetch that others wait for.
            await asyncio.shield(fetch)
        if self._fetched is None:
            raise self._problem or UnavailableError(_UNREACHABLE)

    def _start_fetch(self) -> asyncio.Task[None] | None:
        """Return the fetch under way or a new one; None shortly after a failure."""
        if self._fetching is None:
            if self._failed is not None and self._clock() - self._failed <= FAILED_SECONDS:
                return None
            self._fetching = asyncio.create_task(self._fetch())
        return self._fetching

    async def _fetch(self) -> None:
        """Replace the keys; those fetched before remain valid if the issuer cannot be reached."""
        try:
            async with asyncio.timeout(FETCH_SECONDS):
                self._keys = await self._published()
        except (UnavailableError, TimeoutError) as error:
            self._failed = self._clock()
            self._problem = error if isinstance(error, UnavailableError) else None
        else:
            self._fetched, self._failed = self._clock(), None
        finally:
            self._fetching = None

    async def _published(self) -> dict[str | None, jwt.PyJWK]:
        url = self._jwks_url or await self._discovered()
        try:
            document = await read_document(self._client, url)
        except DocumentError:
            raise UnavailableError(_UNREACHABLE) from None
        try:
            published = [key for key in document["keys"] if _verifies(key)]
            return {key.key_id: key for key in jwt.PyJWKSet(published).keys}
        except (jwt.PyJWTError, LookupError, TypeError, ValueError, AttributeError):
            raise UnavailableError(
                "The issuer's keys cannot be read; ask the administrator to check oauth.jwks_url."
            ) from None

    async def _discovered(self) -> str:
        """Return the address of the keys, from metadata by RFC 8414 or by OpenID Connect."""
        for address in _metadata_addresses(self._issuer):
            try:
                document = await read_document(self._client, address)
            except DocumentError:
                continue
            url = document.get("jwks_uri")
            if isinstance(url, str) and _is_private(url):
                self._jwks_url = url
                return url
        raise UnavailableError(
            "The issuer's metadata has no usable address of its keys; ask the administrator to "
            "set oauth.jwks_url."
        )


_UNREACHABLE = "The issuer's keys cannot be fetched at the moment; try again soon."


def _metadata_addresses(issuer: str) -> list[str]:
    """Return where an issuer may publish its metadata.

    For an issuer with a path, RFC 8414 puts it after the well-known name, OpenID Connect before.
    """
    base = issuer.rstrip("/")
    path = urlsplit(base).path
    origin = base.removesuffix(path)
    servers = [
        f"{origin}/.well-known/oauth-authorization-server{path}",
        f"{base}/.well-known/oauth-authorization-server",
    ]
    return [*dict.fromkeys(servers), f"{base}/.well-known/openid-configuration"]


def _verifies(key: Mapping[str, Any]) -> bool:
    """Return whether a key is published for signatures, not for encryption."""
    return key.get("use") in {None, "sig"} and "verify" in key.get("key_ops", ["verify"])


def _is_private(url: str) -> bool:
    """Return whether nobody on the way can change what is read from this address."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    return bool(host) and (
        parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))
    )


def _either(url: str) -> list[str]:
    return [url.rstrip("/"), url.rstrip("/") + "/"]
