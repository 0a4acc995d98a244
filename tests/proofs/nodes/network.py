"""A way to the database that can be cut: nothing passes any more, or connections are reset."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Literal, Self
from urllib.parse import urlsplit, urlunsplit

Mode = Literal["open", "swallow", "reset"]


class Proxy:
    """Passes bytes on to a server, as long as it is open."""

    def __init__(self, url: str) -> None:
        """Pass bytes on to the server of a URL."""
        self._url = urlsplit(url)
        self._mode: Mode = "open"
        self._passes = asyncio.Event()
        self._passes.set()
        self._writers = set[asyncio.StreamWriter]()
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """The URL of the same database through this proxy."""
        assert self._server is not None
        port = self._server.sockets[0].getsockname()[1]
        user = f"{self._url.username}@" if self._url.username else ""
        return urlunsplit(self._url._replace(netloc=f"{user}127.0.0.1:{port}"))

    def set(self, mode: Mode) -> None:
        """Open or cut the way."""
        self._mode = mode
        if mode == "open":
            self._passes.set()
        else:
            self._passes.clear()
        if mode == "reset":
            for writer in self._writers:
                writer.transport.abort()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()

    async def _connected(self, read: asyncio.StreamReader, write: asyncio.StreamWriter) -> None:
        if self._mode == "reset":
            write.transport.abort()
            return
        with suppress(OSError, asyncio.CancelledError):
            await self._passes.wait()
            there = await asyncio.open_connection(self._url.hostname, self._url.port)
            self._writers |= {write, there[1]}
            await asyncio.gather(self._pump(read, there[1]), self._pump(there[0], write))

    async def _pump(self, read: asyncio.StreamReader, write: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await read.read(65_536):
                await self._passes.wait()
                write.write(data)
                await write.drain()
        write.close()
        self._writers.discard(write)
