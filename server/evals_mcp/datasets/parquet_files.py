"""The rows of a Parquet file, read in batches by an optional package."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, cast
from uuid import UUID

from evals_mcp.errors import OperatorError
from evals_schemas.datasets.reader import DatasetError, Row

MAX_BATCH_ROWS = 1024
"""Rows that are read at once, at most."""

BATCH_BYTES = 8 * 2**20
"""Bytes of rows that are read at once, about; a row may have more."""

MAX_ROW_BYTES = 64 * 2**20
"""Bytes of the largest row in memory. A file of a few bytes may hold many such rows."""

_READ_BYTES = 2**20

_INSTALL = (
    "Parquet files need a package that is not installed: ask the administrator to run "
    "`pip install 'evals-mcp[parquet]'` and to restart the server. Or save the file as .jsonl or "
    ".csv and call upload_dataset with that."
)


class _Column(Protocol):
    """The part of `pyarrow.Array` that is used."""

    def to_pylist(self, *, maps_as_pydicts: str) -> list[Any]:
        """Return the values as Python objects, maps as dictionaries."""
        ...

    def cast(self, target_type: object, *, safe: bool) -> _Column:
        """Return the values as another type."""
        ...


class _Batch(Protocol):
    """The part of `pyarrow.RecordBatch` that is used."""

    @property
    def nbytes(self) -> int:
        """Bytes of the values in memory."""
        ...

    @property
    def num_rows(self) -> int:
        """The number of rows."""
        ...

    @property
    def columns(self) -> list[_Column]:
        """The columns in the order of the schema."""
        ...


def parquet_rows(path: Path) -> Iterator[Row]:
    """Yield every row in order: times as ISO 8601 text, NaN as null, decimals as numbers.

    Times are cut to microseconds.

    Raises:
        DatasetError: the file is damaged or not Parquet, or JSON cannot represent a value.
        OperatorError: the package that reads such files is not installed.
    """
    try:
        # Imported by name, because the package has no types; only here, because it is large.
        arrow: Any = import_module("pyarrow")
        parquet: Any = import_module("pyarrow.parquet")
    except ImportError:
        raise OperatorError(_INSTALL) from None
    number = 0
    try:
        with parquet.ParquetFile(path, buffer_size=_READ_BYTES, pre_buffer=False) as file:
            names = _names(file.schema_arrow.names)
            coarser = _coarser(arrow, file.schema_arrow.types)
            for batch in _batches(file):
                _check_bytes(batch, number)
                for cells in _cells(batch, coarser):
                    number += 1
                    row = dict(zip(names, cells, strict=True))
                    yield {name: _plain(value, number, name) for name, value in row.items()}
    except (DatasetError, MemoryError):
        raise
    except (arrow.ArrowException, OSError, ValueError, KeyError):
        # The package's messages quote values, so they are not used.
        position = f"row {number + 1} or a later row" if number else "the file"
        raise DatasetError(
            f"{position} cannot be read: it is damaged or contains something that JSON cannot "
            "represent. Write the Parquet file again, or save it as .jsonl"
        ) from None


def _batches(file: Any) -> Iterator[_Batch]:
    """Yield the rows in batches of about `BATCH_BYTES`, whatever the rows before them had.

    A file does not report how large its rows are in memory, so each row group begins with one row
    at a time, and a batch has at most twice as many rows as the one before.
    """
    for group in range(file.num_row_groups):
        rows: int = file.metadata.row_group(group).num_rows
        done, size = 0, 1
        while done < rows:
            try:
                for batch in _rest_of_group(file, group, done, size):
                    yield batch
                    done += batch.num_rows
                    fitting = size * BATCH_BYTES // max(batch.nbytes, 1)
                    next_size = max(1, min(2 * size, fitting, MAX_BATCH_ROWS))
                    if next_size > size or 4 * next_size < size:
                        size = next_size
                        break
            except MemoryError:
                if size == 1:
                    raise
                size = 1


def _rest_of_group(file: Any, group: int, done: int, size: int) -> Iterator[_Batch]:
    """Yield the rows of a row group after the first `done` ones, `size` rows at a time."""
    skipped = 0
    for batch in file.iter_batches(batch_size=size, row_groups=[group], use_threads=False):
        rest = batch.slice(done - skipped) if skipped < done else batch
        skipped += min(batch.num_rows, done - skipped)
        if rest.num_rows:
            yield rest


def _check_bytes(batch: _Batch, number: int) -> None:
    if batch.num_rows == 1 and batch.nbytes > MAX_ROW_BYTES:
        raise DatasetError(
            f"row {number + 1}: it has {batch.nbytes:,} bytes in memory, {MAX_ROW_BYTES:,} are the "
            "most; leave out long columns or split the row"
        )


def _names(names: list[str]) -> list[str]:
    if len(set(names)) < len(names):
        raise DatasetError("two columns with the same name: rename one")
    return names


def _coarser(arrow: Any, types: list[Any]) -> Mapping[int, object]:
    """Return a type with microseconds for each column of finer times, by index."""
    target_types: dict[int, object] = {}
    for index, kind in enumerate(types):
        if arrow.types.is_timestamp(kind) and kind.unit == "ns":
            target_types[index] = arrow.timestamp("us", kind.tz)
        elif arrow.types.is_time64(kind):
            target_types[index] = arrow.time64("us")
    return target_types


def _cells(batch: _Batch, coarser: Mapping[int, object]) -> Iterator[tuple[Any, ...]]:
    """Yield the cells of each row in the order of the columns."""
    columns = [
        column.cast(coarser[index], safe=False) if index in coarser else column
        for index, column in enumerate(batch.columns)
    ]
    values = [column.to_pylist(maps_as_pydicts="strict") for column in columns]
    return zip(*values, strict=True)


def _plain(value: Any, row: int, column: str) -> Any:
    """Return a value in a form that JSON can represent."""
    match value:
        case None | str() | int():
            return value
        case float() | Decimal():
            return _number(value, row, column)
        case datetime() | date() | time() | UUID():
            return str(value) if isinstance(value, UUID) else value.isoformat()
        case list():
            return [_plain(item, row, column) for item in cast("list[Any]", value)]
        case dict():
            fields = cast("dict[str, Any]", value)
            return {name: _plain(item, row, column) for name, item in fields.items()}
        case _:
            raise _unreadable(value, row, column)


def _number(value: float | Decimal, row: int, column: str) -> float | None:
    """Return the number; None for NaN, which table programs write for a missing value."""
    if isinstance(value, Decimal):
        return int(value) if value.as_tuple().exponent == 0 else float(value)
    if math.isinf(value):
        raise DatasetError(f"row {row}: `{column[:60]}` is infinite, which JSON cannot represent")
    return None if math.isnan(value) else value


def _unreadable(value: object, row: int, column: str) -> DatasetError:
    start = f"row {row}: `{column[:60]}` contains"
    if isinstance(value, bytes):
        return DatasetError(
            f"{start} bytes, which no judge reads: leave the column out, or write images as "
            "`data:` URLs into image_data_urls"
        )
    return DatasetError(
        f"{start} values of a type that JSON lacks ({type(value).__name__}): write them as text"
    )
