"""Checks JWT access tokens (RFC 9068) against the keys that their issuer publishes."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, cast

import anyio
import httpx2
import jwt

from evals_mcp.errors import UnavailableError
from evals_mcp.http.modes.oauth import TokenRejectedError

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA")
"""Signatures with a public key only: with a shared secret the published key would sign."""

FRESH_SECONDS = 3600.0
"""How long published keys are used before they are fetched again."""

UNKNOWN_KEY_SECONDS = 30.0
"""How often, at most, a token with an unknown key makes the keys be fetched anew."""

FAILED_SECONDS = 5.0
"""How long after a failure the issuer is left alone."""

LEEWAY_SECONDS = 30
"""How far the issuer's clock may differ from ours."""

_MAX_BYTES = 512 * 1024


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
        """Nothing is fetched before the first token comes.

        Args:
            client: Reaches the issuer; passed in and closed by its owner.
            issuer: What `iss` must be, a closing slash aside: issuers write it with and without.
            audience: What `aud` must hold, likewise.
            jwks_url: Where the keys are; None asks the issuer's metadata.
            clock: Seconds since any fixed moment.
        """
        self._client = client
        self._issuer = issuer
        self._audience = audience
        self._jwks_url = jwks_url
        self._clock = clock
        self._keys: dict[str | None, jwt.PyJWK] = {}
        self._fetched: float | None = None
        self._failed: float | None = None
        self._fetching = anyio.Lock()

    async def claims_of(self, token: str) -> Mapping[str, Any]:
        """The claims of a good token; see `Verifier`."""
        try:
            key_id = jwt.get_unverified_header(token).get("kid")
        except jwt.InvalidTokenError:
            raise TokenRejectedError("The token is no JWT.") from None
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
            problem = "The token was issued for another audience."
        except jwt.InvalidIssuerError:
            problem = "The token is of another issuer."
        except jwt.PyJWTError:
            problem = "The token is not valid."
        raise TokenRejectedError(problem)

    async def _key(self, key_id: str | None) -> jwt.PyJWK:
        async with self._fetching:
            if self._stale(key_id):
                await self._refresh()
        key = self._keys.get(key_id)
        if key is None and key_id is None and len(self._keys) == 1:
            key = next(iter(self._keys.values()))
        if key is None:
            raise TokenRejectedError(
                "The token is signed with a key that its issuer does not publish."
            )
        return key

    def _stale(self, key_id: str | None) -> bool:
        if self._fetched is None:
            return True
        age = self._clock() - self._fetched
        return age > FRESH_SECONDS or (key_id not in self._keys and age > UNKNOWN_KEY_SECONDS)

    async def _refresh(self) -> None:
        """Fetch the keys; those in hand serve on while the issuer cannot be reached."""
        now = self._clock()
        if self._failed is None or now - self._failed > FAILED_SECONDS:
            try:
                self._keys = await self._published()
            except UnavailableError:
                self._failed = now
                if self._fetched is None:
                    raise
            else:
                self._fetched, self._failed = now, None
        elif self._fetched is None:
            raise _unreachable()

    async def _published(self) -> dict[str | None, jwt.PyJWK]:
        url = self._jwks_url or await self._discovered()
        listed = await self._json(url)
        try:
            return {key.key_id: key for key in jwt.PyJWKSet.from_dict(dict(listed)).keys}
        except (jwt.PyJWTError, TypeError, ValueError, AttributeError):
            raise UnavailableError(
                "The issuer's keys cannot be read; ask the administrator to check oauth.jwks_url."
            ) from None

    async def _discovered(self) -> str:
        """The keys' address by RFC 8414, or as OpenID Connect has it."""
        base = self._issuer.rstrip("/")
        for place in ("oauth-authorization-server", "openid-configuration"):
            try:
                found = (await self._json(f"{base}/.well-known/{place}")).get("jwks_uri")
            except UnavailableError:
                continue
            if isinstance(found, str) and found.startswith(("https://", "http://127.0.0.1")):
                self._jwks_url = found
                return found
        raise UnavailableError(
            "The issuer names no address of its keys; the administrator must set oauth.jwks_url."
        )

    async def _json(self, url: str) -> Mapping[str, Any]:
        try:
            answer = await self._client.get(url, timeout=10, follow_redirects=False)
            body: object = None
            if answer.is_success and len(answer.content) < _MAX_BYTES:
                body = answer.json()
        except (httpx2.HTTPError, ValueError):
            body = None
        if not isinstance(body, dict):
            raise _unreachable()
        return cast("Mapping[str, Any]", body)


def _unreachable() -> UnavailableError:
    return UnavailableError("The issuer's keys cannot be had at the moment; try again soon.")


def _either(url: str) -> list[str]:
    return [url.rstrip("/"), url.rstrip("/") + "/"]
