"""Installs the clients: npm packages in one folder, Python packages in one virtualenv for each
generation of the `mcp` package, because the generations cannot share an environment.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

from tests.locked_packages import interpreter, npm_packages, python_packages

PACKAGES = Path(__file__).parent / "packages"
BUILD = Path(__file__).parents[2] / "build" / "clients"
NPM = BUILD / "npm"

Lock = Literal["with_mcp_1", "with_mcp_2"]
"""The lock of a Python client, by the generation of `mcp` that it requires."""


def install() -> None:
    """Install everything that is missing or has another version."""
    npm_packages(NPM, PACKAGES / "package-lock.json")
    for name in get_args(Lock):
        python_packages(BUILD / name, PACKAGES / f"{name}.lock")


def python(lock: Lock) -> Path:
    """Return the interpreter of a lock's virtualenv."""
    return interpreter(BUILD / lock)
