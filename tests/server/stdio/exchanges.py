"""What a client says on its first lines, and the SDK's own answers to it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from typing import Any, cast

import anyio
from mcp.server.stdio import stdio_server

from evals_mcp.lifetime import open_services
from evals_mcp.server import build_server
from tests.server.serving import settings

VERSION = "1.2.3"
CLIENT = {"name": "test", "version": "0"}
META = "io.modelcontextprotocol/"

Message = dict[str, Any]


def request(number: str | int, method: str, **params: Any) -> Message:
    """A request; without parameters it has none."""
    message = {"jsonrpc": "2.0", "id": number, "method": method}
    return {**message, "params": params} if params else message


def initialize(version: str = "2025-11-25", *, number: str | int = 1, **changed: Any) -> Message:
    """The opening of a handshake."""
    params: Message = {
        "protocolVersion": version,
        "capabilities": {"roots": {}},
        "clientInfo": CLIENT,
    }
    return request(number, "initialize", **(params | changed))


INITIALIZED: Message = {"jsonrpc": "2.0", "method": "notifications/initialized"}


def modern(number: str | int, method: str, **changed: Any) -> Message:
    """A request of the modern era; what is changed is in its envelope."""
    meta = {"protocolVersion": "2026-07-28", "clientInfo": CLIENT, "clientCapabilities": {}}
    envelope = {f"{META}{key}": value for key, value in {**meta, **changed}.items()}
    return request(number, method, _meta=envelope)


def line(message: object) -> bytes:
    return json.dumps(message).encode()


class Script:
    """A standard input that says each line once the request before it has its answer."""

    def __init__(self, messages: Sequence[Message]) -> None:
        self.messages = messages
        self.answers: list[Message] = []
        self._answered = anyio.Event()

    async def __aiter__(self) -> AsyncIterator[str]:
        for message in self.messages:
            self._answered = anyio.Event()
            yield json.dumps(message)
            if "id" in message:
                with anyio.fail_after(60):
                    await self._answered.wait()

    async def write(self, text: str) -> None:
        self.answers.append(json.loads(text))
        self._answered.set()

    async def flush(self) -> None:
        pass


async def sdk_answers(*messages: Message, read_only: bool = False) -> list[Message]:
    """What the server itself answers, with nothing in front of it."""
    server = build_server(VERSION, lambda: open_services(settings()), read_only=read_only)
    script = cast("Any", Script(messages))
    async with stdio_server(script, script) as (received, sent):
        await server.run(received, sent, server.create_initialization_options())
    return script.answers
