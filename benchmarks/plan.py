"""The pass of a plan over a stored data set, compared with a plain loop over the same lines."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median
from typing import cast

import anyio

from benchmarks.check import write
from benchmarks.figures import Figure, compared
from evals_mcp.datasets.profiles import read_profile
from evals_mcp.providers.protocol import Provider

ROWS = 1_000_000
REPETITIONS = 3
CHUNK_BYTES = 64 * 1024
"""Bytes of one chunk of a transfer."""


def run() -> list[Figure]:
    """Profile a million rows three times, each time after a `json.loads` of every line."""
    with tempfile.TemporaryDirectory(prefix="evals-mcp-benchmark-") as folder:
        path = Path(folder) / "rows.jsonl"
        write(path, ROWS)
        pairs = [timed(path) for _ in range(REPETITIONS)]
    loops, profiles = zip(*pairs, strict=True)
    note = f"processor {median(profiles):.1f} s; json.loads over the lines {median(loops):.1f} s"
    return [compared(f"plan: profile of {ROWS:,} rows", profiles, loops, note, 1.5)]


def timed(path: Path) -> tuple[float, float]:
    """Return the processor seconds of the plain loop and of the profile."""
    start = time.process_time()
    with path.open("rb") as lines:
        for line in lines:
            json.loads(line)
    between = time.process_time()
    provider = cast("Provider", StoredFile(path))
    profile = anyio.run(read_profile, provider, "file-1", 600.0, time.monotonic)
    assert profile.rows == ROWS
    return between - start, time.process_time() - between


class StoredFile:
    """The part of a provider that a profile needs."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @asynccontextmanager
    async def dataset_content(self, _: str) -> AsyncGenerator[AsyncIterator[bytes]]:
        yield self._chunks()

    async def _chunks(self) -> AsyncIterator[bytes]:
        with self.path.open("rb") as stored:
            while chunk := stored.read(CHUNK_BYTES):
                yield chunk
