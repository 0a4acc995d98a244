"""Servers with a secret in every setting that can hold one."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
from anyio import to_thread

from tests.journeys.issuer import AUDIENCE


def planted(name: str) -> str:
    return f"planted-{name}-4f9c"


CONFIGURED = [
    *("together", "nugen", "models", "dedicated", "credential", "engine", "owner"),
    *("engine-server", "engine-metrics"),
    *("subject-together", "subject-nugen"),
]
BROUGHT = ["header-together", "header-nugen", "other-header"]


def configuration(folder: Path, upstream: str, models: str, issuer: str) -> Path:
    """Write a configuration file with a secret in every setting that can hold one."""
    path = folder / "config.toml"
    path.write_text(f"""
[server]
log_level = "debug"
[together]
base_url = "{upstream}/v1"
token = "{planted("together")}"
[nugen]
base_url = "{upstream}"
token = "{planted("nugen")}"
generation = 1
[budget]
confirm_above_calls = 1000000
key_file = "{folder}/keys/confirm.key"
[state]
folder = "{folder}/state"
[results]
cache_dir = "{folder}/cache"
[local.models]
base_url = "{models}"
token = "{planted("models")}"
[local.dedicated.mine]
base_url = "{models}"
token = "{planted("dedicated")}"
[credentials.vendor]
base_url = "{models}"
token = "{planted("credential")}"
[engine]
token = "{planted("engine")}"
[engine.server]
token = "{planted("engine-server")}"
[engine.metrics]
token = "{planted("engine-metrics")}"
[engine.owners.ann]
token = "{planted("owner")}"
[http]
calls_at_once = 100
calls_per_minute = 100000
[oauth]
issuer = "{issuer}"
jwks_url = "{issuer}/keys"
resource = "{AUDIENCE}"
[oauth.subjects.alice]
subject = "alice"
together.token = "{planted("subject-together")}"
nugen.token = "{planted("subject-nugen")}"
""")
    path.chmod(0o600)
    return path


def start(folder: Path, name: str, command: Sequence[str], **chosen: str) -> subprocess.Popen[str]:
    """Run a server with the real command and write its log to a file."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("EVALS_")}
    own |= {f"EVALS_MCP_{setting}": value for setting, value in chosen.items()}
    own["EVALS_MCP_LOCAL__DATA_DIR"] = str(folder / "data" / name)
    arguments = ["--config", str(folder / "config.toml"), *command, "--port", "0"]
    with (folder / f"{name}.log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "evals_mcp.cli", *arguments],
            stdout=subprocess.PIPE,
            stderr=log,
            env=own,
            cwd=folder,
            text=True,
        )


@asynccontextmanager
async def process(folder: Path, name: str, *command: str, **chosen: str) -> AsyncGenerator[str]:
    """Run a server in its own process and yield its URL."""
    running = start(folder, name, command, **chosen)
    assert running.stdout
    try:
        with anyio.fail_after(300):
            line = await to_thread.run_sync(running.stdout.readline)
        yield re.sub(r"/(mcp|v1)\s*$", "", line.split()[-1])
    finally:
        running.send_signal(signal.SIGTERM)
        running.stdout.close()
        with anyio.CancelScope(shield=True):
            await to_thread.run_sync(running.wait, 60)
