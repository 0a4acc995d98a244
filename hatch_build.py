"""Says which Python is needed when an older one builds the package.

Releases of pip that come with Python 3.9 look for the dependencies first, and name one of them
instead of the Python version.
"""

from __future__ import annotations

import sys
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

OLDEST = (3, 11)
"""The oldest Python, as in `requires-python`."""


def refuse(version: tuple[int, ...]) -> None:
    """End the build under a Python that is too old."""
    if version[:2] < OLDEST:
        have = ".".join(map(str, version[:3]))
        raise SystemExit(f"evals-mcp needs Python 3.11 or newer; this is Python {have}")


class PythonVersion(MetadataHookInterface):
    """Checks the Python version when the build opens it; changes nothing."""

    PLUGIN_NAME = "custom"

    def __init__(self, root: str, config: dict[str, Any]) -> None:
        """Refuse an old Python before any dependency is looked for."""
        refuse(tuple(sys.version_info))
        super().__init__(root, config)

    def update(self, metadata: dict[str, Any]) -> None:
        """Change nothing: no field is dynamic."""
