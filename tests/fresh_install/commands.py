"""Runs the commands of an install, each within a time of its own, in a stranger's environment."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

OURS = ("EVALS_", "TOGETHER_", "NUGEN_", "PYTHON", "COVERAGE", "VIRTUAL_ENV", "XDG_")
"""How the variables begin that would lead back to this tree, its settings or its user's folders."""
LAST_WORDS = 2000
"""Characters of a failed command's output that are kept."""


class StepFailedError(Exception):
    """A step of an install did not do its part; the message is what was printed last."""

    def __init__(self, step: str, words: str) -> None:
        super().__init__(words.strip()[-LAST_WORDS:])
        self.step = step


def run(
    step: str,
    command: Sequence[str | Path],
    *,
    folder: Path,
    seconds: float,
    changed: Mapping[str, str] | None = None,
) -> str:
    """Run a command in a folder and answer what it prints.

    Raises:
        StepFailedError: it ended in an error, or not in time.
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
    """This process's variables without what is ours, and with what is changed."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    return kept | dict(changed or {})
