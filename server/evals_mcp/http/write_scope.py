"""Challenges a read-only token that calls a tool which changes something."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, cast

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from evals_mcp.http.modes.authentication import Refusal
from evals_mcp.principals import SCOPE, Principal


class WriteScope:
    """Reads the body only if the principal may not write; other requests pass unread.

    The refusal is an HTTP 403 with a challenge, because clients ask their user for more rights on
    such a challenge and not on a tool's error.
    """

    def __init__(
        self,
        app: ASGIApp,
        may_call: Callable[[str], bool],
        refusal: Callable[[], Refusal],
        max_bytes: int,
    ) -> None:
        """Wrap an app.

        Args:
            app: The next app.
            may_call: Returns whether a tool of this name changes nothing.
            refusal: The challenge.
            max_bytes: The longest body that the app accepts; the app refuses longer ones.
        """
        self.app = app
        self.may_call = may_call
        self.refusal = refusal
        self.max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer with the challenge."""
        principal: Principal | None = scope.get(SCOPE)
        if scope["type"] != "http" or principal is None or principal.may_write:
            await self.app(scope, receive, send)
            return
        messages, body = await _read(receive, self.max_bytes)
        if any(not self.may_call(name) for name in _tools_called(body)):
            await self.refusal().response(scope, receive, send)
            return
        await self.app(scope, _again(messages, receive), send)


async def _read(receive: Receive, max_bytes: int) -> tuple[list[Message], bytes]:
    """Return the body's messages, to be passed on, and the body; empty if it is too long."""
    messages: list[Message] = []
    body = b""
    while True:
        message = await receive()
        messages.append(message)
        body += message.get("body", b"")
        if message["type"] != "http.request" or not message.get("more_body"):
            return messages, body
        if len(body) > max_bytes:
            return messages, b""


def _again(messages: list[Message], receive: Receive) -> Receive:
    waiting = iter(messages)

    async def received() -> Message:
        return next(waiting, None) or await receive()

    return received


def _tools_called(body: bytes) -> list[str]:
    """Return the names of the tools that a JSON-RPC body calls; none for another body."""
    try:
        message: object = json.loads(body)
    except (ValueError, RecursionError):
        return []
    calls = cast("list[object]", message) if isinstance(message, list) else [message]
    return [name for call in calls if (name := _tool_of(call)) is not None]


def _tool_of(call: object) -> str | None:
    if not isinstance(call, dict):
        return None
    message = cast("dict[str, Any]", call)
    params = message.get("params")
    if message.get("method") != "tools/call" or not isinstance(params, dict):
        return None
    return str(cast("dict[str, Any]", params).get("name"))
