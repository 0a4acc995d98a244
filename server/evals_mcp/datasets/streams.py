"""A stored file as a synchronous stream: transferred on the event loop, read in a thread.

A reader that is cancelled ends at its next block, and so does the transfer.
"""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Callable

import anyio
from anyio import from_thread

BLOCK_BYTES = 1024 * 1024
"""How much is handed to the thread at once."""


class Blocks:
    """Gathers the pieces of a transfer into blocks, for a limited time."""

    def __init__(
        self, chunks: AsyncIterator[bytes], seconds: float, clock: Callable[[], float]
    ) -> None:
        self.bytes = 0
        """How many were handed on."""
        self.ran_out = False
        """Whether the time was over before the file was."""
        self._chunks = chunks
        self._clock = clock
        self._deadline = clock() + seconds

    async def next(self) -> bytes:
        """The next block; empty at the end of the file or of the time."""
        gathered = bytearray()
        while len(gathered) < BLOCK_BYTES and not self.ran_out:
            left = self._deadline - self._clock()
            chunk = None
            with anyio.move_on_after(left):
                chunk = await anext(self._chunks, b"") if left > 0 else None
            if chunk == b"":
                break
            if chunk is None:
                self.ran_out = True
            else:
                gathered += chunk
        self.bytes += len(gathered)
        return bytes(gathered)


class _RawBlocks(io.RawIOBase):
    """What a worker thread reads; each block is fetched on the event loop."""

    def __init__(self, blocks: Blocks) -> None:
        self._blocks = blocks
        self._rest = memoryview(b"")
        self._place = 0

    def readable(self) -> bool:
        """Always."""
        return True

    def tell(self) -> int:
        """Bytes read so far."""
        return self._place

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # pyright: ignore[reportIncompatibleMethodOverride] - a writable buffer
        """Fill as much of the buffer as is at hand."""
        if not self._rest:
            self._rest = memoryview(from_thread.run(self._blocks.next))
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        self._place += count
        return count


def opened(blocks: Blocks) -> io.BufferedReader:
    """A stream that knows its place, to be read in a worker thread of the event loop."""
    return io.BufferedReader(_RawBlocks(blocks), BLOCK_BYTES)
