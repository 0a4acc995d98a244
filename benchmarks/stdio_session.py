"""The few words of MCP that the benchmarks need, written to a server's standard input.

No client library stands in between, so its time is not measured with the server's.
"""

from __future__ import annotations

import json
from typing import Any

from benchmarks.child_process import Child, ChildFailedError

PROTOCOL = "2025-06-18"
"""A handshake version that clients of today send."""


def initialize(server: Child) -> dict[str, Any]:
    """Send the first message and return the result of the server's answer to it."""
    client = {"name": "benchmarks", "version": "1"}
    params = {"protocolVersion": PROTOCOL, "capabilities": {}, "clientInfo": client}
    result = ask(server, "initialize", params)
    server.send(json.dumps({"jsonrpc": "2.0", "method": "notifications/initialized"}))
    return result


def list_tools(server: Child) -> list[dict[str, Any]]:
    """Every tool, from all pages."""
    tools: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        page = ask(server, "tools/list", {"cursor": cursor} if cursor else {})
        tools += page["tools"]
        if not (cursor := page.get("nextCursor")):
            return tools


def ask(server: Child, method: str, params: dict[str, Any]) -> dict[str, Any]:
    """One request and the result of its answer; notifications in between are passed over.

    Raises:
        ChildFailedError: the server ended, fell silent or answered with an error.
    """
    request = {"jsonrpc": "2.0", "id": method, "method": method, "params": params}
    server.send(json.dumps(request))
    while "id" not in (answer := json.loads(server.receive())):
        pass
    if "error" in answer:
        raise ChildFailedError(f"{method}: {answer['error']}")
    return answer["result"]
