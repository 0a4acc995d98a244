"""The files that a model may read: regular files in the allowed folders, with links resolved."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from evals_mcp.cleaning import quoted
from evals_mcp.datasets.missing_data import missing_file, near_file
from evals_mcp.errors import DatasetFaultError, InvalidRequestError

_INLINE = "or pass the rows themselves as `rows`"

_STORED = re.compile(r"([a-z]+:)?file-[0-9a-f]{8}[0-9a-f-]*")
"""An id of a stored data set."""

_URL = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)


_OPEN = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
"""How a file is opened: no link at its end is followed, and a pipe is not waited for."""


@dataclass(frozen=True)
class AllowedFile:
    """An open file in an allowed folder."""

    path: Path
    """Path that reads the opened file, whatever is renamed or linked meanwhile."""
    name: str


@contextmanager
def allowed_file(file_name: str, folders: Sequence[Path]) -> Generator[AllowedFile]:
    """Open the file that the argument `path` names, with every link resolved.

    What was opened is checked, not the name, which may lead elsewhere a moment later.

    A relative path is looked up in each allowed folder. A folder that is the root of a file system
    allows nothing, because that is often the working folder of a server that nobody configured.

    Raises:
        InvalidRequestError: the file is outside every allowed folder, or no folder is allowed.
        DatasetFaultError: the file is missing, a folder, or not a regular file.
    """
    if "\0" in file_name:
        raise InvalidRequestError("`path` contains a zero byte; pass the path of a file.")
    if _STORED.fullmatch(file_name.strip()):
        raise InvalidRequestError(
            "`path` is the id of a stored data set, which needs no upload: give it to "
            "create_evaluation as `input_data_file_path`."
        )
    if _URL.match(file_name):
        raise InvalidRequestError(
            "`path` is a URL, and URLs are not read: download the file into an allowed folder, "
            f"{_INLINE}."
        )
    roots = [folder for folder in map(_resolve_links, folders) if folder != Path(folder.anchor)]
    if not roots:
        raise InvalidRequestError(
            "No file of this server's machine may be uploaded: pass the rows inline as `rows`. If "
            "the server has only one user, the administrator can allow folders in "
            "datasets.allowed_folders."
        )
    requested = _expand_home(Path(file_name))
    inside = [path for path in _candidates(requested, roots) if _is_within(path, roots)]
    if not inside:
        named = ", ".join(map(str, roots))
        near = near_file(_resolve_links(roots[0] / requested), roots)
        hint = f" Did you mean {quoted(str(near), 200)}?" if near else ""
        raise InvalidRequestError(
            f"`path`, with links resolved, is outside datasets.allowed_folders ({named}): move "
            f"the file there, {_INLINE}.{hint}"
        )
    path = next((path for path in inside if os.path.exists(path)), inside[0])  # noqa: PTH110 - raises no OSError if a name is too long
    descriptor = _open(path, roots)
    try:
        _check_regular(os.fstat(descriptor).st_mode)
        yield AllowedFile(_path_of(descriptor, path), path.name)
    finally:
        os.close(descriptor)


def _expand_home(path: Path) -> Path:
    try:
        return path.expanduser()
    except RuntimeError:
        raise InvalidRequestError(
            "`path` begins with ~ and the name of an unknown user; write the whole path."
        ) from None


def _candidates(requested: Path, roots: Sequence[Path]) -> list[Path]:
    return [_resolve_links(root / requested) for root in roots]


def _resolve_links(path: Path) -> Path:
    """Return the path without links, existing or not; a loop of links resolves to itself."""
    return Path(os.path.realpath(path))


def _is_within(path: Path, roots: Sequence[Path]) -> bool:
    return any(path.is_relative_to(root) for root in roots)


def _open(path: Path, roots: Sequence[Path]) -> int:
    """Return a descriptor of the file, which lies in one of the folders."""
    try:
        descriptor = os.open(path, _OPEN)
    except IsADirectoryError:
        _refuse_folder()
    except (FileNotFoundError, NotADirectoryError):
        raise DatasetFaultError(f"{missing_file(path, roots)} Check the name, {_INLINE}.") from None
    except (OSError, ValueError) as error:
        if isinstance(error, PermissionError) and path.is_dir():
            _refuse_folder()  # Windows opens no folders
        problem = getattr(error, "strerror", None) or "not a valid path"
        raise DatasetFaultError(
            f"`path`: {quoted(path.name, 80)} cannot be opened ({problem}); check the name, "
            f"{_INLINE}."
        ) from None
    if not _is_within(_opened_path(descriptor, path), roots):
        os.close(descriptor)
        raise InvalidRequestError(
            "`path` was replaced by a link to another folder while it was opened; name a file that "
            f"stays in its folder, {_INLINE}."
        )
    return descriptor


def _opened_path(descriptor: int, path: Path) -> Path:
    """Return the real path of an opened file; an unrelated path if the name leads elsewhere now."""
    try:
        return Path(f"/proc/self/fd/{descriptor}").readlink()
    except OSError:
        # Not Linux: compare the opened file with the one that the name leads to.
        real = _resolve_links(path)
        try:
            same = os.path.samestat(os.fstat(descriptor), real.stat())
        except OSError:
            same = False
        return real if same else Path(os.devnull)


def _path_of(descriptor: int, path: Path) -> Path:
    """Return a path that reads the opened file; elsewhere than on Linux, its name."""
    opened = Path(f"/proc/{os.getpid()}/fd/{descriptor}")
    return opened if opened.exists() else path


def _refuse_folder() -> NoReturn:
    raise DatasetFaultError(
        "`path` is a folder; name one data file in it, such as a .jsonl or .csv file."
    ) from None


def _check_regular(mode: int) -> None:
    if stat.S_ISDIR(mode):
        _refuse_folder()
    if not stat.S_ISREG(mode):
        raise DatasetFaultError(
            "`path` is a device or a pipe, not a file; write the rows to a .jsonl or .csv file "
            f"first, {_INLINE}."
        )
