"""A proxy over loopback that loses chosen creates, or the answers to them."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Literal

import anyio
import httpx2
from anyio.abc import SocketAttribute, SocketStream
from anyio.streams.buffered import BufferedByteReceiveStream

Fate = Literal["passes", "dropped before its body", "dropped before", "dropped after", "500 after"]
"""Whether a create reaches the service, and whether its answer comes back."""

_FAILED = (
    b"HTTP/1.1 500 Internal Server Error\r\nContent-Type: application/json\r\n"
    b"Content-Length: 2\r\nConnection: close\r\n\r\n{}"
)


@dataclass
class LossyProxy:
    """A proxy before a service; requests other than creates always pass."""

    service: str
    """Address of the service, without a path."""
    fates: list[Fate]
    """One fate for each create, in order; further creates pass."""
    url: str = ""
    creates: int = 0
    keys: list[str | None] = field(default_factory=list[str | None])

    async def serve(self, stream: SocketStream) -> None:
        """Answer one request and close the connection."""
        with suppress(anyio.BrokenResourceError, anyio.EndOfStream, anyio.IncompleteRead):
            async with stream:
                await self._one(stream)

    async def _one(self, stream: SocketStream) -> None:
        received = BufferedByteReceiveStream(stream)
        head = (await received.receive_until(b"\r\n\r\n", 65_536)).decode("latin-1")
        first, *lines = head.split("\r\n")
        method, path, _ = first.split(" ")
        split = [line.partition(": ") for line in lines]
        headers = httpx2.Headers([(name, value) for name, _, value in split])
        fate = self._fate(method, path, headers)
        if fate == "dropped before its body":
            return
        body = await received.receive_exactly(int(headers.get("content-length", "0")))
        if fate == "dropped before":
            return
        answer = await self._passed_on(method, path, headers, body)
        if fate == "500 after":
            await stream.send(_FAILED)
        elif fate == "passes":
            await stream.send(answer)

    def _fate(self, method: str, path: str, headers: httpx2.Headers) -> Fate:
        if (method, path) != ("POST", "/v1/evaluation"):
            return "passes"
        self.creates += 1
        self.keys.append(headers.get("idempotency-key"))
        return self.fates.pop(0) if self.fates else "passes"

    async def _passed_on(
        self, method: str, path: str, headers: httpx2.Headers, body: bytes
    ) -> bytes:
        async with httpx2.AsyncClient() as client:
            answer = await client.request(
                method, self.service + path, headers=headers, content=body
            )
        kind = answer.headers.get("content-type", "application/json")
        head = (
            f"HTTP/1.1 {answer.status_code} X\r\nContent-Type: {kind}\r\n"
            f"Content-Length: {len(answer.content)}\r\nConnection: close\r\n\r\n"
        )
        return head.encode() + answer.content


@asynccontextmanager
async def lossy_proxy(service: str, *fates: Fate) -> AsyncGenerator[LossyProxy]:
    """Run a proxy on a free port before a service's `/v1` until the block ends."""
    proxy = LossyProxy(service.removesuffix("/v1"), list(fates))
    async with await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=0) as listener:
        proxy.url = f"http://127.0.0.1:{listener.extra(SocketAttribute.local_port)}/v1"
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(listener.serve, proxy.serve)
            yield proxy
            tasks.cancel_scope.cancel()
