"""Where the clients keep their files on this machine, and which of them are there."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from evals_mcp.installing.clients import Client


@dataclass(frozen=True)
class Machine:
    """This machine, as far as the clients' files depend on it."""

    home: Path
    project: Path
    """The working folder."""
    environ: Mapping[str, str]
    platform: str = field(default=sys.platform)
    """As `sys.platform`."""

    def user_file(self, client: Client) -> Path:
        """Return the user's file of a client, which may be missing."""
        if client.home_variable:
            variable, name = client.home_variable
            if folder := self.environ.get(variable):
                return Path(folder) / name
        usual = self.expanded(self._of_platform(client))
        if client.other_file and not usual.exists():
            other = usual.with_name(client.other_file)
            return other if other.exists() else usual
        return usual

    def project_file(self, client: Client) -> Path | None:
        """Return the file of a client in the working folder; None if the client has none."""
        return self.project / client.project_file if client.project_file else None

    def has(self, client: Client) -> bool:
        """Return whether a client is installed: its program, its folder or its file exists."""
        path = self.environ.get("PATH", "")
        if any(shutil.which(program, path=path) for program in client.programs):
            return True
        folder = self.expanded(client.folder) if client.folder else self.user_file(client).parent
        return folder.is_dir() or self.user_file(client).is_file()

    def expanded(self, path: str) -> Path:
        """Return a path of the table with the folders of this user."""
        first, _, rest = path.partition("/")
        if first == "%APPDATA%":
            appdata = self.environ.get("APPDATA")
            return (Path(appdata) if appdata else self.home / "AppData" / "Roaming") / rest
        configured = self.environ.get("XDG_CONFIG_HOME", "")
        if rest.startswith(".config/") and Path(configured).is_absolute():
            return Path(configured) / rest.removeprefix(".config/")
        return self.home / rest

    def shown(self, path: Path) -> str:
        """Return a path with `~` for the home folder."""
        try:
            return f"~/{path.relative_to(self.home).as_posix()}"
        except ValueError:
            return str(path)

    def _of_platform(self, client: Client) -> str:
        if self.platform == "darwin":
            return client.files.macos
        return client.files.windows if self.platform == "win32" else client.files.linux
