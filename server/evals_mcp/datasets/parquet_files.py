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

BATCH_ROWS = 256
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
        with parquet.ParquetFile(path, buffer_size=_READ_BYTES) as file:
            names = _names(file.schema_arrow.names)
            coarser = _coarser(arrow, file.schema_arrow.types)
            for batch in file.iter_batches(batch_size=BATCH_ROWS):
                for cells in _cells(batch, coarser):
                    number += 1
                    row = dict(zip(names, cells, strict=True))
                    yield {name: _plain(value, number, name) for name, value in row.items()}
    except DatasetError:
        raise
    except (arrow.ArrowException, OSError, ValueError, KeyError):
        # The package's messages quote values, so they are not used.
        position = f"row {number + 1} or a later row" if number else "the file"
        raise DatasetError(
            f"{position} cannot be read: it is damaged or contains something that JSON cannot "
            "represent. Write the Parquet file again, or save it as .jsonl"
        ) from None


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
