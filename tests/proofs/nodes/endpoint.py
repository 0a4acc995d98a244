"""A model endpoint that counts the calls in flight, and which rows it was asked about."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections import Counter
from typing import Any, Self

_ROW = re.compile(rb"ROW-(\d+) ")
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)

GUARD_SECONDS = 300.0
"""Seconds after which calls that do not come are a failure."""

MODELS = {"object": "list", "data": [{"id": "judge-1", "object": "model"}]}
"""The models that it lists."""


class CountingEndpoint:
    """Answers each call after the same time, with a text that the row decides."""

    def __init__(self, latency: float) -> None:
        self.latency = latency
        self.by_row: Counter[int] = Counter()
        self.in_flight = 0
        self.most_in_flight = 0
        self.last_call = 0.0
        """The time of the newest call, in seconds of `time.monotonic`."""
        self._enough: list[tuple[int, asyncio.Event]] = []
        self._server: asyncio.Server | None = None

    @property
    def base_url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v1"

    @property
    def repeated(self) -> int:
        """Calls for rows that it was asked about before."""
        return self.by_row.total() - len(self.by_row)

    async def asked_about(self, rows: int) -> None:
        """Return when it was asked about so many different rows."""
        if len(self.by_row) < rows:
            reached = asyncio.Event()
            self._enough.append((rows, reached))
            async with asyncio.timeout(GUARD_SECONDS):
                await reached.wait()

    def count(self, body: bytes) -> bytes:
        """Count a call that begins; return its answer."""
        row = _ROW.search(body)
        number = int(row[1]) if row else 0
        self.by_row[number] += 1
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        self.last_call = time.monotonic()
        for rows, reached in self._enough:
            if len(self.by_row) >= rows:
                reached.set()
        if b'"candidate-1"' in body:
            return _response(_completion(f"answer {number % 13}"))
        verdict = {"feedback": "", "label": "good" if number % 10 < 7 else "bad"}
        return _response(_completion(json.dumps(verdict)))

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()


class _Connection(asyncio.Protocol):
    def __init__(self, endpoint: CountingEndpoint) -> None:
        self._endpoint = endpoint
        self._received = b""
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            length = _LENGTH.search(self._received[:end])
            size = end + 4 + (int(length[1]) if length else 0)
            if len(self._received) < size:
                return
            is_list = self._received.startswith(b"GET ")
            body, self._received = self._received[end + 4 : size], self._received[size:]
            if is_list:
                self._transport.write(_response(MODELS))
                continue
            answer = self._endpoint.count(body)
            loop = asyncio.get_running_loop()
            loop.call_later(self._endpoint.latency, self._answer, answer)

    def _answer(self, answer: bytes) -> None:
        self._endpoint.in_flight -= 1
        if not self._transport.is_closing():
            self._transport.write(answer)


def _completion(text: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": text}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "fixed",
        "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
        "usage": {"prompt_tokens": 40, "completion_tokens": 20, "total_tokens": 60},
    }


def _response(content: dict[str, Any]) -> bytes:
    body = json.dumps(content).encode()
    head = (
        f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
