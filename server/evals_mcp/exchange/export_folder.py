"""The folder of exported files: private, and no file is ever overwritten."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from itertools import chain, count
from pathlib import Path
from typing import BinaryIO

from evals_mcp.errors import OperatorError
from evals_mcp.exchange.new_files import Write, manifest_path, opened_new

MAX_STEM = 80
"""The longest file name without its ending."""

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_ENDING = re.compile(r"\.[A-Za-z0-9]{1,10}$")
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?")
"""Names that Windows keeps for devices."""


class ExportFolder:
    """Where files that a user asked for are written. Every method blocks."""

    def __init__(self, folder: Path) -> None:
        """Name the folder; it is made, for this user alone, by the first file."""
        self.folder = folder

    def write(self, name: str, write: Write, write_manifest: Write | None = None) -> Path:
        """Write a new file and return its path.

        Args:
            name: the wanted file name, such as `eval-1.csv`. Characters that some systems do not
                allow become `-`; if the name is taken, `-2`, `-3` … is added before the ending.
            write: writes the content. If it fails, no file is left.
            write_manifest: writes a second file afterwards, at `manifest_path` of the first.

        Raises:
            OperatorError: the folder does not take the file.
        """
        writes = [write] if write_manifest is None else [write, write_manifest]
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with ExitStack() as stack:
                path, files = self._new_files(stack, name, len(writes))
                for file, write_content in zip(files, writes, strict=True):
                    write_content(file)
        except OSError as error:
            raise OperatorError(
                f"{self.folder} does not take the file ({error.strerror or error}). The operator "
                "frees space, or sets export.folder to another folder."
            ) from error
        return path

    def _new_files(self, stack: ExitStack, name: str, number: int) -> tuple[Path, list[BinaryIO]]:
        for candidate in _names(name):
            path = self.folder / candidate
            with suppress(FileExistsError), ExitStack() as opened:
                paths = [path, manifest_path(path)][:number]
                files = [opened.enter_context(opened_new(each)) for each in paths]
                stack.enter_context(opened.pop_all())
                return path, files
        raise AssertionError


def safe_name(name: str) -> str:
    """Return a file name that every system takes: no folders, no blanks, no leading dot."""
    ending = match[0] if (match := _ENDING.search(name)) else ""
    stem = _UNSAFE.sub("-", name.removesuffix(ending)).strip("-.")[:MAX_STEM] or "export"
    return f"export-{stem}{ending}" if _RESERVED.fullmatch(stem) else f"{stem}{ending}"


def _names(name: str) -> Iterator[str]:
    path = Path(safe_name(name))
    return chain([path.name], (f"{path.stem}-{number}{path.suffix}" for number in count(2)))
