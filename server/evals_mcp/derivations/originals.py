"""Originals and result files on this machine's disk, for as long as they are read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from anyio import to_thread

from evals_schemas.datasets.reader import Fault, Kind, Row, scan

WRITE_BYTES = 4 * 1024 * 1024
"""Bytes of a transfer that are collected for one write."""


async def save(path: Path, chunks: AsyncIterator[bytes]) -> None:
    """Write the bytes of a transfer to a new file. Raises OSError if that is impossible."""
    pending, size = list[bytes](), 0
    out = await to_thread.run_sync(path.open, "xb")
    try:
        async for chunk in chunks:
            pending.append(chunk)
            size += len(chunk)
            if size >= WRITE_BYTES:
                await to_thread.run_sync(out.writelines, pending)
                pending, size = [], 0
        await to_thread.run_sync(out.writelines, pending)
    finally:
        out.close()


def rows_of(path: Path) -> Iterator[Row]:
    """Yield the rows of a data set that was checked before; what is no row is left out."""
    with path.open("rb") as stream:
        start = stream.peek().removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
        kind: Kind = "jsonl" if start == b"{" else "csv"
        for row in scan(stream, kind):
            if not isinstance(row, Fault):
                yield row
