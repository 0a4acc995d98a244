"""Finds out the owner of a request by its bearer token, or by the name that a server gives."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from hashlib import sha256
from urllib.parse import unquote

from pydantic import SecretStr
from starlette.types import ASGIApp, Receive, Scope, Send

from evals_engine.config import EngineConfig
from evals_engine.errors import ApiError
from evals_engine.http.middleware import answer
from evals_engine.store.records import UserName

EMBEDDING = "evals.owner"
"""Key of the ASGI scope in which an embedding server names the owner; no header can set it."""

NAMED_OWNER = "X-Evals-Owner"
"""Header in which an MCP server names the owner, percent-encoded; refused from everybody else."""

_NAMED_OWNER = NAMED_OWNER.lower().encode()

MAX_OWNER_CHARACTERS = 1024
"""Longest name of an owner that a server may send, after decoding."""

METRICS_PATH = "/metrics"
"""Path of the figures of the whole engine."""

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


def check_other_tokens(config: EngineConfig) -> None:
    """Raise ValueError if the token of an MCP server or of the metrics is empty or another's."""
    taken = {each.get_secret_value() for each in owners_of(config).values()}
    if config.server_token is not None:
        token = config.server_token.get_secret_value()
        if not token:
            raise ValueError("The token of the MCP server is empty: give the server a token.")
        if token in taken:
            raise ValueError(
                "The MCP server has the token of an owner, who could then name every other owner: "
                "give the server its own token."
            )
        taken.add(token)
    if config.metrics_token is not None and config.metrics_token.get_secret_value() in {"", *taken}:
        raise ValueError(
            "The token of the metrics is empty, or an owner's or the MCP server's: give the "
            "metrics a token of their own, which reads nothing else."
        )


class BearerTokens:
    """Accepts requests with an owner's token; without any token, all requests as `LOCAL`.

    A request with the token of an MCP server names its owner in the header `NAMED_OWNER`.
    Sets the owner as `owner` in the scope: None for an upload whose path contains its permission,
    and for the metrics, which belong to no owner and whose handler asks who reads them.
    """

    def __init__(
        self,
        app: ASGIApp,
        owners: Mapping[UserName, SecretStr],
        server_token: SecretStr | None = None,
    ) -> None:
        self.app = app
        self._digests = {name: digest_of(token) for name, token in owners.items()}
        self._server_digest = None if server_token is None else digest_of(server_token)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 400, 401 or 403, or set the owner and pass the request on."""
        if scope["type"] == "http":
            embedding: UserName | None = scope.get(EMBEDDING)
            if scope["path"] == METRICS_PATH:
                scope["owner"] = None
                await self.app(scope, receive, send)
                return
            try:
                scope["owner"] = embedding or self._owner(scope)
            except ApiError as refused:
                await answer(refused, scope)(scope, receive, send)
                return
        await self.app(scope, receive, send)

    def _owner(self, scope: Scope) -> UserName | None:
        """Return the owner of a request. Raises ApiError without a right to it."""
        digest = bearer_digest(scope)
        is_server = self._server_digest is not None and is_equal(digest, self._server_digest)
        named = [value for name, value in scope["headers"] if name == _NAMED_OWNER]
        if is_server:
            return _named_owner(named)
        is_open = not self._digests and self._server_digest is None
        owner = LOCAL if is_open else self._token_owner(digest)
        if owner is None and not _has_upload_key(scope):
            refused = ApiError(401, "Wrong or missing bearer token.", code="invalid_api_key")
            refused.headers = {"WWW-Authenticate": "Bearer"}
            raise refused
        if named:
            raise ApiError(403, f"Only the token of [engine.server] may send {NAMED_OWNER}.")
        return owner

    def _token_owner(self, digest: bytes | None) -> UserName | None:
        """Return the owner of the token; the comparison takes the same time for every token."""
        owner = None
        for name, owner_digest in self._digests.items():
            if is_equal(digest, owner_digest):
                owner = name
        return owner


def _named_owner(values: Sequence[bytes]) -> UserName:
    """Return the owner that an MCP server names. Raises ApiError unless it is exactly one."""
    problem = f"With the token of [engine.server], send one {NAMED_OWNER} header"
    if len(values) != 1 or not values[0]:
        raise ApiError(400, f"{problem}, which names the owner.")
    try:
        owner = unquote(values[0].decode("ascii"), errors="strict")
    except UnicodeDecodeError:
        raise ApiError(400, f"{problem}, as percent-encoded UTF-8.") from None
    if len(owner) > MAX_OWNER_CHARACTERS or "\0" in owner:
        raise ApiError(400, f"{problem} of at most {MAX_OWNER_CHARACTERS} characters, none NUL.")
    return UserName(owner)


def bearer_digest(scope: Scope) -> bytes | None:
    """Return the digest of the one bearer token in the headers; None if there is not just one."""
    headers = [value for name, value in scope["headers"] if name == b"authorization"]
    scheme, _, token = headers[0].partition(b" ") if len(headers) == 1 else (b"", b"", b"")
    return sha256(token.strip()).digest() if scheme.lower() == b"bearer" else None


def is_equal(digest: bytes | None, expected: bytes) -> bool:
    """Compare digests in a time that is the same for every token."""
    return digest is not None and hmac.compare_digest(digest, expected)


def digest_of(token: SecretStr) -> bytes:
    """Return the digest by which a token is compared."""
    return sha256(token.get_secret_value().encode()).digest()


def _has_upload_key(scope: Scope) -> bool:
    """Return whether the path is one of an announced upload, which contains a key."""
    return scope["method"] == "PUT" and "/uploads/" in scope["path"]
