"""Refuses requests whose body takes too long to arrive, or is too long."""

from __future__ import annotations

import anyio
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from evals_mcp.http.modes.authentication import rpc_error

TOO_LARGE = 413


class BodyDeadline:
    """Answers 408 to a request whose body takes too long to arrive."""

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self.app = app
        self.seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with a deadline for its body."""
        deadline = anyio.current_time() + self.seconds
        whole = answered = False

        async def received() -> Message:
            nonlocal whole
            if whole:
                return await receive()
            with anyio.fail_after(max(0.0, deadline - anyio.current_time())):
                message = await receive()
            whole = not message.get("more_body", False)
            return message

        async def watched(message: Message) -> None:
            nonlocal answered
            answered = True
            await send(message)

        try:
            await self.app(scope, received, watched)
        except TimeoutError:
            if whole or answered:
                raise
            late = {"error": "request_timeout", "error_description": "The body took too long."}
            await JSONResponse(late, 408, {"Connection": "close"})(scope, receive, send)


class BodyLength:
    """Says what a caller can do whose body the SDK has refused for its length."""

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        """Wrap an app.

        Args:
            app: The next app, which answers 413 to a body that is too long.
            max_bytes: The longest body that it accepts.
        """
        self.app = app
        self.refusal = rpc_error(
            TOO_LARGE,
            f"The request has more than {max_bytes:,} bytes. A data set of that size goes into a "
            "file: call upload_dataset with the file's name as `path`, and the answer has a "
            "command that sends it. The administrator can raise http.max_body_bytes.",
            {},
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and put the refusal in the place of the app's."""
        refused = False

        async def explained(message: Message) -> None:
            nonlocal refused
            refused |= message.get("status") == TOO_LARGE
            if not refused:
                await send(message)

        await self.app(scope, receive, explained)
        if refused:
            await self.refusal(scope, receive, send)
