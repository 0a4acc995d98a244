"""The engine, served over loopback by the real command in its own process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

import anyio
from anyio import to_thread


@dataclass
class ServedEngine:
    """A running `evals-mcp engine`."""

    process: subprocess.Popen[str]
    url: str
    """Base URL, ending in /v1."""

    def kill(self) -> None:
        """Kill the process, as a crash would: no handler runs, nothing is flushed."""
        self.process.kill()
        self.process.wait(60)


def _start(environment: dict[str, str], options: Sequence[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "evals_mcp.cli", "engine", "--port", "0", *options],
        stdout=subprocess.PIPE,
        env=environment,
        text=True,
    )


@asynccontextmanager
async def served_engine(
    data_dir: Path, *options: str, **settings: str
) -> AsyncGenerator[ServedEngine]:
    """Start the engine on a free port; stop it when the block ends, if it still runs.

    Options are those of the command; settings are environment variables without their
    `EVALS_MCP_` prefix.
    """
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("EVALS_")},
        "EVALS_MCP_LOCAL__DATA_DIR": str(data_dir),
        "EVALS_MCP_LOCAL__STOP_SECONDS": "1",
        **{f"EVALS_MCP_{name}": value for name, value in settings.items()},
    }
    process = _start(environment, options)
    try:
        with anyio.fail_after(60):
            line = await to_thread.run_sync(cast("IO[str]", process.stdout).readline)
        yield ServedEngine(process, line.split()[-1])
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        cast("IO[str]", process.stdout).close()
        with anyio.CancelScope(shield=True):
            await to_thread.run_sync(process.wait, 60)
