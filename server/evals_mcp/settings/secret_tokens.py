"""Reads the tokens that settings refer to, and refuses unusable or exposed tokens."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar, cast

from pydantic import SecretStr

from evals_mcp.settings.origin import Origin, SettingPath, is_placeholder
from evals_mcp.settings.schema import Settings
from evals_mcp.settings.types import Section, TokenSource, is_loopback

MAX_TOKEN_BYTES = 16384
"""Bytes of a token file that are read at most."""

_Section = TypeVar("_Section", bound=Section)


def with_tokens(settings: Settings, environ: Mapping[str, str], origin: Origin) -> Settings:
    """Return the settings with every `token` filled in from its value, file or variable.

    Raises:
        SettingsError: a token is unusable, its file is unreadable or open to others, or it would
            be sent without encryption.
    """
    return _Finder(environ, origin).section(settings, ())


@dataclass(frozen=True)
class _Finder:
    environ: Mapping[str, str]
    origin: Origin

    def section(self, section: _Section, path: SettingPath) -> _Section:
        """Return the section with its own token and those of all sections below."""
        changes = {
            name: below
            for name in type(section).model_fields
            if (below := self._below(getattr(section, name), (*path, name))) is not None
        }
        if isinstance(section, TokenSource) and (token := self._token(section, path)) is not None:
            # A token is sent to this address, which must be safe for it.
            for name in ("base_url", "url"):
                self._refuse_clear_text(getattr(section, name, None), (*path, name))
            changes["token"] = SecretStr(token)
        return section.model_copy(update=changes) if changes else section

    def _below(self, value: object, path: SettingPath) -> object:
        """Return a section, or sections by name, with tokens filled in; None for other values."""
        if isinstance(value, Section):
            return self.section(value, path)
        if isinstance(value, Mapping):
            named = cast("Mapping[str, Section]", value)
            return {name: self.section(each, (*path, name)) for name, each in named.items()}
        return None

    def _token(self, source: TokenSource, path: SettingPath) -> str | None:
        """Return the token from the first source that is set: its value, file or variable."""
        if source.token is not None:
            return self._checked(source.token.get_secret_value(), (*path, "token"))
        if source.token_file is not None:
            where = (*path, "token_file")
            return self._checked(self._read(source.token_file, where), where)
        token = self.environ.get(source.token_env or "", "")
        if not token.strip() or is_reference(token, source.token_env or ""):
            return None
        where = (*path, "token_env")
        return self._checked(token, where, f"names {source.token_env}, which ")

    def _checked(self, token: str, where: SettingPath, subject: str = "") -> str:
        token = token.strip()
        if is_placeholder(token, token=True):
            raise self.origin.refusal(
                where, f"{subject}holds a placeholder or nothing; set the real token, or none"
            )
        if not re.fullmatch(r"[!-~]+", token) or token[0] in "\"'":
            raise self.origin.refusal(
                where,
                f"{subject}does not hold a usable token; it must be the token alone, without "
                'quotes, spaces or the word "Bearer"',
            )
        return token

    def _read(self, path: Path, where: SettingPath) -> str:
        try:
            if problem := _exposure(path.stat().st_mode):
                raise self.origin.refusal(where, f"names {path}, {problem}")
            with path.open("rb") as file:
                return file.read(MAX_TOKEN_BYTES).decode()
        except OSError as error:
            problem = f"which cannot be read ({error.strerror}); name a file this user can read"
        except UnicodeDecodeError:
            problem = "which is not text; it must hold nothing but the token"
        raise self.origin.refusal(where, f"names {path}, {problem}")

    def _refuse_clear_text(self, url: str | None, path: SettingPath) -> None:
        host = re.match(r"http://(?:\[([^\]]*)\]|([^/:]*))", url or "", re.IGNORECASE)
        if host and not is_loopback(host[1] or host[2]):
            raise self.origin.refusal(
                path,
                "must begin with https://, since a token is sent to it; write https://, an address "
                "of this machine (http://127.0.0.1), or remove the token",
            )


def is_reference(text: str, variable: str) -> bool:
    """Return whether a variable holds a reference to itself, which a client has not replaced.

    Clients leave `$NAME` as it is, in the `env` of an entry, if their environment has no NAME.
    """
    return text.strip() == f"${variable}"


def _exposure(mode: int) -> str | None:
    """Return why a file of this mode must not be used; None for a safe mode and on Windows."""
    if not stat.S_ISREG(mode):
        return "which is not a regular file; name a text file with the token"
    if os.name == "posix" and mode & 0o077:
        return "which other users may read or write; run `chmod 600` on it"
    return None
