"""The HTTP app: the SDK's streamable HTTP behind authentication, limits and a log."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from mcp.server import Server
from mcp.server.streamable_http import EventStore
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from evals_mcp.http.bodies import BodyDeadline, BodyLength
from evals_mcp.http.hosts import AllowedHosts
from evals_mcp.http.limits import CallLimits, HeaderLimit, Limits
from evals_mcp.http.logs import REQUEST_ID, AccessLog
from evals_mcp.http.modes.authentication import Authentication, Authenticator, Refusal
from evals_mcp.http.write_scope import WriteScope
from evals_mcp.listener import HEADER_BYTES
from evals_mcp.tools.calls.request_context import Services

BODY_SECONDS = 30.0
"""Seconds for a body to arrive: enough for the longest body over a slow line."""

RETRY_MS = 500
"""Milliseconds after which a client should open a session's lost stream again."""

_HEADERS = ("Authorization", "Content-Type", "Accept", "Last-Event-ID", "X-Request-Id")
_MCP_HEADERS = ("Mcp-Session-Id", "Mcp-Protocol-Version", "Mcp-Method", "Mcp-Name")


@dataclass(frozen=True)
class Front:
    """The settings of the HTTP app."""

    path: str
    """Path of the MCP endpoint, such as `/mcp`."""
    allowed_hosts: Sequence[str]
    """Host headers that are answered; `name:*` accepts every port."""
    allowed_origins: Sequence[str]
    """Origins of web pages that may call; a request without Origin does not come from a page."""
    max_body_bytes: int
    limits: Limits
    key_headers: Sequence[str] = ()
    """Headers with keys, which a page must be allowed to send."""
    body_seconds: float = BODY_SECONDS
    """Most seconds that a request's body may take to arrive."""


@dataclass(frozen=True)
class AppOptions:
    """The parts of the app that depend on the mode, and its choices for sessions."""

    authenticator: Authenticator
    """Identifies the principal of a request."""
    may_call: Callable[[str], bool]
    """Whether a principal that may only read may call the tool of this name."""
    write_refusal: Callable[[], Refusal] | None = None
    """Makes the challenge to a principal that may only read; None if every principal may write."""
    routes: Sequence[BaseRoute] = ()
    """Further routes, which need no principal, such as protected-resource metadata."""
    is_ready: Callable[[], bool] = lambda: True
    """Returns False while the server accepts no new calls."""
    stateless: bool = True
    """Whether there are no sessions, so that any process can answer any request.

    With sessions, which clients before 2026-07-28 use, a tool can ask its client while it runs. A
    session is not bound to a principal, so sessions are for a single user only.
    """
    event_store: EventStore | None = None
    """Stores the events of a session for a client that lost its stream; None stores none."""


def build_app(server: Server[Services], front: Front, options: AppOptions) -> Starlette:
    """Return the app: MCP at its path, `/healthz`, `/readyz`, and the routes of the mode.

    Args:
        server: The MCP server; its lifespan becomes the app's.
        front: The operator's choices.
        options: The parts that depend on the mode.
    """
    sessions = _sessions(server, front, options)
    guarded: ASGIApp = BodyLength(sessions.handle_request, front.max_body_bytes)
    if options.write_refusal is not None:
        guarded = WriteScope(guarded, options.may_call, options.write_refusal, front.max_body_bytes)
    guarded = CallLimits(BodyDeadline(guarded, front.body_seconds), front.limits)
    guarded = Authentication(guarded, options.authenticator)

    return Starlette(
        routes=[
            Route("/healthz", _alive),
            Route("/readyz", _readiness(options.is_ready)),
            *options.routes,
            Route(
                front.path,
                AllowedHosts(guarded, front.allowed_hosts, front.allowed_origins),
                # A GET waits for messages of a session; without sessions it would wait for ever.
                methods=["POST"] if options.stateless else None,
            ),
        ],
        middleware=[
            Middleware(AccessLog),
            Middleware(HeaderLimit, most=HEADER_BYTES),
            *_cors(front),
        ],
        lifespan=lambda _: sessions.run(),
    )


def _sessions(
    server: Server[Services], front: Front, options: AppOptions
) -> StreamableHTTPSessionManager:
    """Return the SDK's transport. Its whole app would answer 500 before our checks answer.

    The SDK's check of Host and Origin is off: `AllowedHosts` compares both exactly.
    """
    return StreamableHTTPSessionManager(
        server,
        options.event_store,
        stateless=options.stateless,
        retry_interval=RETRY_MS if options.event_store else None,
        max_request_body_size=front.max_body_bytes,
        security_settings=TransportSecuritySettings(enable_dns_rebinding_protection=False),
    )


def _readiness(is_ready: Callable[[], bool]) -> Callable[[Request], Awaitable[Response]]:
    async def ready(_: Request) -> Response:
        is_open = is_ready()
        return JSONResponse({"ready": is_open}, 200 if is_open else 503)

    return ready


async def _alive(_: Request) -> Response:
    return JSONResponse({"alive": True})


def _cors(front: Front) -> list[Middleware]:
    """Return the middleware that lets only the allowed pages call."""
    origins = [origin for origin in front.allowed_origins if "*" not in origin]
    if not origins:
        return []
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=origins,
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=[*_HEADERS, *_MCP_HEADERS, *front.key_headers],
            expose_headers=["Mcp-Session-Id", "WWW-Authenticate", "Retry-After", REQUEST_ID],
        )
    ]
