"""How a user of a server over HTTP gets a file: by a signed link to a copy that is kept a day."""

from __future__ import annotations

import os
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import BinaryIO

from evals_mcp.errors import OperatorError, UnavailableError, UnsupportedError
from evals_mcp.exchange.exchange_folder import ExchangeFolder
from evals_mcp.exchange.links import Links
from evals_mcp.exchange.new_files import Write, manifest_path

LINK_SECONDS = 900.0
"""Seconds for which a link to fetch a file is valid."""


@dataclass(frozen=True)
class Downloads:
    """The files that one principal fetches."""

    links: Links
    folder: ExchangeFolder
    principal_id: str
    is_shared: bool = True
    """Whether every server at this address sees the files; False if another may get the request."""

    def check(self, instead: str) -> None:
        """Raise UnsupportedError if the servers at this address share no folder.

        Args:
            instead: what to do in that case.
        """
        if not self.is_shared:
            raise UnsupportedError(
                "Files cannot be fetched here, because the servers at this address share no folder "
                f"(state.shared is false): {instead}"
            )

    def offer(self, name: str, write: Write, write_manifest: Write | None) -> tuple[str, int]:
        """Return the link of a file and its size in bytes, after writing it unless it is there.

        Args:
            name: the file's name, which is the same for the same content. No file is overwritten.
            write: writes the content.
            write_manifest: writes the manifest, which has its place beside the file; None if the
                file contains it.

        Raises:
            UnavailableError: another call is writing it.
            OperatorError: the folder does not take the file.
        """
        path = self.folder.path_of(self.principal_id, name)
        try:
            if path.is_file():
                self._keep_for_a_day(name)
            else:
                self._store(name, write, write_manifest)
            size = path.stat().st_size
            with suppress(FileNotFoundError):
                size = max(size, manifest_path(path).stat().st_size)
        except FileExistsError:
            raise UnavailableError(
                "Another call is writing this file: call export_results again in a minute."
            ) from None
        except OSError as error:
            raise OperatorError(
                f"The folder of exports does not take the file ({error.strerror or error}). The "
                "operator of this server frees space, or sets export.folder to another folder."
            ) from None
        link = self.links.issue(
            "download", self.principal_id, name, seconds=LINK_SECONDS, max_bytes=max(size, 1)
        )
        return link, path.stat().st_size

    def _store(self, name: str, write: Write, write_manifest: Write | None) -> None:
        """Write both files, and give them their names once both are whole."""
        manifest = manifest_path(self.folder.path_of(self.principal_id, name)).name
        with ExitStack() as stack:
            self._write(stack, name, write)
            if write_manifest is not None:
                self.folder.path_of(self.principal_id, manifest).unlink(missing_ok=True)
                self._write(stack, manifest, write_manifest)
                self.folder.finish(self.principal_id, manifest)
            self.folder.finish(self.principal_id, name)

    def _write(self, stack: ExitStack, name: str, write: Write) -> None:
        file: BinaryIO = self.folder.begin(self.principal_id, name)
        stack.callback(self.folder.discard, self.principal_id, name)
        with file:
            write(file)

    def _keep_for_a_day(self, name: str) -> None:
        path = self.folder.path_of(self.principal_id, name)
        for each in (path, manifest_path(path)):
            with suppress(FileNotFoundError):
                os.utime(each)
