"""Starts the server as a client would, and reads its first answers."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Timer
from typing import IO, Any

from evals_mcp.cleaning import clean
from evals_mcp.installing.entries import Launch

LONGEST_SECONDS = 10.0
"""Seconds that a start may take; clients wait for 30 and more."""

_MESSAGES = (
    {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": {"name": "evals-mcp-doctor", "version": "0"},
        },
    },
    {"jsonrpc": "2.0", "method": "notifications/initialized"},
    {"jsonrpc": "2.0", "id": 2, "method": "tools/list"},
)


@dataclass(frozen=True)
class Trial:
    """What became of a start."""

    seconds: float
    tools: int = 0
    problem: str = ""
    """Why there was no answer; empty if there was one."""


def try_start(
    launch: Launch, environ: Mapping[str, str], folder: Path, longest: float = LONGEST_SECONDS
) -> Trial:
    """Start a server over stdio, list its tools, and end it.

    Args:
        launch: The command.
        environ: All its environment variables.
        folder: Its working folder.
        longest: Seconds after which it is ended.
    """
    started = time.monotonic()
    try:
        process = subprocess.Popen(  # noqa: S603 - this server, as its entry names it
            launch.line,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(environ),
            cwd=folder,
        )
    except OSError as error:
        return Trial(0.0, problem=f"the program cannot be started ({error.strerror})")
    watchdog = Timer(longest, process.kill)
    watchdog.start()
    with process:
        try:
            tools = _tools(process.stdin, process.stdout)
            seconds = time.monotonic() - started
        finally:
            watchdog.cancel()
            process.kill()
        if tools is not None:
            return Trial(seconds, len(tools))
        errors = process.stderr.read(4096).decode(errors="replace") if process.stderr else ""
    first = clean(errors.strip().splitlines()[0], 300) if errors.strip() else "it ended"
    problem = first if seconds < longest else f"no answer in {longest:.0f} s"
    return Trial(seconds, problem=problem.removeprefix("evals-mcp: "))


def _tools(asks: IO[bytes] | None, answers: IO[bytes] | None) -> list[Any] | None:
    """Return the tools that a server lists; None if it lists none."""
    assert asks is not None
    assert answers is not None
    with suppress(OSError, ValueError, KeyError, TypeError):
        for message in _MESSAGES:
            asks.write(json.dumps(message).encode() + b"\n")
        asks.flush()
        while line := answers.readline(2**24):
            answer = json.loads(line)
            if answer.get("id") == 2:
                return list(answer["result"]["tools"])
    return None
