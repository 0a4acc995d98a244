"""The columns of a stored data set, from its first row, after which the transfer ends."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator

from evals_mcp.errors import DatasetFaultError, NotFoundError
from evals_mcp.providers.protocol import Provider
from evals_schemas.datasets.reader import MAX_ROW_BYTES, Fault, scan


async def dataset_columns(file_id: str, provider: Provider) -> list[str]:
    """Return the columns of a stored data set.

    Raises:
        NotFoundError: no data set has this id.
        DatasetFaultError: its first row cannot be read.
    """
    try:
        async with provider.dataset_content(file_id) as chunks:
            columns = await _first_columns(chunks)
    except NotFoundError:
        raise NotFoundError(
            "`input_data_file_path` is not a data set of yours: take a file_id from list_datasets "
            "or from the answer of upload_dataset."
        ) from None
    if columns is None:
        raise DatasetFaultError(
            "The first row of the data set cannot be read: it must be JSONL or CSV in UTF-8. "
            "Call upload_dataset, which checks a file before it sends it."
        )
    return columns


async def _first_columns(chunks: AsyncIterator[bytes]) -> list[str] | None:
    """Return the columns; stop after the first row, or after the longest row that is allowed."""
    start = bytearray()
    async for chunk in chunks:
        start += chunk
        if b"\n" in chunk and (columns := columns_in(bytes(start[: start.rindex(b"\n") + 1]))):
            return columns
        if len(start) > MAX_ROW_BYTES:
            return None
    return columns_in(bytes(start))


def columns_in(start: bytes) -> list[str] | None:
    """Return the columns of JSONL or CSV, from its first bytes; None if these are not enough.

    A line that begins with a brace is JSON.
    """
    lines = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not lines.startswith(b"{"):
        return _header_of(lines)
    first = next(scan(io.BytesIO(lines), "jsonl"), None)
    return None if first is None or isinstance(first, Fault) else list(first)


def _header_of(lines: bytes) -> list[str] | None:
    try:
        return next(csv.reader(io.StringIO(lines.decode(), newline=""), strict=True), None)
    except (UnicodeDecodeError, csv.Error):
        return None
