"""The few MCP messages that the benchmarks need, written to a server's standard input.

It uses no client library, whose time would be measured with the server's.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from benchmarks.child_process import Child, ChildFailedError, child

PROTOCOL = "2025-06-18"
"""A protocol version that current clients send."""


@dataclass(frozen=True)
class Server:
    """A server over stdio: its name and how it is started."""

    name: str
    command: tuple[str, ...]
    settings: Mapping[str, str]
    """Variables that are added to this process's environment."""
    release: str = ""
    """The version; empty for this project's server."""

    @property
    def title(self) -> str:
        """Name and version."""
        return f"{self.name} {self.release}".rstrip()


@contextmanager
def session(server: Server) -> Generator[Child]:
    """Run a server until the block ends, and yield a session with it."""
    with child(server.command, server.settings) as process:
        initialize(process)
        yield process


def initialize(server: Child) -> dict[str, Any]:
    """Send the first message and return the result of the server's answer to it."""
    client = {"name": "benchmarks", "version": "1"}
    params = {"protocolVersion": PROTOCOL, "capabilities": {}, "clientInfo": client}
    result = ask(server, "initialize", params)
    server.send(json.dumps({"jsonrpc": "2.0", "method": "notifications/initialized"}))
    return result


def list_tools(server: Child) -> list[dict[str, Any]]:
    """Return all tools, from all pages."""
    tools: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        page = ask(server, "tools/list", {"cursor": cursor} if cursor else {})
        tools += page["tools"]
        if not (cursor := page.get("nextCursor")):
            return tools


def call_tool(server: Child, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answer of a tool, which may be an error of the tool."""
    return ask(server, "tools/call", {"name": name, "arguments": dict(arguments)})


def ask(server: Child, method: str, params: dict[str, Any]) -> dict[str, Any]:
    """Send one request and return the result of its answer; other messages are skipped.

    Raises:
        ChildFailedError: the server ended, stopped answering, or answered with an error or not
            in MCP.
    """
    request = {"jsonrpc": "2.0", "id": method, "method": method, "params": params}
    server.send(json.dumps(request))
    while "method" in (answer := message(server)):
        pass
    if "result" not in answer:
        raise ChildFailedError(f"{method}: {answer.get('error')}")
    return answer["result"]


def message(server: Child) -> dict[str, Any]:
    """Return the next message.

    Raises:
        ChildFailedError: the server gave no further message.
    """
    line = server.receive()
    try:
        return json.loads(line)
    except ValueError as error:
        raise ChildFailedError(f"no message: {line[:200]!r}") from error
