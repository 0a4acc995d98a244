"""Runs the commands of an install, each with its own time limit, in a clean environment."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

OURS = ("EVALS_", "TOGETHER_", "NUGEN_", "PYTHON", "COVERAGE", "VIRTUAL_ENV", "XDG_")
"""Prefixes of variables that point to this source tree, its settings or the user's folders."""
LAST_WORDS = 2000
"""Number of characters of a failed command's output that are shown."""


class StepFailedError(Exception):
    """A step of an install failed; the message is the end of its output."""

    def __init__(self, step: str, output: str) -> None:
        super().__init__(output.strip()[-LAST_WORDS:])
        self.step = step


def run(
    step: str,
    command: Sequence[str | Path],
    *,
    folder: Path,
    seconds: float,
    changed: Mapping[str, str] | None = None,
) -> str:
    """Run a command in a folder; return its standard output.

    Raises:
        StepFailedError: the command failed or exceeded its time limit.
    """
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment(changed),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise StepFailedError(step, f"did not end within {seconds:g} s") from None
    if done.returncode:
        raise StepFailedError(step, f"{done.stdout[-LAST_WORDS // 2 :]}\n{done.stderr}")
    return done.stdout


def environment(changed: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment without this project's variables, updated with `changed`."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    return variables | dict(changed or {})
