"""The viewer: the page on loopback, for who has its address with the token.

The token is in the fragment of the address, so that it reaches neither a log nor another server.
The page sends it back as a header, which a page of another origin cannot do. The Host header is
checked, so that another name that leads to this machine opens nothing.
"""

from __future__ import annotations

import hmac
import json
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import cast

import anyio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from evals_mcp.errors import EvalsMCPError, NotFoundError, ServiceError
from evals_mcp.tools.calls.session import ToolSession
from evals_mcp.views.calls import PageCalls
from evals_mcp.views.document import live_document, policy
from evals_mcp.views.pace import Paces
from evals_mcp.views.report import data_of

MOST_BODY_BYTES = 64 * 1024
"""Largest body of a call."""

OpenSession = Callable[[], Awaitable[ToolSession]]
"""Returns the session of one call."""

_SAFE = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_OWN = "'self'"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Access:
    """Who may use a viewer."""

    token: str
    """The secret of its address."""
    port: int
    """The port of loopback that it answers at."""

    def refusal(self, request: Request) -> Response | None:
        """Return the answer to a request for another host or of another origin; else None."""
        hosts = {f"127.0.0.1:{self.port}", f"localhost:{self.port}"}
        named, origins = request.headers.getlist("host"), request.headers.getlist("origin")
        if len(named) != 1 or named[0] not in hosts:
            return _error(421, "The viewer answers to 127.0.0.1 and localhost only.")
        if any(origin not in {f"http://{host}" for host in hosts} for origin in origins):
            return _error(403, "Pages of another origin may not call the viewer.")
        return None

    def is_open_to(self, request: Request) -> bool:
        """Return whether a request has the token."""
        given = request.headers.get("authorization", "").encode("utf-8", "replace")
        return hmac.compare_digest(given, f"Bearer {self.token}".encode())


class Viewer:
    """The app of one viewer."""

    def __init__(
        self,
        access: Access,
        open_services: Callable[[], AbstractAsyncContextManager[OpenSession]],
        monotonic: Callable[[], float],
    ) -> None:
        """Make the app.

        Args:
            access: who may use it.
            open_services: opens what calls need, for as long as the app runs.
            monotonic: the time in seconds, for speeds and idleness.
        """
        self._access = access
        self._open_services = open_services
        self._monotonic = monotonic
        self._calls = PageCalls(Paces(monotonic))
        self._session: OpenSession | None = None
        self._last_call = monotonic()
        routes = [Route("/", self._page), Route("/call", self._call, methods=["POST"])]
        self.app = Starlette(routes=routes, lifespan=self._lifespan)
        """The app, whose lifespan the caller enters."""

    @property
    def idle_seconds(self) -> float:
        """Seconds since the last call with the token."""
        return self._monotonic() - self._last_call

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncGenerator[None]:
        async with self._open_services() as self._session:
            yield

    async def _page(self, request: Request) -> Response:
        if (refusal := self._access.refusal(request)) is not None:
            return refusal
        headers = {"Content-Security-Policy": f"{policy(_OWN)}; frame-ancestors 'none'"}
        return Response(live_document(), media_type="text/html", headers=_SAFE | headers)

    async def _call(self, request: Request) -> Response:
        if (refusal := self._access.refusal(request)) is not None:
            return refusal
        if not self._access.is_open_to(request):
            return _error(
                401, "The token is missing or wrong: open the whole address that was printed."
            )
        self._last_call = self._monotonic()
        body = await _body(request)
        if body is None:
            return _error(400, "A call is a JSON object with `name` and `arguments`.")
        assert self._session is not None
        try:
            answer = await self._calls.answer(
                body.get("name"), body.get("arguments"), await self._session()
            )
        except EvalsMCPError as error:
            return _error(_status_of(error), str(error))
        return JSONResponse(await anyio.to_thread.run_sync(data_of, answer), headers=_SAFE)


async def _body(request: Request) -> dict[str, object] | None:
    """Return the JSON object of a body; None if it is too long, or no object."""
    collected = bytearray()
    async for block in request.stream():
        collected += block
        if len(collected) > MOST_BODY_BYTES:
            return None
    try:
        body: object = json.loads(collected)
    except (ValueError, RecursionError):
        return None
    return cast("dict[str, object]", body) if isinstance(body, dict) else None


def _status_of(error: EvalsMCPError) -> int:
    if isinstance(error, NotFoundError):
        return 404
    return 502 if isinstance(error, ServiceError) else 400


def _error(status: int, message: str) -> Response:
    return JSONResponse({"error": message}, status, headers=_SAFE)
