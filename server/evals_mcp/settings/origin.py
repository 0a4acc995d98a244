"""The source of a setting's value, the wording of its errors, and values never filled in."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from evals_mcp.errors import SettingsError

SettingPath = tuple[str, ...]

_UNFILLED = re.compile(r"<[^>]*>|.*\$\{.*|", re.DOTALL)
_UNFILLED_TOKEN = re.compile(
    r"(sk-|tgp_v1_)?(x{3,}|\*{3,})|.*(\.{3}|…)|.*your([ _-].*|api)?(key|token).*"
    r"|.*\bexample\b.*|change[ _-]?me|placeholder|todo|(api[ _-]?)?(key|token)|secret",
    re.IGNORECASE | re.DOTALL,
)


@dataclass
class Origin:
    """The configuration file, if any, and the variables that override it."""

    path: Path | None
    variables: dict[SettingPath, str] = field(default_factory=dict[SettingPath, str])

    def refusal(self, setting: SettingPath, problem: str) -> SettingsError:
        """Return an error that names source and setting; `problem` continues the sentence."""
        return SettingsError(self.worded(setting, problem))

    def worded(self, setting: SettingPath, problem: str) -> str:
        """Return `problem` after the file or variable and the dotted name of the setting."""
        variable = self.variables.get(setting)
        source = f"environment variable {variable}" if variable else str(self.path or "settings")
        return f"{source}: {'.'.join(setting)} {problem}"


def is_placeholder(text: str, *, token: bool) -> bool:
    """Return whether a value is an unchanged example, or contains an unexpanded variable.

    Args:
        text: The value of a setting.
        token: Whether the value is a token, which never looks like a word or ends in dots.
    """
    text = text.strip()
    return bool(_UNFILLED.fullmatch(text) or (token and _UNFILLED_TOKEN.fullmatch(text)))
