"""The floor for a call over stdio: the plain SDK with one tool that makes one REST call."""

from __future__ import annotations

import os

import httpx2
from mcp.server import MCPServer


def status_server() -> MCPServer:
    """Return a server with one tool; the service is at FLOOR_UPSTREAM."""
    server = MCPServer("floor")
    client = httpx2.AsyncClient(base_url=os.environ["FLOOR_UPSTREAM"])

    @server.tool()
    async def get_status(evaluation_id: str) -> str:  # pyright: ignore[reportUnusedFunction]  # the decorator keeps it
        """Return the status of an evaluation, as the service answers it."""
        answer = await client.get(f"/evaluation/{evaluation_id}/status")
        return answer.text

    return server


if __name__ == "__main__":
    status_server().run()
