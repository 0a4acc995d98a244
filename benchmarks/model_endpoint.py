"""A model endpoint that answers after a fixed time and costs too little to affect the figures.

Run `python benchmarks/model_endpoint.py --latency-ms 50`: it prints its port on the first line,
answers `POST /v1/chat/completions` until its standard input closes, and counts its calls at
`GET /calls`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import selectors
import sys
from functools import cache
from typing import Any

PRECISE_BELOW = 0.2
"""Seconds of latency from which one more millisecond does not matter."""

VERDICT = json.dumps({"feedback": "Fixed verdict.", "label": "good", "score": 7, "choice": "A"})


def http_response(body: bytes) -> bytes:
    """Frame one JSON body as a complete HTTP/1.1 response that keeps the connection open."""
    head = (
        f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


FORCED_TOOL = re.compile(rb'"tool_choice": ?{.*?"name": ?"([^"]+)"')


def completion(message: dict[str, Any], finish_reason: str) -> bytes:
    choice = {"index": 0, "finish_reason": finish_reason, "message": message}
    return http_response(
        json.dumps(
            {
                "id": "chatcmpl-1",
                "object": "chat.completion",
                "created": 1,
                "model": "fixed",
                "choices": [choice],
                "usage": {"prompt_tokens": 40, "completion_tokens": 20, "total_tokens": 60},
            }
        ).encode()
    )


COMPLETION = completion({"role": "assistant", "content": VERDICT}, "stop")


@cache
def tool_call(name: str) -> bytes:
    """Return the same verdict as a call of the tool that the request forces."""
    function = {"name": name, "arguments": json.dumps({"label": "good", "choice": "good"})}
    calls = [{"id": "call-1", "type": "function", "function": function}]
    return completion({"role": "assistant", "content": None, "tool_calls": calls}, "tool_calls")


class FixedLatencyEndpoint(asyncio.Protocol):
    """A connection that answers each request after the same delay."""

    calls = 0

    def __init__(self, latency: float) -> None:
        self.latency = latency
        self.received = b""
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.received += data
        while (end := self.received.find(b"\r\n\r\n")) >= 0:
            head = self.received[:end].lower()
            start = head.find(b"content-length:")
            length = int(head[start + 15 :].split(b"\r\n", 1)[0]) if start >= 0 else 0
            if len(self.received) < end + 4 + length:
                return
            body = self.received[end + 4 : end + 4 + length]
            self.received = self.received[end + 4 + length :]
            self.answer(head, body)

    def answer(self, head: bytes, body: bytes) -> None:
        assert self.transport is not None
        if head.startswith(b"get /calls"):
            self.transport.write(http_response(json.dumps(FixedLatencyEndpoint.calls).encode()))
            return
        FixedLatencyEndpoint.calls += 1
        forced = FORCED_TOOL.search(body) if b'"tool_choice"' in body else None
        answer = tool_call(forced[1].decode()) if forced else COMPLETION
        asyncio.get_running_loop().call_later(self.latency, self.transport.write, answer)


async def serve(latency: float) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: FixedLatencyEndpoint(latency), "127.0.0.1", 0, backlog=1024
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


def loop_for(latency: float) -> asyncio.AbstractEventLoop:
    """Return an event loop with exact timers if the latency is short and connections are few.

    The timers of epoll round up to the next millisecond, 2 % of a latency of 50 ms. Those of select
    do not, but select accepts at most a thousand connections.
    """
    if latency < PRECISE_BELOW:
        return asyncio.SelectorEventLoop(selectors.SelectSelector())
    return asyncio.new_event_loop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--latency-ms", type=float, default=50)
    latency = parser.parse_args().latency_ms / 1000
    with asyncio.Runner(loop_factory=lambda: loop_for(latency)) as runner:
        runner.run(serve(latency))
