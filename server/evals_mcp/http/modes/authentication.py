"""Turns strangers away before a request reaches the server, in whichever mode is configured."""

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
    """Why a request is not let in."""

    status: int
    error: str
    """A code, such as `invalid_token`."""
    description: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def response(self) -> Response:
        """The refusal on the wire."""
        return rpc_error(self.status, self.description, self.headers, self.error)


def rpc_error(
    status: int, message: str, headers: Mapping[str, str], data: str | None = None
) -> Response:
    """A refusal as HTTP has it, with a body that an MCP client can show."""
    error = {"code": -32000, "message": message} | ({"data": data} if data else {})
    body = {"jsonrpc": "2.0", "id": None, "error": error}
    return JSONResponse(body, status, dict(headers))


class Authenticator(Protocol):
    """One way to find out who calls."""

    async def principal_of(self, headers: Headers) -> Principal | Refusal:
        """Who the request is from, or why it is not let in.

        Raises:
            UnavailableError: that cannot be found out at the moment.
        """
        ...


class Authentication:
    """Passes a request on with its principal, or answers with the refusal."""

    def __init__(self, app: ASGIApp, authenticator: Authenticator) -> None:
        self.app = app
        self.authenticator = authenticator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the class."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            found = await self.authenticator.principal_of(Headers(scope=scope))
        except UnavailableError as error:
            found = Refusal(503, "temporarily_unavailable", str(error), {"Retry-After": "10"})
        if isinstance(found, Refusal):
            await found.response(scope, receive, send)
            return
        scope[SCOPE] = found
        await self.app(scope, receive, send)
