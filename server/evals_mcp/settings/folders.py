"""The folders that the server writes to, and whether it can."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from evals_mcp.errors import SettingsError
from evals_mcp.settings.schema import Settings


def written_folders(settings: Settings, services: Sequence[str]) -> Mapping[str, Path]:
    """Return each folder that is written to, by the setting that names it.

    Args:
        settings: The configuration.
        services: The names of the services in use.
    """
    folders = {
        "state.folder": settings.state.folder,
        "export.folder": settings.export.folder,
        "results.cache_dir": settings.results.cache_dir,
        "budget.key_file": settings.budget.key_file.parent,
    }
    for name in services:
        section = getattr(settings, name)
        is_elsewhere = getattr(section, "url", None) is not None
        data_dir = getattr(section, "data_dir", None)
        if isinstance(data_dir, Path) and not is_elsewhere:
            folders[f"{name}.data_dir"] = data_dir
    return folders


def unwritable(folder: Path) -> Path | None:
    """Return the folder that keeps the server from writing; None if nothing does.

    The folder itself may be missing: then the nearest folder above it counts, and nothing is made.
    """
    nearest = next(each for each in (folder, *folder.parents) if each.exists())
    try:
        tempfile.TemporaryFile(dir=nearest).close()
    except OSError:
        return nearest
    return None


def check_folders(settings: Settings, services: Sequence[str]) -> None:
    """Refuse a configuration with a folder that cannot be written to.

    Raises:
        SettingsError: names the setting, the folder and who has to be let in.
    """
    for setting, folder in written_folders(settings, services).items():
        if (problem := unwritable(folder)) is not None:
            raise SettingsError(
                f"{setting} needs {folder}, but the user of this process cannot write to "
                f"{problem}: change its owner or its mode, or set another folder"
            )
