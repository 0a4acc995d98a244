"""Finds a stored copy of a data set, so that it is not sent again."""

from __future__ import annotations

import re
from pathlib import Path

import anyio

from evals_mcp.datasets.benchmark_questions import are_same
from evals_mcp.errors import EvalsMCPError
from evals_mcp.providers.protocol import Provider
from evals_schemas.evaluation_api.files import BENCHMARK_PURPOSE, File

CANDIDATES = 3
"""Most stored files that are compared: the newest of the same size."""

DERIVED_NAME = re.compile(r".+-[0-9a-f]{8}-of-.+\.jsonl")
"""The name of a file that a service was sent in place of a data set."""

MAX_BYTES = 64 * 1024 * 1024
"""Size of the largest file compared; reading a larger one back costs more than it saves."""


async def stored_copy(
    path: Path, purpose: str, rows: int, provider: Provider, name: str | None = None
) -> File | None:
    """Return a stored file of this purpose with the same bytes; None if not found.

    A service stores a benchmark in another form, so a benchmark is the same if it has as many
    `rows` and the same questions in the same order. A stored benchmark without a reported size is
    not compared. With a `name`, only files of this name are the same; without one, files that were
    derived from another data set are not.

    If the service cannot list or return its files, the result is None: the service then accepts
    the upload or refuses it with its own reason.
    """
    size = (await anyio.Path(path).stat()).st_size
    if not 0 < size <= MAX_BYTES:
        return None
    try:
        stored = await provider.list_datasets()
        sizes = {size}
        if purpose == BENCHMARK_PURPOSE:
            sizes = {file.bytes for file in stored if file.LineCount in {rows, 0}} - {0}
        alike = [
            file
            for file in stored
            if file.purpose == purpose
            and file.bytes in sizes
            and (file.filename == name if name else not DERIVED_NAME.fullmatch(file.filename))
        ]
        for file in alike[:CANDIDATES]:
            if await _is_same(path, file, provider):
                return file
    except EvalsMCPError:
        return None
    return None


async def _is_same(path: Path, file: File, provider: Provider) -> bool:
    """Return whether a stored file is the same; the transfer ends at the first difference."""
    if file.purpose == BENCHMARK_PURPOSE:
        async with provider.dataset_content(file.id) as blocks:
            return await are_same(path, blocks)
    async with (
        await anyio.open_file(path, "rb") as local_file,
        provider.dataset_content(file.id) as chunks,
    ):
        async for chunk in chunks:
            if await local_file.read(len(chunk)) != chunk:
                return False
        return not await local_file.read(1)
