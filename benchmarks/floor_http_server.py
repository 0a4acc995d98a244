"""The floor for HTTP: the plain SDK with one tool that makes one REST call, in one process."""

from __future__ import annotations

import os
import socket

import httpx2
import uvicorn
from mcp.server import MCPServer


def main() -> None:
    server = MCPServer("floor")
    client = httpx2.AsyncClient(base_url=os.environ["FLOOR_UPSTREAM"])

    @server.tool()
    async def get_status(evaluation_id: str) -> str:  # pyright: ignore[reportUnusedFunction]  # the decorator keeps it
        """The status of an evaluation, as the service answers it."""
        answer = await client.get(f"/evaluation/{evaluation_id}/status")
        return answer.text

    # As the event loop makes its own: with the protocol named, small answers are not held back.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.bind(("127.0.0.1", 0))
    listening.listen(1024)
    print(f"http://127.0.0.1:{listening.getsockname()[1]}/mcp", flush=True)
    app = server.streamable_http_app(stateless_http=True)
    config = uvicorn.Config(app, log_config=None, access_log=False)
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
