"""The commands. This is the only module that prints.

Each command imports what it needs once it is chosen, so that a help text and the server's first
answer wait for nothing else.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from evals_mcp.errors import OperatorError, SettingsError

if TYPE_CHECKING:
    from evals_mcp.settings import Settings

# ruff: noqa: PLC0415 - see above


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit code is 0, or 2 when the command line or a setting is wrong."""
    chosen = _parser().parse_args(arguments)
    if chosen.command == "tools":
        return _tools()
    try:
        settings = _load(chosen.config)
        if chosen.command == "engine":
            return _engine(settings, chosen.host, chosen.port)
        return _serve(settings)
    except OperatorError as error:
        print(f"evals-mcp: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="evals-mcp",
        description="An MCP server that launches, watches and reads evaluations of language "
        "models. Without a command it serves over stdio.",
    )
    parser.add_argument("--version", action="version", version=version("evals-mcp"))
    parser.add_argument("--config", type=Path, metavar="PATH", help="configuration file (TOML)")
    commands = parser.add_subparsers(dest="command", title="commands", metavar="COMMAND")
    commands.add_parser("serve", help="serve MCP over stdio (the default)")
    engine = commands.add_parser("engine", help="run the evaluation engine as a REST service")
    engine.add_argument("--host", help="address to listen on; engine.host if absent")
    engine.add_argument(
        "--port", type=int, help="TCP port, 0 for a free one; engine.port if absent"
    )
    commands.add_parser("tools", help="print the tools as JSON, as a client sees them")
    return parser


def _load(config: Path | None) -> Settings:
    from evals_mcp.settings import load_settings

    settings = load_settings(config, os.environ, Path.cwd())
    _log_to_stderr(settings.server.log_level.upper())
    return settings


def _log_to_stderr(level: str) -> None:
    """Log our own at the chosen level; libraries would write whole arguments and addresses."""
    own = logging.getLevelNamesMapping()[level]
    logging.basicConfig(
        stream=sys.stderr,
        level=max(own, logging.WARNING),
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    for package in ("evals_mcp", "evals_engine"):
        logging.getLogger(package).setLevel(own)


def _serve(settings: Settings) -> int:
    import signal

    import anyio
    from mcp.server.stdio import stdio_server

    from evals_mcp.server import build_server
    from evals_mcp.services import open_services

    server = build_server(version("evals-mcp"), partial(open_services, settings))

    async def serve() -> None:
        async with stdio_server() as (received, sent):
            await server.run(received, sent, server.create_initialization_options())

    # A thread waits for standard input and cannot be interrupted; runs are durable at any moment.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    anyio.run(serve)
    return 0


def _engine(settings: Settings, host: str | None, port: int | None) -> int:
    from evals_mcp.engine_service import EngineService

    if port is not None and not 0 <= port <= 65535:
        raise SettingsError("--port must be from 0 to 65535; 0 takes a free one")
    try:
        service = EngineService(settings, host or settings.engine.host, port)
    except (OSError, UnicodeError) as error:
        problem = getattr(error, "strerror", None) or "no host name"
        raise SettingsError(
            f"engine.host and engine.port: cannot listen there ({problem}); choose another port, "
            "or 0 for a free one"
        ) from None
    service.run(lambda url: print(f"evals-mcp engine on {url}", flush=True))
    return 0


def _tools() -> int:
    import json

    from evals_mcp.tools.catalog import TOOLS

    listed = [
        definition.tool.model_dump(mode="json", by_alias=True, exclude_none=True)
        for definition in TOOLS
    ]
    print(json.dumps({"tools": listed}, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
