"""The bytes of files in one folder of this machine, under the ids of the files."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Container
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from evals_engine.store.errors import AlreadyStoredError
from evals_engine.store.private_files import OWN_FILE, OWN_FOLDER, make_private, write_private

ABANDONED_SECONDS = 24 * 3600.0
"""Age in seconds from which a file without a record is deleted at the start."""


class LocalPart:
    """Bytes in a temporary file. Every method raises OSError if the disk refuses."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._out = write_private(path)

    def write(self, data: bytes) -> None:
        """Add bytes."""
        self._out.write(data)

    def finish(self) -> None:
        """Flush the bytes to the disk; none can be added afterwards."""
        self._out.flush()
        os.fsync(self._out.fileno())
        self._out.close()

    def open(self) -> BinaryIO:
        """Open the bytes, once they are finished."""
        return self.path.open("rb")

    def discard(self) -> None:
        """Delete the bytes, unless they belong to a file now."""
        self._out.close()
        self.path.unlink(missing_ok=True)


class LocalFiles:
    """The files of a data directory."""

    def __init__(self, folder: Path) -> None:
        """Create the folder if it does not exist. Raises OSError."""
        self.folder = folder
        folder.mkdir(exist_ok=True, mode=OWN_FOLDER)
        make_private(folder)

    def path_of(self, file_id: str) -> Path:
        """Return the path of a file's bytes."""
        return self.folder / file_id

    def part(self) -> LocalPart:
        """Return an empty part. Raises OSError."""
        return LocalPart(self.path_of(f"{uuid.uuid4()}.part"))

    def keep(self, part: LocalPart, file_id: str) -> None:
        """Let the bytes of a part be those of a file.

        The bytes are stored before the record: after a crash between the two an announced file is
        still awaited, and the bytes are never read.

        Raises:
            AlreadyStoredError: The file has bytes already.
            OSError: The disk refused.
        """
        path = self.path_of(file_id)
        try:
            path.touch(OWN_FILE, exist_ok=False)  # only one attempt can do this
        except FileExistsError:
            raise AlreadyStoredError from None
        try:
            part.path.replace(path)
        except BaseException:
            self.delete(file_id)
            raise

    def open(self, file_id: str, start: int = 0) -> BinaryIO:
        """Open a file from a byte on. Raises OSError."""
        stream = self.path_of(file_id).open("rb")
        stream.seek(start)
        return stream

    def exists(self, file_id: str) -> bool:
        """Return whether the bytes of a file can be read."""
        return self.path_of(file_id).is_file()

    def delete(self, file_id: str) -> None:
        """Delete a file; one that is open may refuse, and is deleted at a later start."""
        with suppress(OSError):
            self.path_of(file_id).unlink(missing_ok=True)

    def delete_abandoned(self, recorded_ids: Container[str]) -> None:
        """Delete old files without a record: what a killed process was writing."""
        for path in self.folder.iterdir():
            with suppress(OSError):
                age = time.time() - path.stat().st_mtime
                if path.name not in recorded_ids and age > ABANDONED_SECONDS:
                    path.unlink()
