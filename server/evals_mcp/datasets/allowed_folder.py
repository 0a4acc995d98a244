"""Which files a model may have read: regular files in the allowed folders, links resolved."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Sequence
from pathlib import Path

from evals_mcp.cleaning import clean
from evals_mcp.errors import DatasetFaultError, InvalidRequestError

_INLINE = "or pass the rows themselves as `rows`"

_URL = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)


def allowed_file(given: str, folders: Sequence[Path]) -> Path:
    """The file that `path` names, with every link resolved.

    A relative path is looked up in each allowed folder. A folder that is the root of a file system
    allows nothing: it is where a server stands that was started from nowhere in particular.

    Raises:
        InvalidRequestError: it lies outside every allowed folder, or there is none.
        DatasetFaultError: it is missing, a folder, or no regular file.
    """
    if "\0" in given:
        raise InvalidRequestError("`path` holds a zero byte; pass the path of a file.")
    if _URL.match(given):
        raise InvalidRequestError(
            "`path` is a URL, and URLs are not read: download the file into an allowed folder, "
            f"{_INLINE}."
        )
    roots = [folder for folder in map(_resolved, folders) if folder != Path(folder.anchor)]
    if not roots:
        raise InvalidRequestError(
            "No file of this server's machine may be uploaded: pass the rows inline as `rows`. "
            "Whoever runs the server for one user only names folders in datasets.allowed_folders."
        )
    wanted = _at_home(Path(given))
    inside = [path for path in _places(wanted, roots) if _is_within(path, roots)]
    if not inside:
        named = ", ".join(map(str, roots))
        raise InvalidRequestError(
            f"`path` is outside datasets.allowed_folders ({named}), links resolved: move the file "
            f"there, {_INLINE}."
        )
    path = next((path for path in inside if os.path.exists(path)), inside[0])  # noqa: PTH110 - no OSError for a name that is too long
    _check_regular(path)
    return path


def _at_home(path: Path) -> Path:
    try:
        return path.expanduser()
    except RuntimeError:
        raise InvalidRequestError(
            "`path` begins with ~ and a name that is no user here; write the whole path."
        ) from None


def _places(wanted: Path, roots: Sequence[Path]) -> list[Path]:
    return [_resolved(root / wanted) for root in roots]


def _resolved(path: Path) -> Path:
    """The path without links, whether or not it exists; a loop of links resolves to itself."""
    return Path(os.path.realpath(path))


def _is_within(path: Path, roots: Sequence[Path]) -> bool:
    return any(path.is_relative_to(root) for root in roots)


def _check_regular(path: Path) -> None:
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        raise DatasetFaultError(
            f"`path`: there is no {clean(path.name, 80)} in {clean(str(path.parent), 200)}; check "
            f"the name, {_INLINE}."
        ) from None
    except (OSError, ValueError) as error:
        problem = getattr(error, "strerror", None) or "no path of this system"
        raise DatasetFaultError(
            f"`path`: {clean(path.name, 80)} cannot be opened ({problem}); check the name, "
            f"{_INLINE}."
        ) from None
    if stat.S_ISDIR(mode):
        raise DatasetFaultError(
            "`path` is a folder; name one data file in it, such as a .jsonl or .csv."
        )
    if not stat.S_ISREG(mode):
        raise DatasetFaultError(
            "`path` is a device or a pipe, not a file; write the rows to a .jsonl or .csv file "
            f"first, {_INLINE}."
        )
