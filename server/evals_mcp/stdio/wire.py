"""The two pipes to the client."""

from __future__ import annotations

import os
from collections.abc import Iterator

CHUNK = 1 << 16


class Wire:
    """Lines from the client and to it, without buffers that an end of the process could hold up."""

    def __init__(self, source: int, target: int) -> None:
        """Read from one descriptor and write to the other."""
        self._source = source
        self._target = target

    def lines(self) -> Iterator[bytes]:
        """Each line without its end, until the client closes its side; blocks for the next one."""
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
        """Send one line, to which its end is added.

        Raises:
            OSError: the client is gone.
        """
        left = memoryview(line + b"\n")
        while left:
            left = left[os.write(self._target, left) :]


def claim_standard_streams() -> Wire:
    """Take the pipes away from everything else in the process.

    What reads standard input finds its end, and what is printed by mistake goes to standard error:
    both are the protocol's alone.
    """
    _open_standard_error()
    wire = Wire(os.dup(0), os.dup(1))
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return wire


def _open_standard_error() -> None:
    """Where the parent closed it, keep its number from being given to the wire."""
    try:
        os.fstat(2)
    except OSError:
        os.open(os.devnull, os.O_WRONLY)
