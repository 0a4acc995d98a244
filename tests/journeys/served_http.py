"""The server over HTTP, started by the real command in its own process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

import anyio
from anyio import to_thread


@dataclass
class ServedOverHttp:
    """A running `evals-mcp serve --http`."""

    process: subprocess.Popen[str]
    url: str
    """Address of the MCP endpoint."""
    log: IO[str]

    @property
    def root(self) -> str:
        """Address of the server, without a path."""
        return self.url.rpartition("/")[0]

    def logged(self) -> str:
        """Return what the server has written to standard error."""
        self.log.flush()
        self.log.seek(0)
        return self.log.read()


def _start(environment: dict[str, str], port: str, log: IO[str]) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "evals_mcp.cli", "serve", "--http", "--port", port]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, env=environment, text=True)


@asynccontextmanager
async def served_over_http(data: Path, **settings: str) -> AsyncGenerator[ServedOverHttp]:
    """Start the server, on a free port unless HTTP__PORT names one; stop it when the block ends.

    Settings are environment variables without their `EVALS_MCP_` prefix.
    """
    inherited = {n: v for n, v in os.environ.items() if not n.startswith(("EVALS_", "TOGETHER_"))}
    environment = {
        **inherited,
        "EVALS_MCP_LOCAL__DATA_DIR": str(data / "engine"),
        "EVALS_MCP_LOCAL__STOP_SECONDS": "1",
        "EVALS_MCP_RESULTS__CACHE_DIR": str(data / "results"),
        "EVALS_MCP_BUDGET__KEY_FILE": str(data / "confirm.key"),
        "EVALS_MCP_STATE__FOLDER": str(data / "state"),
        **{f"EVALS_MCP_{name}": value for name, value in settings.items()},
    }
    data.mkdir(parents=True, exist_ok=True)
    with (data / "stderr").open("a+", encoding="utf-8") as log:
        process = _start(environment, settings.get("HTTP__PORT", "0"), log)
        printed = cast("IO[str]", process.stdout)
        try:
            with anyio.fail_after(60):
                line = await to_thread.run_sync(printed.readline)
            assert line, (data / "stderr").read_text(encoding="utf-8")
            yield ServedOverHttp(process, line.split()[-1], log)
        finally:
            if process.poll() is None:
                process.terminate()
            printed.close()
            with anyio.CancelScope(shield=True):
                await to_thread.run_sync(process.wait, 60)
