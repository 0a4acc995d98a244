"""The harnesses: where they come from, and how one judges our rows.

Each is installed once, from a lock, into `build`. It calls only our endpoint: its reports, look-ups
and storage are switched off, and its home is a temporary folder.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.locked_packages import NODE, npm_packages, python_packages

from benchmarks.floor_loop import Usage
from benchmarks.peers.registry import PROMPTFOO_OFF, REASON_CHARACTERS, offline, reason

HERE = Path(__file__).parent
BUILD = HERE.parents[1] / "build"
DRIVERS = HERE / "drivers"
NPM = BUILD / "peers" / "npm"
NPM_LOCK = HERE.parent / "peers" / "packages" / "package-lock.json"

PATIENCE = 300.0
"""Seconds that one run may take."""


class HarnessError(RuntimeError):
    """A harness could not judge every row; the message says why."""


@dataclass(frozen=True)
class Harness:
    """A harness, with the name of its driver and its lock."""

    name: str
    is_python: bool = True

    def command(self) -> list[str]:
        """Return the command that starts the driver; installs the harness if necessary.

        Raises:
            HarnessError: the harness could not be installed.
        """
        try:
            if self.is_python:
                lock = HERE / "packages" / f"{self.name}.lock"
                program = python_packages(BUILD / "harnesses" / self.name, lock)
                return [str(program), str(DRIVERS / f"run_{self.name}.py")]
            npm_packages(NPM, NPM_LOCK)
        except (OSError, SystemExit) as error:  # a failed installation ends like a program
            raise HarnessError("its packages could not be installed") from error
        return [str(NODE), str(DRIVERS / f"run_{self.name}.mjs")]

    def judge(self, base_url: str, prompts: Path, rows: int, workers: int) -> Usage:
        """Judge each row of the file of prompts, with a number of rows in flight.

        Raises:
            HarnessError: the harness could not be installed, failed, or judged a row not good.
        """
        command = [*self.command(), base_url, str(prompts), str(workers)]
        told = _last_line(command)
        try:
            good, usage = told["good"], Usage(told["seconds"], told["cpu"], told["peak_mb"])
        except (KeyError, TypeError) as error:
            raise HarnessError(f"its last line is not what a driver tells: {error!r}") from error
        if good != rows:
            raise HarnessError(f"it read a good verdict from {good} of {rows} rows")
        return usage


HARNESSES = (
    Harness("autoevals"),
    Harness("phoenix"),
    Harness("inspect_ai"),
    Harness("promptfoo", is_python=False),
)


def _last_line(command: list[str]) -> dict[str, float]:
    prefix = "evals-mcp-harness-"
    with tempfile.TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True) as home:
        settings = offline(Path(home)) | PROMPTFOO_OFF | {"PROMPTFOO_CONFIG_DIR": home}
        try:
            done = subprocess.run(
                command,
                capture_output=True,
                text=True,
                timeout=PATIENCE,
                cwd=NPM if NPM.exists() else home,
                env={**os.environ, **settings},
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise HarnessError(f"it took more than {PATIENCE:.0f} s") from None
        except OSError as error:
            raise HarnessError(reason(error)) from error
    if done.returncode:
        logged = done.stderr.strip()[-REASON_CHARACTERS:] or f"it ended with {done.returncode}"
        raise HarnessError(reason(RuntimeError(logged)))
    try:
        return json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError) as error:
        raise HarnessError("its last line is not the JSON that a driver tells") from error
