"""Pages over a million judged rows, beside a plain loop over the same file."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
from anyio import to_thread

from benchmarks.figures import Figure, measured
from benchmarks.resources import UNREADABLE, resident_mb
from evals_mcp.result_files.cache import ResultFiles
from evals_mcp.result_files.index import Where
from evals_mcp.results.row_verdicts import row_reader

ROWS = 1_000_000
LATER_PAGES = 50
CHUNK = 1024 * 1024
FAILING = Where("state = 'ok' AND passed = 0")
FILLER = "It rained for most of the night and the gauge showed nothing until the morning. " * 9


def run() -> list[Figure]:
    """Write a million rows of about 1 kB, then read them both ways."""
    with tempfile.TemporaryDirectory(prefix="evals-mcp-benchmark-") as folder:
        rows = Path(folder) / "rows.jsonl"
        write(rows)
        loop = seconds(lambda: plain_loop(rows))
        first, later, grown = anyio.run(pages, rows, Path(folder) / "kept")
    size = f"{ROWS:,} rows"
    return [
        measured(
            f"results: first failing page, {size}",
            [first / loop],
            "x",
            f"{first:.1f} s with download and index; json.loads over the lines {loop:.1f} s",
            3.0,
        ),
        measured(
            f"results: a later page, {size}",
            [each * 1000 for each in later],
            "ms",
            f"{LATER_PAGES} pages of 10 rows, by cursor",
            100.0,
        ),
        memory(f"results: memory grown by, {size}", grown),
    ]


def memory(name: str, grown: float | None) -> Figure:
    if grown is None:
        return Figure(name, None, "MB", note=UNREADABLE)
    return measured(name, [grown], "MB", "resident, over what the process had before", 50.0)


def write(path: Path) -> None:
    with path.open("w", encoding="utf-8") as out:
        for number in range(ROWS):
            label = "bad" if number % 50 == 0 else "good"
            row = {
                "id": number,
                "question": f"Question {number}. {FILLER}",
                "answer": f"Answer {number}.",
                "evaluation_successful": True,
                "label": label,
                "feedback": "The answer names the cause and the remedy.",
            }
            out.write(json.dumps(row) + "\n")


def plain_loop(path: Path) -> None:
    with path.open("rb") as stream:
        for line in stream:
            json.loads(line)


def seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


async def pages(rows: Path, kept: Path) -> tuple[float, list[float], float | None]:
    """Seconds to the first page, to each later one, and the memory that all of it took."""

    @asynccontextmanager
    async def download() -> AsyncGenerator[AsyncIterator[bytes]]:
        yield chunks(rows)

    read = row_reader("classify", {"labels": ["good", "bad"], "pass_labels": ["good"]})
    before = resident_mb(os.getpid())
    started = time.perf_counter()
    async with ResultFiles(kept, 2**33).open("benchmark", "file", read, download) as index:
        index.matching(FAILING)
        last = index.page(FAILING, "file", 10)[-1]
        index.read(last)
        first = time.perf_counter() - started
        later: list[float] = []
        for _ in range(LATER_PAGES):
            started = time.perf_counter()
            page = index.page(FAILING, "file", 10, last)
            for place in page:
                index.read(place)
            last = page[-1]
            later.append(time.perf_counter() - started)
    after = resident_mb(os.getpid())
    grown = None if before is None or after is None else after - before
    return first, later, grown


async def chunks(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as stream:
        while chunk := await to_thread.run_sync(stream.read, CHUNK):
            yield chunk
