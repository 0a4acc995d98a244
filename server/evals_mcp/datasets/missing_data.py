"""Says about a missing file or data set what is missing, and which one may be meant."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from evals_mcp.cleaning import quoted
from evals_mcp.datasets.formats import KNOWN_ENDINGS
from evals_mcp.errors import EvalsMCPError, NotFoundError
from evals_mcp.near_names import near_file_name, near_names
from evals_mcp.providers.protocol import Provider
from evals_mcp.providers.rest.ids import DATASET, noun_of
from evals_schemas.evaluation_api.files import BENCHMARK_PURPOSE

_ENTRIES = 2_000
"""Most entries of a folder that are compared with a name."""

_NAMED = 5
"""Most files of a folder that are named if none is near."""

_FIELD = "`input_data_file_path`"

_FILE_NAME = re.compile(r"[/\\]|\.[A-Za-z0-9]{2,8}$")
"""What names of files have, and no id has."""

_START = len("file-")
"""Characters that all ids of data sets begin with."""


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


async def missing_dataset(provider: Provider, file_id: str) -> NotFoundError:
    """Return the error for an id without a data set, with what to give or to call instead.

    Args:
        provider: whose data sets are searched for a name that is near.
        file_id: the value of `input_data_file_path`.
    """
    shown = quoted(file_id, 80)
    noun = noun_of(file_id)
    if noun and noun != DATASET.noun:
        return NotFoundError(
            f"{_FIELD} {shown} is the id of a{'n' if noun[0] in 'aeiou' else ''} {noun}: take the "
            "file_id of a data set from list_datasets or from the answer of upload_dataset."
        )
    if near := await _near_dataset(provider, file_id):
        return NotFoundError(f"{_FIELD}: no data set has the id {shown}. Did you mean {near}?")
    if _FILE_NAME.search(file_id):
        return NotFoundError(
            f"{_FIELD} {shown} is the name of a file, not an id: call upload_dataset with `path`, "
            "then give the file_id of its answer."
        )
    return NotFoundError(
        f"{_FIELD} is not a data set of yours: take a file_id from list_datasets or from the "
        "answer of upload_dataset."
    )


async def _near_dataset(provider: Provider, file_id: str) -> str | None:
    """Return the id of the data set with this name, or with an id that this one begins."""
    try:
        listed = await provider.list_datasets()
    except EvalsMCPError:
        return None
    files = [file for file in listed if file.purpose != BENCHMARK_PURPOSE]
    named = {file.filename: file for file in reversed(files) if file.filename}
    begun = [file for file in files if len(file_id) > _START and file.id.startswith(file_id)]
    near = near_file_name(file_id, named)
    found = begun[0] if begun else named[near] if near else None
    return found and f"{quoted(found.id, 80)}, {quoted(found.filename, 60)}"
