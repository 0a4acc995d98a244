"""Finds every CPython of this machine that the package allows."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.fresh_install.commands import StepFailedError, run
from tests.fresh_install.uv import Uv

BASE = "import ensurepip, venv, sys; print(sys.base_prefix)"
"""Debian has a Python without the two modules; it makes no virtualenv."""


@dataclass(frozen=True)
class Python:
    """An interpreter."""

    version: str
    path: Path


def find_pythons(uv: Uv, allowed: str) -> list[Python]:
    """Each installation once, from old to new, whatever number of names it has.

    Free-threaded builds are left out: few of the dependencies have wheels for them.
    """
    path = {"PATH": os.pathsep.join([*map(str, _pyenv_folders()), os.environ.get("PATH", "")])}
    installations: dict[tuple[str, str], Python] = {}
    for python in _listed(uv, allowed, path):
        command = [python.path, "-c", BASE]
        try:
            base = run("python", command, folder=Path.cwd(), seconds=30, changed=path)
        except StepFailedError:
            print(f"Python {python.version} at {python.path} makes no virtualenv; left out")
            continue
        installations.setdefault((python.version, base), python)
    return sorted(installations.values(), key=lambda python: _numbers(python.version))


def _listed(uv: Uv, allowed: str, path: dict[str, str]) -> Iterator[Python]:
    """What uv finds under the usual names in a path, and in Windows' registry."""
    options = ("--only-installed", "--all-versions", "--output-format", "json")
    listed = uv.run("uv", "python", "list", allowed, *options, seconds=120, changed=path)
    for found in json.loads(listed):
        if (found["implementation"], found["variant"]) == ("cpython", "default"):
            yield Python(found["version"], Path(found["path"]))


def _pyenv_folders() -> list[Path]:
    """Where pyenv keeps interpreters: its PATH leads to the chosen ones only."""
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    versions = sorted(root.glob("versions/*"))
    return [folder for version in versions for folder in (version / "bin", version)]


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".") if part.isdigit()]
