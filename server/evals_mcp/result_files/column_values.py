"""The values of one column of a result file: which rows have the same value."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from evals_mcp.cleaning import quoted
from evals_mcp.errors import InvalidRequestError
from evals_mcp.near_names import near_names
from evals_mcp.result_files.lines import EMPTY_KEYS
from evals_mcp.results.rows import input_columns

if TYPE_CHECKING:
    from evals_mcp.result_files.index import ResultIndex

_COLUMNS_NAMED = 20
_COLUMNS_TRIED = 100
_FEW_VALUES = 50


@dataclass(frozen=True)
class ColumnValues:
    """The values of one column, numbered from 0 in the order of their first rows.

    Two values are the same if they are equal as JSON (`column_key`): `1` is `1.0`, but not `"1"`;
    null is the same as no value.
    """

    of_row: Sequence[int]
    """The number of the value of each row, in the order of the file; four bytes each."""
    first_rows: Sequence[int]
    """For each value the number of the first row that has it, counted from 1."""
    rows: Sequence[int]
    """For each value the number of rows that have it."""
    empty: frozenset[int] = frozenset()
    """The numbers of null and of the empty text, as far as they occur."""

    def without_rows(self, hidden: Collection[int]) -> ColumnValues:
        """Return the values without some rows, and without values that only these have.

        In `of_row` such rows have the number behind that of the last value.
        """
        if not hidden:
            return self
        rows = list(self.rows)
        for row in hidden:
            rows[self.of_row[row - 1]] -= 1
        kept = [value for value, count in enumerate(rows) if count]
        numbers = {value: number for number, value in enumerate(kept)}
        of_row = array("I", [numbers.get(value, len(kept)) for value in self.of_row])
        for row in hidden:
            of_row[row - 1] = len(kept)
        return ColumnValues(
            of_row,
            [self.first_rows[value] for value in kept],
            [rows[value] for value in kept],
            frozenset(numbers[value] for value in self.empty if value in numbers),
        )


class TooManyValuesError(Exception):
    """A column has more different values than the caller can use."""

    def __init__(self, rows_read: int) -> None:
        """Remember after how many rows the limit was passed."""
        super().__init__(rows_read)
        self.rows_read = rows_read


def column_values(index: ResultIndex, column: str, most: int | None = None) -> ColumnValues:
    """Return which rows have which value, from the keys in the index where it has them.

    Args:
        index: an open result file; the call blocks.
        column: one of `index.columns`; see `check_column`.
        most: the most different values; None for any number.

    Raises:
        TooManyValuesError: the column has more values than `most`.
    """
    numbers = dict[bytes, int]()
    of_row, first_rows = array("I"), array("q")
    for block in index.blocks([column]):
        (keys,) = block.keys
        of_row.extend([numbers.setdefault(key, len(numbers)) for key in keys])
        if len(numbers) > len(first_rows):
            firsts = _first_places(keys)
            newest_first = list(islice(reversed(numbers), len(numbers) - len(first_rows)))
            first_rows.extend(block.first + firsts[key] for key in reversed(newest_first))
        if most is not None and len(numbers) > most:
            raise TooManyValuesError(first_rows[most])
    counts = Counter(of_row)
    rows = [counts[number] for number in range(len(numbers))]
    empty = frozenset(numbers[key] for key in EMPTY_KEYS if key in numbers)
    return ColumnValues(of_row, first_rows, rows, empty)


def few_valued_columns(index: ResultIndex) -> list[str]:
    """Return columns of the data set that have 2 to 50 values in the first rows, some at most."""
    inputs = input_columns(dict.fromkeys(index.columns))[:_COLUMNS_TRIED]
    block = next(index.blocks(inputs))
    values = {name: len(set(keys)) for name, keys in zip(inputs, block.keys, strict=True)}
    few = range(2, min(_FEW_VALUES, len(block.verdicts) - 1) + 1)
    return [name for name in inputs if values[name] in few][:_COLUMNS_NAMED]


def value_of(index: ResultIndex, column: str, row: int) -> Any:
    """Return the value of a column in the row with this number; None without one."""
    return index.read(index.by_number([row])[0]).get(column)


def check_column(
    column: str, columns: Iterable[str], argument: str, file: str = "the result file"
) -> None:
    """Refuse a column that no row of a result file has.

    Args:
        column: the name.
        columns: the columns of the rows.
        argument: the tool's argument that names the column, for the message.
        file: what the result file is called in the message.

    Raises:
        InvalidRequestError: there is no such column; the message names those that there are.
    """
    existing = list(columns)
    if column in existing:
        return
    near = " or ".join(quoted(name, 60) for name in near_names(column, existing))
    meant = f" Did you mean {near}?" if near else ""
    listed = ", ".join(quoted(name, 60) for name in existing[:_COLUMNS_NAMED])
    more = len(existing) - _COLUMNS_NAMED
    raise InvalidRequestError(
        f"`{argument}`: no row of {file} has a column {quoted(column, 60)}.{meant} The "
        f"columns are {listed or 'none'}{f' and {more} more' if more > 0 else ''}."
    )


def _first_places(keys: Sequence[bytes]) -> dict[bytes, int]:
    """Return the first place of each key."""
    return dict(zip(reversed(keys), range(len(keys) - 1, -1, -1), strict=True))
