"""The types of settings: sections, addresses, folders and sources of tokens."""

from __future__ import annotations

import ipaddress
import os
import re
from pathlib import Path
from typing import Annotated, cast
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationInfo

_OPERATIONS = ("/chat/completions", "/completions", "/evaluation", "/evaluations")
"""Paths that are added to a base URL and are often copied along with it."""


def is_loopback(host: str) -> bool:
    """Return whether a host name or address means this machine only."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _checked_url(url: str) -> str:
    """Refuse any text but a plain base URL; no message repeats the value, which may hold a key."""
    if re.search(r"[\s\x00-\x1f\x7f]", url):
        raise ValueError("must not contain white space; write https://host/path")
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
        parts = urlsplit("")
    if not usable:
        raise ValueError("must be an http:// or https:// URL with a host; write https://host/path")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not contain user:password@; give the token in a setting of its own")
    if parts.query or parts.fragment or url.endswith(("?", "#")):
        raise ValueError("must not have a query (?…) or fragment (#…); write https://host/path")
    path = parts.path.rstrip("/")
    if operation := next((each for each in _OPERATIONS if path.endswith(each)), None):
        raise ValueError(f"must end before {operation}, which is added to it; remove {operation}")
    return url.rstrip("/")


def _checked_name_of_variable(name: str) -> str:
    """Refuse a key pasted in place of its variable's name; the message does not repeat the key."""
    if not re.fullmatch(r"[A-Z_][A-Z0-9_]{0,99}", name):
        raise ValueError(
            "must be the name of an environment variable in capitals, such as MY_API_KEY, "
            "not the token itself"
        )
    return name


def _absolute(path: Path, info: ValidationInfo) -> Path:
    """Expand `~`, and resolve a relative path against the working directory of the loader."""
    try:
        expanded = path.expanduser()
    except RuntimeError:
        raise ValueError("~ cannot be expanded (no home folder); write the whole path") from None
    context = cast("dict[str, Path] | None", info.context)
    return (context or {}).get("cwd", Path()) / expanded


def _checked_folder(path: Path) -> Path:
    """Refuse a path that is or lies below a file; the folder itself may be missing."""
    nearest = next((each for each in (path, *path.parents) if os.path.exists(each)), None)  # noqa: PTH110 - no OSError for a name that is too long
    if nearest and not nearest.is_dir():
        raise ValueError("must be a folder; the path, or a folder above it, is a file")
    return path


def _as_written(url: str) -> str:
    """Check an address and return it unchanged: clients compare it letter by letter."""
    _checked_url(url)
    return url


Url = Annotated[str, AfterValidator(_as_written)]
BaseUrl = Annotated[str, AfterValidator(_checked_url)]
VariableName = Annotated[str, AfterValidator(_checked_name_of_variable)]
AbsolutePath = Annotated[Path, AfterValidator(_absolute)]
OwnFolder = Annotated[AbsolutePath, AfterValidator(_checked_folder)]
CredentialName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]


class Section(BaseModel):
    """A table of the file: unknown keys are refused, loaded values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class TokenSource(Section):
    """A token, or where to read it. After loading, `token` holds it whatever its source."""

    token: SecretStr | None = Field(
        default=None,
        description="The token itself. Safer outside the file: see token_env. "
        "Absent: token_file is read, then token_env.",
    )
    token_file: AbsolutePath | None = Field(
        default=None,
        description="File that holds only the token, readable by its owner only. "
        "Absent: token_env is read.",
    )
    token_env: VariableName | None = Field(
        default=None,
        description="Environment variable that holds the token, in capitals. "
        "Absent or unset: no token is sent.",
    )


class NamedEndpointSettings(TokenSource):
    """An OpenAI-compatible API that a request refers to by its name in the configuration."""

    base_url: BaseUrl = Field(
        description="URL up to and without /chat/completions, such as https://models.example/v1. "
        "Required."
    )
    requests_per_minute: float | None = Field(
        default=None,
        description="Calls a minute, above 0, that all engines of local.database_url together make "
        "there. Absent: as many as num_workers allows; a Retry-After is always obeyed.",
        gt=0,
        allow_inf_nan=False,
    )
