"""Measures the most requests a second that the model endpoint can serve to a minimal client."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

from benchmarks.child_process import child
from benchmarks.engine_client import ENDPOINT
from benchmarks.figures import Figure, measured
from benchmarks.floor_loop import BODY
from benchmarks.model_endpoint import COMPLETION
from benchmarks.resources import cpu_seconds

REQUESTS = 20_000
REPETITIONS = 3


def ceiling(connections: int) -> Figure:
    """Return the requests a second without latency; client and endpoint are two processes."""
    with child([*ENDPOINT, "--latency-ms", "0"]) as endpoint:
        base_url = f"http://127.0.0.1:{int(endpoint.receive())}/v1"
        before = cpu_seconds(endpoint.pid)
        rates = [asyncio.run(rate(base_url, connections)) for _ in range(REPETITIONS)]
        after = cpu_seconds(endpoint.pid)
    note = "no latency, a raw client in a process of its own"
    if before is not None and after is not None:
        # The client takes about as much time, and other processes on the machine slow both.
        alone = REQUESTS * REPETITIONS / (after - before)
        note += f"; {alone:,.0f} by the endpoint's own processor time"
    name = f"engine: the endpoint's own ceiling, {connections} connections"
    return measured(name, rates, "requests/s", note)


async def rate(base_url: str, connections: int) -> float:
    """Send the requests; each connection sends its next one when the last one is answered."""
    address = urlsplit(base_url)
    body = json.dumps(BODY).encode()
    request = (
        f"POST {address.path}/chat/completions HTTP/1.1\r\nHost: {address.netloc}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body
    loop, left = asyncio.get_running_loop(), iter(range(REQUESTS))
    started = time.perf_counter()
    connected = [
        await loop.create_connection(
            lambda: Hammer(request, left, loop), address.hostname, address.port
        )
        for _ in range(connections)
    ]
    await asyncio.gather(*(hammer.ended for _, hammer in connected))
    return REQUESTS / (time.perf_counter() - started)


class Hammer(asyncio.Protocol):
    """A connection that counts bytes up to the expected length of the answer, and reads no more."""

    def __init__(
        self, request: bytes, left: Iterator[int], loop: asyncio.AbstractEventLoop
    ) -> None:
        self.request = request
        self.left = left
        self.missing = 0
        self.ended: asyncio.Future[None] = loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.send()

    def send(self) -> None:
        if next(self.left, None) is None:
            self.transport.close()
            return
        self.missing = len(COMPLETION)
        self.transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        self.missing -= len(data)
        if self.missing == 0:
            self.send()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # of Protocol
        self.ended.set_result(None)
