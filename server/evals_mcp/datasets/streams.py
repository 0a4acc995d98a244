"""A stored file as a synchronous stream: transferred on the event loop, read in a thread.

If the reader is cancelled, it stops at its next block, and the transfer ends.
"""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Callable

import anyio
from anyio import from_thread

BLOCK_BYTES = 1024 * 1024
"""Bytes that the thread gets at once."""


class Blocks:
    """Joins the chunks of a transfer into blocks, for a limited time."""

    def __init__(
        self, chunks: AsyncIterator[bytes], seconds: float, clock: Callable[[], float]
    ) -> None:
        self.bytes = 0
        """Bytes returned so far."""
        self.ran_out = False
        """Whether the time was over before the end of the file."""
        self._chunks = chunks
        self._clock = clock
        self._deadline = clock() + seconds

    async def next(self) -> bytes:
        """Return the next block; empty at the end of the file, or if the time is over."""
        block = bytearray()
        while len(block) < BLOCK_BYTES and not self.ran_out:
            seconds = self._deadline - self._clock()
            chunk = None
            with anyio.move_on_after(seconds):
                chunk = await anext(self._chunks, b"") if seconds > 0 else None
            if chunk == b"":
                break
            if chunk is None:
                self.ran_out = True
            else:
                block += chunk
        self.bytes += len(block)
        return bytes(block)


class _RawBlocks(io.RawIOBase):
    """The stream for a worker thread; each block is fetched on the event loop."""

    def __init__(self, blocks: Blocks) -> None:
        self._blocks = blocks
        self._rest = memoryview(b"")
        self._position = 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the bytes read so far."""
        return self._position

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # pyright: ignore[reportIncompatibleMethodOverride] - a writable buffer
        """Fill the buffer with the bytes that are available, and return their number."""
        if not self._rest:
            self._rest = memoryview(from_thread.run(self._blocks.next))
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        self._position += count
        return count


def opened(blocks: Blocks) -> io.BufferedReader:
    """Return a stream with a position, to be read in a worker thread of the event loop."""
    return io.BufferedReader(_RawBlocks(blocks), BLOCK_BYTES)
