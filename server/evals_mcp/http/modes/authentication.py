"""Authenticates each request in the configured mode before the server reads it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from evals_mcp.errors import UnavailableError
from evals_mcp.principals import SCOPE, Principal


@dataclass(frozen=True)
class Refusal:
    """A refused request: status, code and description."""

    status: int
    error: str
    """A code, such as `invalid_token`."""
    description: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def response(self) -> Response:
        """The refusal as an HTTP response."""
        return rpc_error(self.status, self.description, self.headers, self.error)


def rpc_error(
    status: int, message: str, headers: Mapping[str, str], data: str | None = None
) -> Response:
    """Return an HTTP refusal with a JSON-RPC error, which MCP clients can show."""
    error = {"code": -32000, "message": message} | ({"data": data} if data else {})
    body = {"jsonrpc": "2.0", "id": None, "error": error}
    return JSONResponse(body, status, dict(headers))


class Authenticator(Protocol):
    """A way to authenticate a request."""

    async def principal_of(self, headers: Headers) -> Principal | Refusal:
        """Return the principal of the request, or the refusal.

        Raises:
            UnavailableError: the principal cannot be determined at the moment.
        """
        ...


class Authentication:
    """Passes a request on with its principal, or answers with the refusal."""

    def __init__(self, app: ASGIApp, authenticator: Authenticator) -> None:
        self.app = app
        self.authenticator = authenticator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its principal, or refuse it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            result = await self.authenticator.principal_of(Headers(scope=scope))
        except UnavailableError as error:
            result = Refusal(503, "temporarily_unavailable", str(error), {"Retry-After": "10"})
        if isinstance(result, Refusal):
            await result.response(scope, receive, send)
            return
        scope[SCOPE] = result
        await self.app(scope, receive, send)
