"""Tries an installed command: it must print its version, list its tools and run the demo.

All of this runs in an empty folder, with an empty home folder.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryFile
from threading import Timer
from typing import IO, Any

from tests.fresh_install.commands import LAST_WORDS, StepFailedError, environment, run
from tests.fresh_install.installs import Install

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / "schemas" / "evals_schemas" / "tools" / "tools.json"

HOME: tuple[str, ...] = ("HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA")
"""The variables that name a user's folders."""
CLIENT = {"name": "fresh-install", "version": "1"}
INITIALIZE = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": CLIENT}
STDIO_SECONDS = 60
DEMO_SECONDS = 180
DEMO_TYPES = {"classify", "score", "compare"}
"""Types of the evaluations that the demo's last answer lists as completed."""

Send = Callable[..., dict[str, Any]]
"""Sends a request, or a notification without an id, and returns the result."""


def prove(install: Install, version: str) -> None:
    """Try the command as a user would.

    Raises:
        StepFailedError: the command failed.
    """
    empty = str(_empty(install.folder / "home"))
    home = dict.fromkeys(HOME, empty)
    output = run(
        "--version",
        [install.command, "--version"],
        folder=_empty(install.folder / "work"),
        seconds=60,
        changed=home,
    )
    if output.strip() != version:
        raise StepFailedError("--version", f"It printed {output!r}, not {version}.")
    _prove_stdio(install, home)
    _prove_demo(install, home)


def _prove_stdio(install: Install, home: dict[str, str]) -> None:
    """Check that the tools are listed at once, and again after the SDK has loaded for a call."""
    with TemporaryFile() as log:
        process = subprocess.Popen(
            [install.command],
            cwd=_empty(install.folder / "work"),
            env=environment(home),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
        )
        watchdog = Timer(STDIO_SECONDS, process.kill)
        watchdog.start()
        try:
            with process:
                _converse(_sender(process, log))
            if process.returncode:
                raise StepFailedError("end", f"code {process.returncode}; {_logged(log)}")
        finally:
            watchdog.cancel()


def _converse(send: Send) -> None:
    served = send("initialize", id=1, params=INITIALIZE)["serverInfo"]["name"]
    if served != "evals-mcp":
        raise StepFailedError("initialize", f"The server's name is {served!r}.")
    send("notifications/initialized")
    expected = json.loads(TOOLS.read_text(encoding="utf-8"))["tools"]
    for number in (2, 4):
        listed = send("tools/list", id=number)["tools"]
        if listed != expected:
            names = [tool["name"] for tool in listed]
            raise StepFailedError("tools/list", f"not as in {TOOLS.name}: {names}")
        send("tools/call", id=number + 1, params={"name": "list_datasets", "arguments": {}})


def _sender(process: subprocess.Popen[bytes], log: IO[bytes]) -> Send:
    assert process.stdin is not None
    assert process.stdout is not None
    ask, answers = process.stdin, process.stdout

    def send(method: str, **rest: Any) -> dict[str, Any]:
        line = b""
        try:
            ask.write(json.dumps({"jsonrpc": "2.0", "method": method, **rest}).encode() + b"\n")
            ask.flush()
            line = answers.readline() if "id" in rest else b'{"result": {}}'
            return json.loads(line)["result"]
        except (OSError, ValueError, KeyError) as error:
            process.kill()
            raise StepFailedError(method, f"{error!r} of {line!r}; {_logged(log)}") from error

    return send


def _logged(log: IO[bytes]) -> str:
    log.seek(0)
    return "logged: " + log.read()[-LAST_WORDS:].decode(errors="replace")


def _prove_demo(install: Install, home: dict[str, str]) -> None:
    """Run a copy of the demo outside of this source tree."""
    examples = shutil.copytree(ROOT / "examples", install.folder / "examples")
    output = run(
        "demo",
        [install.interpreter, examples / "demo.py"],
        folder=_empty(install.folder / "work"),
        seconds=DEMO_SECONDS,
        changed=home,
    )
    if missing := DEMO_TYPES - set(re.findall(r"\b(\w+) completed\b", output)):
        raise StepFailedError("demo", f"{output}\nNot completed: {sorted(missing)}.")


def _empty(folder: Path) -> Path:
    """Return the folder, newly created and empty."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder
