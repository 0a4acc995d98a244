"""The floor for HTTP: the plain SDK with one tool that makes one REST call, in one process."""

from __future__ import annotations

import socket

import uvicorn
from floor_stdio_server import status_server  # the folder of a script is on its path


def main() -> None:
    # With the protocol named, as in the event loop's own sockets, small answers are not delayed.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.bind(("127.0.0.1", 0))
    listening.listen(1024)
    print(f"http://127.0.0.1:{listening.getsockname()[1]}/mcp", flush=True)
    app = status_server().streamable_http_app(stateless_http=True)
    config = uvicorn.Config(app, log_config=None, access_log=False)
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
