"""HTTP requests to an app in the same process, with streamed answers.

The ASGI transport of the HTTP client collects a whole answer before it returns it, but a stored
data set may have a gigabyte of which one row is needed.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import suppress
from types import TracebackType
from typing import Any, Self, cast

import anyio
import httpx2
from anyio.abc import TaskGroup
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from evals_mcp.principals import OWNER

Message = MutableMapping[str, Any]
App = Callable[
    [
        MutableMapping[str, Any],
        Callable[[], Awaitable[Message]],
        Callable[[Message], Awaitable[None]],
    ],
    Awaitable[None],
]


class InProcessTransport(httpx2.AsyncBaseTransport):
    """Runs each request as a task that ends with its answer, or when the answer is closed.

    The HTTP client enters and leaves the transport. The caller has to enter the app's lifespan.
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._tasks: TaskGroup = anyio.create_task_group()

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        self._tasks.cancel_scope.cancel()
        await self._tasks.__aexit__(exc_type, exc_value, traceback)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Pass a request to the app; return as soon as the answer has started."""
        exchange = _Exchange(request)
        self._tasks.start_soon(exchange.run, self._app)
        try:
            return await exchange.response()
        except BaseException:
            exchange.abandon()
            raise


class _Exchange:
    """One request and its answer."""

    def __init__(self, request: httpx2.Request) -> None:
        self._request = request
        self._body: AsyncIterator[bytes] | None = aiter(
            cast("httpx2.AsyncByteStream", request.stream)
        )
        self._scope = anyio.CancelScope()
        self._started, self._ended = anyio.Event(), anyio.Event()
        self._start: Message | None = None
        self._complete = self._abandoned = False
        self._chunks: MemoryObjectSendStream[bytes]
        self._received: MemoryObjectReceiveStream[bytes]
        self._chunks, self._received = anyio.create_memory_object_stream[bytes]()

    async def run(self, app: App) -> None:
        """Run the app to its end, or until the answer is abandoned."""
        try:
            # The app has logged its exceptions, and answered 500 if no answer was started.
            with self._scope, suppress(Exception):
                await app(_scope_of(self._request), self._next, self._answer)
        finally:
            self._chunks.close()
            self._ended.set()
            self._started.set()
            if self._abandoned or self._start is None:
                self._received.close()

    def abandon(self) -> None:
        """End the request: the rest of its answer is not needed."""
        self._abandoned = True
        self._scope.cancel()
        if self._ended.is_set():
            self._received.close()

    async def response(self) -> httpx2.Response:
        """Wait for the start of the answer and return it."""
        await self._started.wait()
        if self._start is None:
            raise httpx2.RemoteProtocolError("it ended without an answer")
        return httpx2.Response(
            self._start["status"], headers=self._start.get("headers", []), stream=_Body(self)
        )

    async def chunks(self) -> AsyncGenerator[bytes]:
        """Yield the answer's body; raise ReadError if it is incomplete."""
        async for chunk in self._received:
            yield chunk
        if not self._complete:
            raise httpx2.ReadError("the answer ended early")

    async def _next(self) -> Message:
        """Return the next part of the request's body; after the answer's end, the disconnect."""
        if self._body is None:
            await self._ended.wait()
            return {"type": "http.disconnect"}
        chunk = await anext(self._body, None)
        if chunk is None:
            self._body = None
        return {"type": "http.request", "body": chunk or b"", "more_body": chunk is not None}

    async def _answer(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            self._started.set()
        elif message["type"] == "http.response.body":
            if chunk := message.get("body", b""):
                await self._chunks.send(chunk)
            if not message.get("more_body", False):
                self._complete = True
                self._chunks.close()
                self._ended.set()


class _Body(httpx2.AsyncByteStream):
    def __init__(self, exchange: _Exchange) -> None:
        self._exchange = exchange

    def __aiter__(self) -> AsyncGenerator[bytes]:
        return self._exchange.chunks()

    async def aclose(self) -> None:
        self._exchange.abandon()


def _scope_of(request: httpx2.Request) -> MutableMapping[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": request.method,
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "scheme": request.url.scheme,
        "path": request.url.path,
        "raw_path": request.url.raw_path.partition(b"?")[0],
        "query_string": request.url.query,
        "server": (request.url.host, request.url.port),
        "client": ("127.0.0.1", 0),
        "root_path": "",
        OWNER: request.extensions.get(OWNER),
    }
