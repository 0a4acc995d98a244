"""Says about a missing file what is missing, the file or its folder, and which name is near."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from evals_mcp.cleaning import quoted
from evals_mcp.datasets.formats import KNOWN_ENDINGS
from evals_mcp.near_names import near_file_name, near_names

_ENTRIES = 2_000
"""Most entries of a folder that are compared with a name."""

_NAMED = 5
"""Most files of a folder that are named if none is near."""


def missing_file(path: Path, roots: Sequence[Path]) -> str:
    """Return a sentence or two about a file that does not exist, with the path that may be meant.

    Args:
        path: the whole path of the file, with links resolved, in one of the folders.
        roots: the allowed folders, with links resolved. Nothing outside them is named.
    """
    if path.parent.is_dir():
        text = f"there is no {quoted(path.name, 80)} in {quoted(str(path.parent), 200)}"
    else:
        text = f"there is no folder {quoted(str(path.parent), 200)}"
    return f"`path`: {text}.{_nearest(path, roots)}"


def near_file(path: Path, roots: Sequence[Path]) -> Path | None:
    """Return the file in an allowed folder that may be meant by a path; None without one.

    Args:
        path: a path of a missing file, or of one outside the folders.
        roots: the allowed folders, with links resolved. Nothing outside them is returned.
    """
    is_inside = any(path.parent.is_relative_to(root) for root in roots)
    folders = [*([path.parent] if is_inside else []), *_folders(path, roots)]
    files = {folder: list(_data_files(folder)) for folder in folders}
    for folder, names in files.items():
        if path.name in names:
            return folder / path.name
    for folder, names in files.items():
        if near := near_file_name(path.name, names):
            return folder / near
    return None


def _nearest(path: Path, roots: Sequence[Path]) -> str:
    if near := near_file(path, roots):
        return f" Did you mean {quoted(str(near), 200)}?"
    if names := sorted(_data_files(path.parent)):
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        return f" It has {', '.join(quoted(name, 60) for name in names[:_NAMED])}{more}."
    return ""


def _folders(path: Path, roots: Sequence[Path]) -> Iterator[Path]:
    """Yield other allowed folders where the file may be: near the missing one, the roots, below."""
    parent = path.parent
    if not parent.is_dir() and any(parent.parent.is_relative_to(root) for root in roots):
        near = near_names(parent.name, _entries(parent.parent, files=False), 1)
        yield from (parent.parent / name for name in near)
    for root in roots:
        yield root
        yield from (root / name for name in islice(_entries(root, files=False), _ENTRIES // 100))


def _data_files(folder: Path) -> Iterator[str]:
    """Yield the names in a folder of the files that may be data sets."""
    for name in _entries(folder, files=True):
        if Path(name).suffix.lower() in KNOWN_ENDINGS:
            yield name


def _entries(folder: Path, *, files: bool) -> Iterator[str]:
    """Yield the names of the files, or of the folders, in a folder; none if it cannot be read."""
    try:
        with os.scandir(folder) as entries:
            for entry in islice(entries, _ENTRIES):
                is_fitting = entry.is_file if files else entry.is_dir
                if not entry.name.startswith(".") and is_fitting(follow_symlinks=False):
                    yield entry.name
    except OSError:
        return
