"""The measured versions: ours with its libraries, and those of others from their locks."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path

from benchmarks.peers.registry import locked

HERE = Path(__file__).parent

OURS = ("evals-mcp", "mcp", "pydantic", "starlette", "uvicorn", "aiohttp", "httpx2", "jinja2")
"""Packages whose versions affect our figures."""

LOCKS = {
    "fastmcp": "peers/packages/fastmcp.lock",
    "langsmith-mcp-server": "peers/packages/langsmith.lock",
    "opik-mcp": "peers/packages/opik.lock",
    "autoevals": "harnesses/packages/autoevals.lock",
    "arize-phoenix-evals": "harnesses/packages/phoenix.lock",
    "inspect-ai": "harnesses/packages/inspect_ai.lock",
    "polars": "dataframe/packages/polars.lock",
}
"""The lock of each package of another project."""

NPM_LOCK = "peers/packages/package-lock.json"


def ours() -> dict[str, str]:
    """Return the version of each package in this environment."""
    return {name: version(name) for name in OURS}


def others() -> dict[str, str]:
    """Return the version of each package that is compared with ours."""
    found = {name: locked(HERE / lock, name) for name, lock in LOCKS.items()}
    npm = json.loads((HERE / NPM_LOCK).read_text(encoding="utf-8"))["packages"]
    promptfoo = npm["node_modules/promptfoo"]["version"]
    return {**found, "promptfoo": promptfoo, "together": version("together")}
