"""What a request passes before it reaches a handler: defects caught, strangers turned away."""

from __future__ import annotations

import hmac
from urllib.parse import urlsplit

from pydantic import SecretStr
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from evals_engine.errors import ApiError, log_bug

OWNER = "local"
"""Whose everything is, while one token opens the service."""

IN_PROCESS = "engine"
"""The host by which a server reaches the engine that it embeds; no network has it."""

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1", IN_PROCESS})


def answer(error: ApiError) -> Response:
    """An error on the wire."""
    return JSONResponse(error.body.model_dump(), status_code=error.status)


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
                await answer(failure)(scope, receive, send)


class BearerToken:
    """Lets a request in with the token of the configuration, or any when there is none."""

    def __init__(self, app: ASGIApp, token: SecretStr | None) -> None:
        self.app = app
        self.token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 401, or pass the request on with its owner."""
        if scope["type"] == "http":
            scope["owner"] = OWNER
            if not (self._is_open(scope) or self._matches(scope)):
                error = ApiError(401, "Wrong or missing bearer token.", code="invalid_api_key")
                await answer(error)(scope, receive, send)
                return
        await self.app(scope, receive, send)

    def _is_open(self, scope: Scope) -> bool:
        """An announced upload brings its own key in its path, and by contract no token."""
        return self.token is None or (scope["method"] == "PUT" and "/uploads/" in scope["path"])

    def _matches(self, scope: Scope) -> bool:
        assert self.token is not None
        given = dict(scope["headers"]).get(b"authorization", b"")
        return hmac.compare_digest(given, f"Bearer {self.token.get_secret_value()}".encode())


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
                await answer(error)(scope, receive, send)
                return
        await self.app(scope, receive, send)


def _is_loopback(url: str) -> bool:
    try:
        return urlsplit(url).hostname in LOOPBACK
    except ValueError:
        return False
