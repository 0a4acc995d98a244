"""A TCP proxy over loopback that injects a fault into chosen requests.

async with fault_proxy(upstream, lost, aim="POST /v1/evaluation", times=1) as proxy:
    RestClient(client, Service(base_url=proxy.url, ...))
"""

from __future__ import annotations

import asyncio
import re
import socket
import struct
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

from tests.faults.skipping_loop import SKIP, counted

_BODY_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
_CONNECTION = re.compile(rb"\r\nconnection:[^\r]*", re.IGNORECASE)
_TLS_HANDSHAKE = b"\x16"
_NOT_HTTP = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"
_RESET = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)
"""SO_LINGER for zero seconds: closing sends RST in place of FIN."""

Injection = Callable[["Exchange"], Awaitable[None]]


class Exchange:
    """One request at the proxy, with the actions of an injection."""

    def __init__(
        self,
        proxy: FaultProxy,
        head: bytes,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self._proxy = proxy
        self._head = head
        self._reader = reader
        self._writer = writer

    @property
    def elsewhere(self) -> str:
        """Another address, to which no client may send anything."""
        return self._proxy.elsewhere

    async def body(self, share: float = 1.0) -> bytes:
        """Return the request's body, or its first part."""
        length = _BODY_LENGTH.search(self._head)
        return await self._reader.readexactly(int(int(length[1]) * share) if length else 0)

    async def pass_on(self) -> bytes:
        """Pass the request on to the service, and return its whole answer."""
        reader, writer = await self._ask(await self.body())
        try:
            return await reader.read()
        finally:
            writer.close()

    async def pass_on_half(self) -> None:
        """Send the service the first half of the request's body, and then a reset."""
        half = await self.body(0.5)
        _, writer = await self._ask(half)
        _reset(writer)

    async def _ask(self, body: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        self._proxy.passed += 1
        reader, writer = await asyncio.open_connection(*self._proxy.upstream)
        head = _CONNECTION.sub(b"", self._head[:-4]) + b"\r\nconnection: close\r\n\r\n"
        writer.write(head + body)
        await writer.drain()
        return reader, writer

    async def send(self, data: bytes) -> None:
        """Send bytes of an answer to the client."""
        self._writer.write(data)
        await self._writer.drain()

    async def answer(self, status: int, body: bytes, **headers: str) -> None:
        """Answer without passing the request on."""
        fields = {"Content-Type": "application/json"}
        fields |= {name.replace("_", "-"): value for name, value in headers.items()}
        fields |= {"Content-Length": str(len(body)), "Connection": "close"}
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        await self.send(f"HTTP/1.1 {status} X\r\n{lines}\r\n".encode() + body)

    async def hang(self) -> None:
        """Send nothing until the client closes the connection."""
        with counted("silent"):
            await self._reader.read()

    async def pause(self) -> None:
        """Let the time of one skip pass; longer pauses than this are silence."""
        with counted("silent"):
            await asyncio.sleep(SKIP)

    def reset(self) -> None:
        """Reset the connection, as after a crash."""
        _reset(self._writer)


class FaultProxy:
    """Passes requests on to a service, and injects a fault into those that match."""

    def __init__(
        self,
        upstream: str,
        inject: Injection | None,
        *,
        aim: str,
        times: int | None,
        elsewhere: str,
    ) -> None:
        """Create a proxy for a service; `serve` treats its connections.

        Args:
            upstream: the service's address.
            inject: the fault for matching requests; None passes all requests on.
            aim: a regular expression for the beginning of a request, such as `GET /v1/models`.
            times: how many of the matching requests get the fault; None for all.
            elsewhere: the address that a redirect names.
        """
        parts = urlsplit(upstream)
        self.upstream = parts.hostname, parts.port
        self.elsewhere = elsewhere
        self.url = ""
        """Address of the proxy, without a path."""
        self.aimed = 0
        """Number of requests that matched `aim`."""
        self.passed = 0
        """Number of all requests that were passed on to the service."""
        self._inject, self._aim, self._times = inject, re.compile(aim), times

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Treat one request and close the connection."""
        try:
            with counted("exchanges"), suppress(OSError, asyncio.IncompleteReadError):
                await self._treat(reader, writer)
                await writer.drain()
        except asyncio.CancelledError:
            writer.transport.abort()
            raise
        finally:
            writer.close()

    async def _treat(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readexactly(1)
        if head == _TLS_HANDSHAKE:
            writer.write(_NOT_HTTP)
        else:
            head += await reader.readuntil(b"\r\n\r\n")
            await self._injection_for(head)(Exchange(self, head, reader, writer))

    def _injection_for(self, head: bytes) -> Injection:
        if not self._aim.match(head.decode("latin-1")):
            return passed
        self.aimed += 1
        within = self._times is None or self.aimed <= self._times
        return self._inject if self._inject and within else passed


async def passed(exchange: Exchange) -> None:
    """Pass the request on without a fault."""
    await exchange.send(await exchange.pass_on())


@asynccontextmanager
async def fault_proxy(
    upstream: str,
    inject: Injection | None,
    *,
    aim: str = "",
    times: int | None = None,
    elsewhere: str = "",
) -> AsyncGenerator[FaultProxy]:
    """Yield a proxy that listens on a free port of this machine."""
    proxy = FaultProxy(upstream, inject, aim=aim, times=times, elsewhere=elsewhere)
    open_tasks = set[asyncio.Task[None]]()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(proxy.serve(reader, writer))
        open_tasks.add(task)
        task.add_done_callback(open_tasks.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    proxy.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield proxy
    finally:
        server.close()
        unfinished = list(open_tasks)
        for task in unfinished:
            task.cancel()
        await asyncio.gather(*unfinished, return_exceptions=True)
        # Closed transports are gone after a few rounds of the loop.
        for _ in range(3):
            await asyncio.sleep(0)


def _reset(writer: asyncio.StreamWriter) -> None:
    raw_socket: socket.socket = writer.get_extra_info("socket")
    raw_socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()
