"""The rows of a Parquet file, a batch at a time. The reader is an optional extra."""

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
    "Parquet files need a package that is not installed: whoever runs this server runs "
    "`pip install 'evals-mcp[parquet]'` and starts it again. Or save the file as .jsonl or .csv "
    "and call upload_dataset with that."
)


class _Column(Protocol):
    """The little that is needed of `pyarrow.Array`."""

    def to_pylist(self, *, maps_as_pydicts: str) -> list[Any]:
        """The values as Python's own; an object for a map of that name."""
        ...

    def cast(self, target_type: object, *, safe: bool) -> _Column:
        """The same values as another type."""
        ...


class _Batch(Protocol):
    """The little that is needed of `pyarrow.RecordBatch`."""

    @property
    def columns(self) -> list[_Column]:
        """In the order of the schema."""
        ...


def parquet_rows(path: Path) -> Iterator[Row]:
    """Every row in order: times as ISO 8601 text, NaN as null, decimals as numbers.

    Times finer than microseconds lose what is finer.

    Raises:
        DatasetError: the file is damaged or no Parquet, or a value has no form in JSON.
        OperatorError: the package that reads such files is not installed.
    """
    try:
        # By name, since it has no types. Late, since it is large and for such files alone.
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
        # The package's own messages quote values.
        place = f"row {number + 1} or soon after" if number else "the file"
        raise DatasetError(
            f"{place} cannot be read: it is damaged or holds something that has no form in "
            "JSON. Write the Parquet file again, or save it as .jsonl"
        ) from None


def _names(names: list[str]) -> list[str]:
    if len(set(names)) < len(names):
        raise DatasetError("two columns with the same name: rename one")
    return names


def _coarser(arrow: Any, types: list[Any]) -> Mapping[int, object]:
    """Microseconds for each column of times finer than those, by its place."""
    found: dict[int, object] = {}
    for place, kind in enumerate(types):
        if arrow.types.is_timestamp(kind) and kind.unit == "ns":
            found[place] = arrow.timestamp("us", kind.tz)
        elif arrow.types.is_time64(kind):
            found[place] = arrow.time64("us")
    return found


def _cells(batch: _Batch, coarser: Mapping[int, object]) -> Iterator[tuple[Any, ...]]:
    """The cells of each row, in the order of the columns."""
    columns = [
        column.cast(coarser[place], safe=False) if place in coarser else column
        for place, column in enumerate(batch.columns)
    ]
    values = [column.to_pylist(maps_as_pydicts="strict") for column in columns]
    return zip(*values, strict=True)


def _plain(value: Any, row: int, column: str) -> Any:
    """A value as JSON has it."""
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
    """The number, or None for NaN, which is what table programs write where there is none."""
    if isinstance(value, Decimal):
        return int(value) if value.as_tuple().exponent == 0 else float(value)
    if math.isinf(value):
        raise DatasetError(f"row {row}: `{column[:60]}` is infinite, which JSON cannot say")
    return None if math.isnan(value) else value


def _unreadable(value: object, row: int, column: str) -> DatasetError:
    what = f"row {row}: `{column[:60]}` holds"
    if isinstance(value, bytes):
        return DatasetError(
            f"{what} bytes, which no judge reads: leave the column out, or write images as "
            "`data:` URLs into image_data_urls"
        )
    return DatasetError(
        f"{what} values of a type that JSON has not ({type(value).__name__}): write them as text"
    )
