"""The server that FastMCP generates from an OpenAPI description, over stdio.

Run `generated_server.py DESCRIPTION BASE_URL` with the interpreter that has FastMCP; the arguments
are a JSON file and the base URL of its paths.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import httpx2
from fastmcp import FastMCP


def main() -> None:
    description = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    # The environment names a proxy that refuses connections; reading it would only cost time.
    client = httpx2.AsyncClient(base_url=sys.argv[2], timeout=60, trust_env=False)
    FastMCP.from_openapi(description, client, name="generated").run(show_banner=False)


if __name__ == "__main__":
    main()
