"""The two pipes to the client."""

from __future__ import annotations

import os
from collections.abc import Iterator

CHUNK = 1 << 16


class Wire:
    """Lines from and to the client, without buffers that could delay the end of the process."""

    def __init__(self, source: int, target: int) -> None:
        """Read from one descriptor and write to the other."""
        self._source = source
        self._target = target

    def lines(self) -> Iterator[bytes]:
        """Yield lines without their ends until the client closes its side; blocks between lines."""
        parts: list[bytes] = []
        while chunk := os.read(self._source, CHUNK):
            first, *others = chunk.split(b"\n")
            parts.append(first)
            for other in others:
                yield b"".join(parts)
                parts = [other]
        if last := b"".join(parts):
            yield last

    def write(self, line: bytes) -> None:
        """Send one line; the line end is added.

        Raises:
            OSError: the client has disconnected.
        """
        unsent = memoryview(line + b"\n")
        while unsent:
            unsent = unsent[os.write(self._target, unsent) :]


def claim_standard_streams() -> Wire:
    """Reserve standard input and output for the protocol.

    Other code in the process reads an empty standard input, and what it prints goes to standard
    error.
    """
    _open_standard_error()
    wire = Wire(os.dup(0), os.dup(1))
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return wire


def _open_standard_error() -> None:
    """Open standard error if the parent closed it, so that the wire does not get its number."""
    try:
        os.fstat(2)
    except OSError:
        os.open(os.devnull, os.O_WRONLY)
