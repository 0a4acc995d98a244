"""Finds the column by which rows belong together: an input whose values repeat.

Values are counted and not stored, so memory is bounded for any number of rows.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import Field

from evals_schemas.contract import Answer

REPEATED_SHARE = 0.2
"""Share of the rows that must repeat the value of an earlier one."""

FEWEST_VALUES = 6
"""Different values below which no interval over clusters is possible."""

LONG_TEXT = 20
"""Mean length of texts, in characters, from which on they are inputs and not categories."""

MOST_COLUMNS = 16
"""Columns that are counted, the first ones."""

EXACT_VALUES = 2**12
"""Different values of a column up to which they are counted exactly; beyond it, estimated."""

_INPUT_NAME = re.compile(
    r"(^|[\W_])(id|question|prompt|conversation|session|dialogue|thread)$|[a-z]I[dD]$",
    re.IGNORECASE,
)


class RepeatedInput(Answer):
    """The column with an input that rows repeat."""

    column: str = Field(description="The column.")
    rows: int = Field(description="Rows with a value in it.", ge=0)
    values: int = Field(description="Different values in it.", ge=0)
    exact: bool = Field(default=True, description="Whether `values` is counted, not estimated.")


class DistinctValues:
    """A count of different values, exact or estimated from a sample of them.

    The hashes of values are stored. Above the capacity, those with a 1 in the next bit are dropped,
    about half of them; the others are a random sample of the different values (P. Flajolet, "On
    adaptive sampling", Computing 34, 1990, 391-400).
    """

    def __init__(self, capacity: int = EXACT_VALUES) -> None:
        self._capacity = capacity
        self._hashes: set[int] = set()
        self._mask = 0

    def add(self, value: Hashable) -> None:
        """Count one value."""
        value_hash = hash(value)
        if not value_hash & self._mask:
            self._hashes.add(value_hash)
            self._halve()

    def _halve(self) -> None:
        while len(self._hashes) > self._capacity:
            self._mask = 2 * self._mask + 1
            self._hashes = {each for each in self._hashes if not each & self._mask}

    @property
    def exact(self) -> bool:
        """Whether `count` is exact."""
        return not self._mask

    @property
    def count(self) -> int:
        """The number of different values."""
        return len(self._hashes) * (self._mask + 1)


@dataclass(frozen=True)
class ColumnCount:
    """The values of one column."""

    column: str
    rows: int
    """Rows with a value."""
    values: int
    """Different values."""
    exact: bool
    """Whether `values` is exact."""
    mean_length: float = 0.0
    """Mean length of its texts, in characters."""

    def repeats(self, rows: int) -> bool:
        """Return whether values repeat in enough of all rows, and enough of them are different."""
        return self.values >= FEWEST_VALUES and self.rows - self.values > REPEATED_SHARE * rows

    def is_input(self) -> bool:
        """Return whether it names or holds inputs rather than categories or expected answers."""
        return self.mean_length >= LONG_TEXT or _INPUT_NAME.search(self.column) is not None


def repeated_input(counts: Iterable[ColumnCount], rows: int) -> RepeatedInput | None:
    """Return the repeated input with the most values; None if rows repeat no input.

    Args:
        counts: the columns that can be inputs, without judged answers.
        rows: the number of all rows.
    """
    repeated = [each for each in counts if each.repeats(rows) and each.is_input()]
    if not repeated:
        return None
    finest = max(repeated, key=lambda each: each.values)
    return RepeatedInput(
        column=finest.column, rows=finest.rows, values=finest.values, exact=finest.exact
    )


@dataclass
class _Column:
    values: DistinctValues = field(default_factory=DistinctValues)
    rows: int = 0
    characters: int = 0

    def add(self, value: object) -> None:
        if isinstance(value, str):
            if not value:
                return
            self.characters += len(value)
        elif isinstance(value, bool) or not isinstance(value, int):
            return
        self.rows += 1
        # The hash of a whole number is the number itself, which would not be a random sample.
        self.values.add(str(value))


class InputCounter:
    """Counts the values of the first columns of the rows of a data set."""

    def __init__(self) -> None:
        self._columns: dict[str, _Column] = {}
        self._rows = 0

    def add(self, row: Mapping[str, Any]) -> None:
        """Count one row. Only texts that are not empty and whole numbers are values; 1 is "1"."""
        self._rows += 1
        columns = self._columns
        for name, value in row.items():
            if name not in columns and len(columns) < MOST_COLUMNS:
                columns[name] = _Column()
            if column := columns.get(name):
                column.add(value)

    def repeated_input(self, answers: Collection[str]) -> RepeatedInput | None:
        """Return the repeated input with the most values; None if rows repeat no input.

        Args:
            answers: the columns of judged answers.
        """
        return repeated_input(self._counts(answers), self._rows)

    def _counts(self, answers: Collection[str]) -> Iterator[ColumnCount]:
        for name, column in self._columns.items():
            if column.rows and name not in answers:
                values = column.values
                length = column.characters / column.rows
                yield ColumnCount(name, column.rows, values.count, values.exact, length)
