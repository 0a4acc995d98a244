"""Writes settings into `config.toml`: values that stand there change, everything else stays."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from evals_mcp.errors import OperatorError
from evals_mcp.installing.config_files import Clock, ConfigFile, back_up, read_config_file, replace
from evals_mcp.installing.texts import toml_text
from evals_mcp.installing.texts.errors import UnreadableTextError

SettingPath = tuple[str, ...]

TOKEN_MODE = 0o600


@dataclass(frozen=True)
class SettingsChange:
    """A change of the configuration file that has not been made yet."""

    file: ConfigFile
    before: str
    text: str
    """What the file holds afterwards."""

    @property
    def is_empty(self) -> bool:
        """Return whether nothing changes."""
        return self.text == self.before

    def apply(self, now: Clock) -> Path | None:
        """Write the file; return the backup of what it held, None for a new file.

        Raises:
            OperatorError: it cannot be written.
        """
        backup = back_up(self.file, now)
        replace(self.file, self.text.encode())
        return backup


def changed_settings(path: Path, settings: Mapping[SettingPath, object]) -> SettingsChange:
    """Return the change that writes these settings into a file, which may be missing.

    Raises:
        OperatorError: the file cannot be read, or has a form that cannot be changed safely.
    """
    file = read_config_file(path)
    try:
        before = (file.content or b"").decode("utf-8-sig")
        text = before
        expected = toml_text.parse(before)
        for (*table, key), value in settings.items():
            expected = _with(expected, (*table, key), value)
            text = toml_text.merged(text, table, {key: value})
        if toml_text.parse(text) == expected:
            return SettingsChange(file, before, text)
        problem = "its form cannot be changed safely"
    except (UnreadableTextError, UnicodeDecodeError, TypeError) as error:
        problem = f"it is not TOML ({error})"
    raise OperatorError(f"{path} is left alone: {problem}; change it by hand")


def write_token(path: Path, token: str) -> None:
    """Write a file that holds only a token, readable by its owner only.

    Raises:
        OperatorError: it cannot be written.
    """
    file = read_config_file(path)
    replace(file, f"{token}\n".encode(), new_mode=TOKEN_MODE)
    file.target.chmod(TOKEN_MODE)


def _with(content: Mapping[str, object], path: SettingPath, value: object) -> dict[str, object]:
    united = dict(copy.deepcopy(content))
    if len(path) == 1:
        united[path[0]] = value
    else:
        below = cast("Mapping[str, object]", united.get(path[0], {}))
        united[path[0]] = _with(below, path[1:], value)
    return united
