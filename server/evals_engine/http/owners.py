"""Finds out the owner of a request by its bearer token."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from hashlib import sha256

from pydantic import SecretStr
from starlette.types import ASGIApp, Receive, Scope, Send

from evals_engine.config import EngineConfig
from evals_engine.errors import ApiError
from evals_engine.http.middleware import answer
from evals_engine.store.records import UserName

EMBEDDING = "evals.owner"
"""Key of the ASGI scope in which an embedding server names the owner; no header can set it."""

LOCAL = UserName("local")
"""Owner used when authentication is off, and of the token in `EngineConfig.token`."""


def owners_of(config: EngineConfig) -> dict[UserName, SecretStr]:
    """Return the tokens by owner; empty if authentication is off.

    Raises:
        ValueError: A token is empty, or two owners share a token or a name.
    """
    owners = {UserName(name): token for name, token in config.tokens.items()}
    if config.token is not None:
        if LOCAL in owners:
            raise ValueError(f"The owner {LOCAL} has two tokens: give one owner another name.")
        owners[LOCAL] = config.token
    if not all(token.get_secret_value() for token in owners.values()):
        raise ValueError("An owner has an empty token: give each one a token.")
    if len({token.get_secret_value() for token in owners.values()}) < len(owners):
        raise ValueError("Two owners have the same token: give each one its own token.")
    return owners


class BearerTokens:
    """Accepts requests with an owner's token; without any owners, all requests as `LOCAL`.

    Sets the owner as `owner` in the scope: None for an upload whose path contains its permission.
    """

    def __init__(self, app: ASGIApp, owners: Mapping[UserName, SecretStr]) -> None:
        self.app = app
        self._digests = {
            name: _digest(token.get_secret_value().encode()) for name, token in owners.items()
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 401, or set the owner and pass the request on."""
        if scope["type"] == "http":
            owner: UserName | None = scope.get(EMBEDDING)
            scope["owner"] = owner or (self._token_owner(scope) if self._digests else LOCAL)
            if scope["owner"] is None and not _has_upload_key(scope):
                refused = ApiError(401, "Wrong or missing bearer token.", code="invalid_api_key")
                refused.headers = {"WWW-Authenticate": "Bearer"}
                await answer(refused, scope)(scope, receive, send)
                return
        await self.app(scope, receive, send)

    def _token_owner(self, scope: Scope) -> UserName | None:
        """Return the owner of the token; the comparison takes the same time for every token."""
        headers = [value for name, value in scope["headers"] if name == b"authorization"]
        scheme, _, token = headers[0].partition(b" ") if len(headers) == 1 else (b"", b"", b"")
        digest = _digest(token.strip())
        owner = None
        for name, owner_digest in self._digests.items():
            if hmac.compare_digest(digest, owner_digest) and scheme.lower() == b"bearer":
                owner = name
        return owner


def _has_upload_key(scope: Scope) -> bool:
    """Return whether the path is one of an announced upload, which contains a key."""
    return scope["method"] == "PUT" and "/uploads/" in scope["path"]


def _digest(token: bytes) -> bytes:
    return sha256(token).digest()
