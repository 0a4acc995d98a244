"""Who a request comes from: an owner's bearer token says so, and nothing else does."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from hashlib import sha256

from pydantic import SecretStr
from starlette.types import ASGIApp, Receive, Scope, Send

from evals_engine.config import EngineConfig
from evals_engine.errors import ApiError
from evals_engine.http.middleware import answer

EMBEDDING = "evals.owner"
"""Where a server that embeds the engine says whose request it is: no header sets a scope's key."""

LOCAL = "local"
"""Whose everything is where no token is asked for, and the owner of the one unnamed token."""


def owners_of(config: EngineConfig) -> dict[str, SecretStr]:
    """Every owner's token by the owner's name; empty when the service asks for none.

    Raises:
        ValueError: an owner's token is empty, or two owners share a token or a name.
    """
    if config.token is None:
        owners = dict(config.tokens)
    elif LOCAL in config.tokens:
        raise ValueError(f"The owner {LOCAL} has two tokens: name the owner otherwise.")
    else:
        owners = {LOCAL: config.token, **config.tokens}
    if not all(token.get_secret_value() for token in owners.values()):
        raise ValueError("An owner has an empty token: give each one a token.")
    if len({token.get_secret_value() for token in owners.values()}) < len(owners):
        raise ValueError("Two owners have the same token: give each one a token of its own.")
    return owners


class BearerTokens:
    """Lets a request in with an owner's token, or any as `LOCAL` when there are no owners.

    The scope's `owner` says whose it is: None for an upload whose permission is in its path.
    """

    def __init__(self, app: ASGIApp, owners: Mapping[str, SecretStr]) -> None:
        self.app = app
        self._digests = {
            name: _digest(token.get_secret_value().encode()) for name, token in owners.items()
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 401, or pass the request on with its owner."""
        if scope["type"] == "http":
            told: str | None = scope.get(EMBEDDING)
            scope["owner"] = told or (self._owner(scope) if self._digests else LOCAL)
            if scope["owner"] is None and not _brings_a_key(scope):
                refused = ApiError(401, "Wrong or missing bearer token.", code="invalid_api_key")
                refused.headers = {"WWW-Authenticate": "Bearer"}
                await answer(refused, scope)(scope, receive, send)
                return
        await self.app(scope, receive, send)

    def _owner(self, scope: Scope) -> str | None:
        """The owner of the token, by a comparison that takes as long for every token."""
        given = [value for name, value in scope["headers"] if name == b"authorization"]
        kind, _, token = given[0].partition(b" ") if len(given) == 1 else (b"", b"", b"")
        digest = _digest(token.strip())
        found = None
        for name, known in self._digests.items():
            if hmac.compare_digest(digest, known) and kind.lower() == b"bearer":
                found = name
        return found


def _brings_a_key(scope: Scope) -> bool:
    """An announced upload brings its own key in its path, and by contract no token."""
    return scope["method"] == "PUT" and "/uploads/" in scope["path"]


def _digest(token: bytes) -> bytes:
    return sha256(token).digest()
