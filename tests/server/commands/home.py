"""The folders of a user whose commands are run by tests."""

from __future__ import annotations

from pathlib import Path

PATHS = {
    "LOCAL__DATA_DIR": "engine",
    "STATE__FOLDER": "state",
    "RESULTS__CACHE_DIR": "cache",
    "EXPORT__FOLDER": "exports",
    "BUDGET__KEY_FILE": "confirm.key",
}
"""Settings that are paths, by what they are called below one folder."""


def variables_of(folder: Path) -> dict[str, str]:
    """Return the variables of a user of the embedded engine with everything below one folder."""
    folders = {f"EVALS_MCP_{name}": str(folder / part) for name, part in PATHS.items()}
    return folders | {"EVALS_MCP_SERVER__PROVIDER": "local"}
