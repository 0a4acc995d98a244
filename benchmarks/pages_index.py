"""Finds two pages of failing rows as the server does: `pages_index.py FILE ROWS PAGE TIMES`.

It does the same as `read_results`, from the download to the rows, but does not render them.
`pages_readings.py` describes its input and output.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import anyio
from anyio import to_thread

from evals_mcp.result_files.cache import ResultFile, ResultFiles
from evals_mcp.result_files.conditions import Where
from evals_mcp.result_files.index import IndexedRow, ResultIndex
from evals_mcp.results.types.table import row_reader

CHUNK = 1024 * 1024
FAILING = Where("state = 'ok' AND passed = 0")


async def main(file: Path, rows: int, page: int, times: int) -> None:
    print("ready", flush=True)
    sys.stdin.readline()
    with tempfile.TemporaryDirectory(prefix="evals-mcp-benchmark-") as folder:
        opened = partial(result_file, ResultFiles(Path(folder), 2**33), file)
        later: list[float] = []
        later_page: list[Any] = []
        started = time.perf_counter()
        async with opened() as index:
            matching = index.matching(FAILING)
            first_page = read(index, index.page(FAILING, "file", rows))
        first = time.perf_counter() - started
        async with opened() as index:
            before = index.page(FAILING, "file", (page - 1) * rows)[-1].number
        for _ in range(times):
            started = time.perf_counter()
            async with opened() as index:
                last = index.by_number([before])[0]
                later_page = read(index, index.page(FAILING, "file", rows, last))
            later.append(time.perf_counter() - started)
    answer = {"first": first, "later": later, "matching": matching}
    print(json.dumps(answer | {"pages": [first_page, later_page]}), flush=True)


def read(index: ResultIndex, places: list[IndexedRow]) -> list[dict[str, Any]]:
    return [index.read(place) for place in places]


def result_file(
    files: ResultFiles, file: Path, name: str = "file"
) -> AbstractAsyncContextManager[ResultIndex]:
    """Return the file as the server keeps it; the first call downloads it, here by a copy."""

    @asynccontextmanager
    async def download() -> AsyncGenerator[AsyncIterator[bytes]]:
        yield chunks(file)

    verdicts = row_reader("classify", {"labels": ["good", "bad"], "pass_labels": ["good"]})
    return files.open(ResultFile("benchmark", name, verdicts), download)


async def chunks(file: Path) -> AsyncIterator[bytes]:
    with file.open("rb") as stream:
        while chunk := await to_thread.run_sync(stream.read, CHUNK):
            yield chunk


if __name__ == "__main__":
    anyio.run(main, Path(sys.argv[1]), *map(int, sys.argv[2:]))
