"""An issuer that signs access tokens and publishes its key."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

AUDIENCE = "https://evals.example/mcp"
EVERYTHING = "evals:read evals:write"

QUARTER_HOUR = 900.0
"""Seconds for which a token is valid, unless a test runs longer."""


def _answer(document: object) -> httpx2.Response:
    """Return an answer whose body is read as a stream."""

    async def body() -> AsyncIterator[bytes]:
        yield json.dumps(document).encode()

    return httpx2.Response(200, content=body())


class Issuer:
    """An issuer with one key."""

    def __init__(self, url: str = "https://login.example") -> None:
        self.url = url
        self._key = ec.generate_private_key(ec.SECP256R1())

    @property
    def published(self) -> dict[str, Any]:
        """The JSON web key set of the issuer."""
        public = json.loads(ECAlgorithm.to_jwk(self._key.public_key()))
        return {"keys": [public | {"kid": "one", "use": "sig"}]}

    def client(self) -> httpx2.AsyncClient:
        """Return an HTTP client that reaches this issuer only."""

        def answer(request: httpx2.Request) -> httpx2.Response:
            if request.url.path == "/.well-known/openid-configuration":
                return _answer({"jwks_uri": f"{self.url}/keys"})
            return _answer(self.published) if request.url.path == "/keys" else httpx2.Response(404)

        return httpx2.AsyncClient(transport=httpx2.MockTransport(answer))

    def token(
        self,
        subject: str,
        scope: str = EVERYTHING,
        audience: str = AUDIENCE,
        seconds: float = QUARTER_HOUR,
    ) -> str:
        """Return a token of a subject that is valid for so long."""
        now = int(time.time())
        times = {"iat": now, "exp": now + int(seconds)}
        claims = {"iss": self.url, "aud": audience, "sub": subject, "scope": scope} | times
        return jwt.encode(claims, self._key, algorithm="ES256", headers={"kid": "one"})
