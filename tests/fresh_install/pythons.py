"""Finds every CPython on this machine that the package supports."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.fresh_install.commands import StepFailedError, run
from tests.fresh_install.uv import Uv

BASE = "import ensurepip, venv, sys; print(sys.base_prefix)"
"""Prints the base installation; fails if a module for virtualenvs is missing, as on Debian."""


@dataclass(frozen=True)
class Python:
    """An interpreter."""

    version: str
    path: Path


def find_pythons(uv: Uv, allowed: str) -> list[Python]:
    """Return each installation once, from the oldest to the newest version.

    Free-threaded builds are left out: few of the dependencies have wheels for them.
    """
    path = {"PATH": os.pathsep.join([*map(str, _pyenv_folders()), os.environ.get("PATH", "")])}
    installations: dict[tuple[str, str], Python] = {}
    for python in _listed(uv, allowed, path):
        command = [python.path, "-c", BASE]
        try:
            base = run("python", command, folder=Path.cwd(), seconds=30, changed=path)
        except StepFailedError:
            name = f"Python {python.version} at {python.path}"
            print(f"{name} cannot create a virtualenv and is skipped")
            continue
        installations.setdefault((python.version, base), python)
    return sorted(installations.values(), key=lambda python: _numbers(python.version))


def _listed(uv: Uv, allowed: str, path: dict[str, str]) -> Iterator[Python]:
    """Yield what uv finds under the usual names on a path, and in the Windows registry."""
    options = ("--only-installed", "--all-versions", "--output-format", "json")
    listed = uv.run("uv", "python", "list", allowed, *options, seconds=120, changed=path)
    for entry in json.loads(listed):
        if (entry["implementation"], entry["variant"]) == ("cpython", "default"):
            yield Python(entry["version"], Path(entry["path"]))


def _pyenv_folders() -> list[Path]:
    """Return pyenv's folders of interpreters; PATH names only the selected ones."""
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    versions = sorted(root.glob("versions/*"))
    return [folder for version in versions for folder in (version / "bin", version)]


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".") if part.isdigit()]
