"""Which files a model may have read: regular files in the allowed folders, links resolved."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path

from evals_mcp.errors import DatasetFaultError, InvalidRequestError

_INLINE = "or pass the rows themselves as `rows`"


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
    roots = [folder for folder in map(_resolved, folders) if folder != Path(folder.anchor)]
    if not roots:
        raise InvalidRequestError(
            "No folder is open to upload_dataset: whoever runs this server names one in "
            f"datasets.allowed_folders; {_INLINE}."
        )
    wanted = Path(given).expanduser()
    inside = [path for path in _places(wanted, roots) if _is_within(path, roots)]
    if not inside:
        named = ", ".join(map(str, roots))
        raise InvalidRequestError(
            f"`path` is outside datasets.allowed_folders ({named}), links resolved: move the file "
            f"there, {_INLINE}."
        )
    path = next((path for path in inside if path.exists()), inside[0])
    _check_regular(path)
    return path


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
            f"`path`: there is no {path.name} in {path.parent}; check the name, {_INLINE}."
        ) from None
    except OSError as error:
        raise DatasetFaultError(
            f"`path`: {path.name} cannot be opened ({error.strerror}); {_INLINE}."
        ) from None
    if stat.S_ISDIR(mode):
        raise DatasetFaultError("`path` is a folder; name one .jsonl or .csv file in it.")
    if not stat.S_ISREG(mode):
        raise DatasetFaultError(
            "`path` is a device or a pipe, not a file; write the rows to a .jsonl or .csv file "
            f"first, {_INLINE}."
        )
