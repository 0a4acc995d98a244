"""The servers of other projects: where they come from and how they start.

Each is installed once, from a lock, into `build/peers`. Then it starts without an account and
without a network: its reports are switched off, other requests go to a closed port, and its home is
a temporary folder.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.engine.openapi import Description
from tests.locked_packages import NODE, npm_packages, python_packages

from benchmarks.stdio_session import Server
from evals_schemas.evaluation_api.operations import OPERATIONS

PACKAGES = Path(__file__).with_name("packages")
BUILD = Path(__file__).parents[2] / "build" / "peers"
GENERATED_SERVER = Path(__file__).with_name("generated_server.py")

CLOSED = "http://127.0.0.1:9"
"""An address where nothing listens, at the port reserved for the discard protocol."""

GENERATED = "FastMCP from OpenAPI"
PROMPTFOO = "promptfoo"
LANGSMITH = "LangSmith"
OPIK = "Opik"

OPIK_PYTHON = (3, 13)
"""The oldest Python version that its packages support."""

REASON_CHARACTERS = 160


class UnavailableError(RuntimeError):
    """A peer cannot run on this machine; the message says why."""


@contextmanager
def peers(engine: str = CLOSED) -> Generator[tuple[list[Server], dict[str, str]]]:
    """Yield the peers that can be started until the block ends, and why the others cannot.

    Peers that evaluate through the REST API use the engine's address.
    """
    ready: list[Server] = []
    reasons: dict[str, str] = {}
    prefix = "evals-mcp-peers-"
    with tempfile.TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True) as folder:
        for number, (name, found) in enumerate(PEERS.items()):
            home = Path(folder, str(number))
            home.mkdir()
            try:
                ready.append(found(home, engine))
            # A failed installation raises SystemExit, like a program that ends.
            except (UnavailableError, OSError, SystemExit) as error:
                reasons[name] = reason(error)
        yield ready, reasons


def reason(error: BaseException) -> str:
    """Return why a peer has no figure, short enough for a note."""
    return " ".join(str(error).replace("|", "/").split())[:REASON_CHARACTERS]


def generated(home: Path, engine: str) -> Server:
    """Return the server that is generated from the description of the evaluation API."""
    lock = PACKAGES / "fastmcp.lock"
    python = python_packages(BUILD / "fastmcp", lock)
    file = home / "openapi.json"
    file.write_text(json.dumps(description()), encoding="utf-8")
    command = (str(python), "-I", str(GENERATED_SERVER), str(file), engine)
    return Server(GENERATED, command, offline(home) | FASTMCP_OFF, locked(lock, "fastmcp"))


def description() -> dict[str, Any]:
    """Return the evaluation API as OpenAPI.

    The vendor's file is not part of this project. This is the same contract, with the operations on
    files and models, made from our table without the operations that only the engine has.
    """
    document = Description({}).document()
    for operation in OPERATIONS:
        if not operation.vendor:
            del document["paths"][operation.path][operation.method.lower()]
    return document


def promptfoo(home: Path, engine: str) -> Server:  # noqa: ARG001  # it evaluates by itself
    """Return the server in promptfoo, which stores its evaluations in its home.

    Its lock replaces packages that it needs only for other clouds and browsers by empty ones.
    """
    lock = PACKAGES / "package-lock.json"
    npm_packages(BUILD / "npm", lock)
    package = BUILD / "npm" / "node_modules" / "promptfoo"
    entry = str(package / "dist" / "src" / "entrypoint.js")
    command = (str(NODE), entry, "mcp", "--transport", "stdio")
    settings = offline(home) | PROMPTFOO_OFF | {"PROMPTFOO_CONFIG_DIR": str(home / "promptfoo")}
    version = json.loads((package / "package.json").read_text(encoding="utf-8"))["version"]
    return Server(PROMPTFOO, command, settings, version)


def langsmith(home: Path, engine: str) -> Server:  # noqa: ARG001  # it knows its own service only
    """Return LangSmith's server, which cannot reach its service here."""
    lock = PACKAGES / "langsmith.lock"
    python = python_packages(BUILD / "langsmith", lock)
    command = (str(python), "-I", "-c", "from langsmith_mcp_server.server import main; main()")
    account = {"LANGSMITH_API_KEY": "none", "LANGSMITH_ENDPOINT": CLOSED}
    settings = offline(home) | FASTMCP_OFF | account
    return Server(LANGSMITH, command, settings, locked(lock, "langsmith-mcp-server"))


def opik(home: Path, engine: str) -> Server:  # noqa: ARG001  # it knows its own service only
    """Return Opik's server, which cannot reach its service here."""
    if sys.version_info < OPIK_PYTHON:
        raise UnavailableError(f"opik-mcp needs Python {'.'.join(map(str, OPIK_PYTHON))}")
    lock = PACKAGES / "opik.lock"
    python = python_packages(BUILD / "opik", lock)
    command = (str(python), "-I", "-c", "from opik_mcp.__main__ import main; main()")
    account = {"OPIK_API_KEY": "none", "OPIK_URL": f"{CLOSED}/api"}
    return Server(OPIK, command, offline(home) | OPIK_OFF | account, locked(lock, "opik-mcp"))


PEERS: dict[str, Callable[[Path, str], Server]] = {
    GENERATED: generated,
    PROMPTFOO: promptfoo,
    LANGSMITH: langsmith,
    OPIK: opik,
}
"""Functions by the peer's name that install it and return how it starts.

Each takes the peer's home and the engine's address."""

FASTMCP_OFF = {"FASTMCP_CHECK_FOR_UPDATES": "off", "FASTMCP_SHOW_SERVER_BANNER": "false"}
OPIK_OFF = {"OPIK_MCP_ANALYTICS_ENABLED": "false", "OPIK_MCP_SENTRY_ENABLED": "false"}
PROMPTFOO_OFF = {
    # It still reports once that its telemetry is off; the closed proxy stops that report.
    "PROMPTFOO_DISABLE_TELEMETRY": "1",
    "PROMPTFOO_DISABLE_UPDATE": "1",
    "PROMPTFOO_DISABLE_SHARING": "1",
    "PROMPTFOO_DISABLE_REMOTE_GENERATION": "1",
    # A failing row does not make the run fail.
    "PROMPTFOO_FAILED_TEST_EXIT_CODE": "0",
}


def offline(home: Path) -> dict[str, str]:
    """Return an environment without files of the user, in which only this machine is reachable."""
    proxies = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
    homes = ("HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA", "XDG_CACHE_HOME")
    homes += ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME")
    settings = dict.fromkeys(proxies, CLOSED) | {"NO_PROXY": "127.0.0.1,localhost"}
    lower = {name.lower(): value for name, value in settings.items()}
    return settings | lower | dict.fromkeys(homes, str(home))


def locked(lock: Path, package: str) -> str:
    """Return the version of a package in a lock."""
    line = re.compile(rf"^{re.escape(package)}==(\S+)", re.MULTILINE)
    found = line.search(lock.read_text(encoding="utf-8"))
    assert found is not None
    return found[1]
