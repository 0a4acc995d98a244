"""Checks of this installation: settings, folders, files that may be uploaded."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path

from evals_mcp.diagnosis.findings import Finding
from evals_mcp.errors import SettingsError
from evals_mcp.local_engine.service import LOCAL
from evals_mcp.services import SERVICES
from evals_mcp.settings.folders import unwritable, written_folders
from evals_mcp.settings.loading import CONFIG_VARIABLE, PREFIX, load_settings
from evals_mcp.settings.schema import Settings

_FOLDERS = {
    "local.data_dir": "data folder",
    "state.folder": "state folder",
    "results.cache_dir": "result cache",
    "export.folder": "export folder",
    "budget.key_file": "confirmation key",
}
"""What the folder of each setting is called in a finding."""

_MOST_FILES = 20_000
"""Files of the data folder that are counted at most."""


def check_settings(
    config: Path | None, environ: Mapping[str, str], folder: Path
) -> tuple[Settings | None, Finding]:
    """Return the settings, None if they are faulty, and what was found."""
    variables = sorted(name for name in environ if name.startswith(PREFIX) and environ[name])
    try:
        settings = load_settings(config, environ, folder, SERVICES)
    except SettingsError as error:
        return None, Finding(
            "fail",
            "settings",
            str(error).splitlines()[0],
            _mend(error, variables, _path(config, environ)),
        )
    path = _path(config, environ)
    parts = [str(path) if path.is_file() else f"defaults; no file {path}"]
    if count := len([name for name in variables if name != CONFIG_VARIABLE]):
        parts.append(f"{count} variable{'' if count == 1 else 's'}")
    return settings, Finding("ok", "settings", ", ".join(parts))


def _path(config: Path | None, environ: Mapping[str, str]) -> Path:
    from platformdirs import user_config_path  # noqa: PLC0415 - not needed for a named file

    named = config or environ.get(CONFIG_VARIABLE)
    usual = user_config_path("evals-mcp", appauthor=False) / "config.toml"
    return Path(named).expanduser() if named else usual


def _mend(error: SettingsError, variables: list[str], file: Path) -> str:
    """Return a line that mends faulty settings.

    It unsets a variable, edits the file, or checks again without the option of a missing file.
    """
    named = [name for name in variables if name in str(error)]
    if named:
        return f"unset {max(named, key=len)}"
    if not file.exists():
        return "evals-mcp doctor"
    return f"${{EDITOR:-vi}} {shlex.quote(str(file.absolute()))}"


def check_folders(settings: Settings) -> Iterator[Finding]:
    """Yield what was found about the folders that the server writes to."""
    for setting, folder in written_folders(settings, [LOCAL.name]).items():
        subject = _FOLDERS[setting]
        if (problem := unwritable(folder)) is not None:
            quoted = shlex.quote(str(problem))
            yield Finding("fail", subject, f"{folder} cannot be written", f"chmod u+rwx {quoted}")
        elif subject == "data folder":
            yield Finding("ok", subject, f"{folder}, {_size(folder)}")


def _size(folder: Path) -> str:
    if not folder.is_dir():
        return "writable, empty"
    total = 0
    for number, path in enumerate(folder.rglob("*")):
        if number >= _MOST_FILES:
            return f"writable, more than {total / 1e6:.1f} MB"
        total += path.stat().st_size if path.is_file() else 0
    return f"writable, {total / 1e6:.1f} MB"


def check_files(settings: Settings, folder: Path) -> Iterator[Finding]:
    """Yield what was found about the folders that files may be uploaded from."""
    allowed = settings.datasets.allowed_folders
    for each in allowed:
        if not each.is_dir():
            yield Finding(
                "warn", "files", f"{each} is missing", f"mkdir -p {shlex.quote(str(each))}"
            )
            return
    if not allowed:
        yield Finding("note", "files", "datasets.allowed_folders allows none; inline rows do")
    elif allowed == (folder,):
        yield Finding("ok", "files", "from the folder that the client starts the server in")
    else:
        yield Finding("ok", "files", f"from {', '.join(map(str, allowed))}")
