"""What a request passes before it reaches a handler: defects caught, strangers turned away."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from evals_engine.errors import ApiError, body_of, log_bug

IN_PROCESS = "engine"
"""The host by which a server reaches the engine that it embeds; no network has it."""

MAX_HEADER_BYTES = 32 * 1024
"""Of all headers and the query; a token has at most 16 KiB."""

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1", IN_PROCESS})


def answer(error: ApiError, scope: Scope) -> Response:
    """An error on the wire, in the form of the contract that the request's path belongs to."""
    body = body_of(error, scope["path"])
    return JSONResponse(body, status_code=error.status, headers=error.headers)


class InternalErrors:
    """Ends a request that met a defect: logged without its text, and answered with a 500.

    Nothing is raised on to the server, which would log the text; that may quote a row or a key.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; answer in its place unless an answer has begun."""
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
            return  # who asked has gone, in the middle of sending
        except Exception as error:  # noqa: BLE001 - the last place before the server's own log
            log_bug(f"{scope['method']} {scope['path']}", error)
            if not answered:
                failure = ApiError(500, "Internal error; the request was not carried out.")
                await answer(failure, scope)(scope, receive, send)


class BoundedHeaders:
    """Turns away requests whose headers and query are together longer than any need be."""

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


class LoopbackOnly:
    """Lets in what was sent to this machine by a program or page of this machine.

    Without a token that is all there is to tell a user's client from a web page: one of another
    site sends its own Origin, and after DNS rebinding its own Host.
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
