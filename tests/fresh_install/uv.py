"""Installs uv, which finds the Pythons of a machine and resolves to the oldest versions."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.fresh_install.commands import run
from tests.locked_packages import interpreter


class Uv:
    """uv from its registry, with its virtualenv and cache in a folder that the caller removes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        python = interpreter(folder)
        self._program = python.with_name("uv.exe" if os.name == "nt" else "uv")
        run("uv", [sys.executable, "-m", "venv", folder], folder=folder.parent, seconds=120)
        pip = [python, "-m", "pip", "install", "--no-cache-dir", "--disable-pip-version-check"]
        run("uv", [*pip, "uv"], folder=folder, seconds=300)

    def run(
        self,
        step: str,
        *arguments: str | Path,
        seconds: float,
        changed: Mapping[str, str] | None = None,
    ) -> str:
        """Run uv and return its output; uv never downloads a Python.

        Raises:
            StepFailedError: uv failed or exceeded the time limit.
        """
        settings = {
            "UV_CACHE_DIR": str(self._folder / "cache"),
            "UV_PYTHON_DOWNLOADS": "never",
        }
        return run(
            step,
            [self._program, *arguments],
            folder=self._folder,
            seconds=seconds,
            changed=settings | dict(changed or {}),
        )
