"""Creates an empty virtualenv and installs the wheel with the newest or the oldest dependencies.

Newest is what a user gets, with the pip of that Python. Oldest is the lowest version that has a
wheel, of all dependencies including indirect ones. Source packages are excluded, because projects
without a current lower bound allow sources that no current Python compiles: `cryptography` allows
every `cffi` since 1.12, and the first for Python 3.11 is 1.15.1.
"""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tests.fresh_install.commands import run
from tests.fresh_install.pythons import Python
from tests.fresh_install.uv import Uv
from tests.locked_packages import interpreter

Choice = Literal["newest", "oldest"]

LONGEST = 600
"""Seconds that one install may take, with its downloads."""
VERSIONS = (
    "import importlib.metadata as m, json; "
    "print(json.dumps({d.name.lower(): d.version for d in m.distributions()}))"
)


@dataclass(frozen=True)
class Install:
    """One environment: a Python, and the choice of newest or oldest versions."""

    python: Python
    choice: Choice
    folder: Path
    """Folder of this install only, for the environment and the command's working folders."""

    @property
    def interpreter(self) -> Path:
        """Return the Python of the environment."""
        return interpreter(self.folder / "environment")

    @property
    def command(self) -> Path:
        """Return the installed `evals-mcp`."""
        return self.interpreter.with_name("evals-mcp" + self.interpreter.suffix)

    def make(self, wheel: Path, uv: Uv) -> None:
        """Create the environment and install the wheel.

        Raises:
            StepFailedError: creating or installing failed.
        """
        self.folder.mkdir()
        create = [self.python.path, "-m", "venv", self.folder / "environment"]
        run("venv", create, folder=self.folder, seconds=120)
        if self.choice == "newest":
            options = ("--no-cache-dir", "--disable-pip-version-check")
            pip = [self.interpreter, "-m", "pip", "install", *options, wheel]
            run("install", pip, folder=self.folder, seconds=LONGEST)
        else:
            options = ("--resolution", "lowest", "--only-binary", ":all:")
            into = ("--python", self.interpreter)
            uv.run("install", "pip", "install", *options, *into, wheel, seconds=LONGEST)

    def versions(self) -> dict[str, str]:
        """Return the version of each package in the environment.

        Raises:
            StepFailedError: the environment is broken.
        """
        command = [self.interpreter, "-c", VERSIONS]
        return json.loads(run("versions", command, folder=self.folder, seconds=60))


def lower_bounds(pyproject: Path) -> dict[str, str]:
    """Return the declared lower bound of each dependency of the package."""
    project = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]
    declared = (re.match(r"([\w-]+).*?>=([\d.]+)", line) for line in project["dependencies"])
    return {bound[1]: bound[2] for bound in declared if bound}
