"""ASGI middleware: answers for internal errors, limits on headers, and a check of the caller."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from evals_engine.errors import ApiError, body_of, log_bug

IN_PROCESS = "engine"
"""Host name of requests to an embedded engine; it does not exist in any network."""

MAX_HEADER_BYTES = 32 * 1024
"""Largest size of all headers and the query; a token has at most 16 KiB."""

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1", IN_PROCESS})


def answer(error: ApiError, scope: Scope) -> Response:
    """Return the response for an error, in the form of the contract of the request's path."""
    body = body_of(error, scope["path"])
    return JSONResponse(body, status_code=error.status, headers=error.headers)


class InternalErrors:
    """Answers 500 after an unexpected exception, and logs its traceback without its text.

    The exception is not passed to the server, which would log its text: that may quote a row or a
    key.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; answer 500 if that fails before an answer was started."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        answered = False

        async def watched(message: Message) -> None:
            nonlocal answered
            answered = True
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except ClientDisconnect:
            return  # the client disconnected while it was sending
        except Exception as error:  # noqa: BLE001 - the server would log its text
            log_bug(f"{scope['method']} {scope['path']}", error)
            if not answered:
                failure = ApiError(500, "Internal error; the request was not carried out.")
                await answer(failure, scope)(scope, receive, send)


class BoundedHeaders:
    """Refuses requests whose headers and query are too long."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 431, or pass the request on."""
        if scope["type"] == "http":
            size = sum(len(name) + len(value) for name, value in scope["headers"])
            if size + len(scope["query_string"]) > MAX_HEADER_BYTES:
                error = ApiError(431, f"The headers are longer than {MAX_HEADER_BYTES} bytes.")
                await answer(error, scope)(scope, receive, send)
                return
        await self.app(scope, receive, send)


class PlainPaths:
    """Answers a path with a slash at its end like the path without it.

    A redirect would do for some clients only: others follow none, or drop the body or the token.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] == "http" and (path := scope["path"].rstrip("/")):
            scope = {**scope, "path": path}
        await self.app(scope, receive, send)


class LoopbackOnly:
    """Accepts requests from this machine only: used when authentication is off.

    A web page of another site sends its own Origin, and after DNS rebinding its own Host; both
    headers have to name this machine.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 403, or pass the request on."""
        if scope["type"] == "http":
            headers = dict(scope["headers"])
            host = f"//{headers.get(b'host', b'').decode('latin-1')}"
            origin = headers.get(b"origin", b"").decode("latin-1")
            if not (_is_loopback(host) and (not origin or _is_loopback(origin))):
                error = ApiError(403, "Without a token this service answers this machine only.")
                await answer(error, scope)(scope, receive, send)
                return
        await self.app(scope, receive, send)


def _is_loopback(url: str) -> bool:
    try:
        return urlsplit(url).hostname in LOOPBACK
    except ValueError:
        return False
