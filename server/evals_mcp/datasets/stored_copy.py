"""Whether a data set is stored already, so that it need not be sent again."""

from __future__ import annotations

from pathlib import Path

import anyio

from evals_mcp.datasets.benchmark_questions import are_same
from evals_mcp.errors import EvalsMCPError
from evals_mcp.providers.protocol import Provider
from evals_schemas.benchmark_api.benchmarks import BENCHMARK
from evals_schemas.evaluation_api.files import File

CANDIDATES = 3
"""The newest stored files of the same size that are compared."""

MAX_BYTES = 64 * 1024 * 1024
"""The largest file compared; reading back a larger one costs more than it saves."""


async def stored_copy(path: Path, purpose: str, rows: int, provider: Provider) -> File | None:
    """A stored file of that purpose with the same bytes; None if none is found.

    A benchmark is kept in another form: as many `rows`, and the same questions in their order. One
    whose service tells no size is not read.

    A service that cannot be asked counts as one that has none: it then takes the upload or refuses
    it with its own reason.
    """
    size = (await anyio.Path(path).stat()).st_size
    if not 0 < size <= MAX_BYTES:
        return None
    try:
        stored = await provider.list_datasets()
        sizes = {size}
        if purpose == BENCHMARK:
            sizes = {file.bytes for file in stored if file.LineCount in {rows, 0}} - {0}
        alike = [file for file in stored if file.purpose == purpose and file.bytes in sizes]
        for file in alike[:CANDIDATES]:
            if await _is_same(path, file, provider):
                return file
    except EvalsMCPError:
        return None
    return None


async def _is_same(path: Path, file: File, provider: Provider) -> bool:
    """Compare until the first difference, which ends the transfer."""
    if file.purpose == BENCHMARK:
        async with provider.dataset_content(file.id) as blocks:
            return await are_same(path, blocks)
    async with (
        await anyio.open_file(path, "rb") as own,
        provider.dataset_content(file.id) as chunks,
    ):
        async for chunk in chunks:
            if await own.read(len(chunk)) != chunk:
                return False
        return not await own.read(1)
