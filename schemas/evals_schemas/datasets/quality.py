"""What is odd about a data set that can be used: repeated rows and empty cells.

Rows are looked at one after another and not kept: the memory taken has a bound, whatever the
number of rows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

EXACT_ROWS = 2**18
"""Distinct rows up to which repetitions are counted exactly; beyond it they are estimated."""

COLUMNS_NAMED = 8
"""How many columns with empty cells a warning spells out; it counts the rest."""


class Repetitions:
    """Counts the rows that repeat an earlier one, exactly or from a sample.

    Hashes of rows are kept. Whenever there are more than `capacity`, the half of them goes whose
    next bit is 1: what is left is a random sample of the distinct rows, each with all of its
    occurrences (P. Flajolet, "On adaptive sampling", Computing 34, 1990, 391-400). Its repetitions
    times 2 for every halving estimate those of the whole without bias. Two rows of the same hash,
    64 bits, are taken for the same.
    """

    def __init__(self, capacity: int = EXACT_ROWS) -> None:
        self.first_line: int | None = None
        """Of the first row that repeats an earlier one; None while there is none."""
        self._capacity = capacity
        self._seen: set[int] = set()
        self._repeated: defaultdict[int, int] = defaultdict(int)
        self._mask = 0
        self._observed = 0

    def add(self, key: Hashable, line: int) -> None:
        """Count one row by what identifies it: the text of its line, or its cells."""
        known = hash(key)
        if known & self._mask:
            return
        if known in self._seen:
            self._repeat(known, line)
            return
        self._seen.add(known)
        if len(self._seen) > self._capacity:
            self._halve()

    @property
    def exact(self) -> bool:
        """Whether `count` is counted; else it is estimated."""
        return not self._mask

    @property
    def count(self) -> int:
        """Rows that repeat an earlier one; never fewer than were seen."""
        scaled = sum(self._repeated.values()) * (self._mask + 1)
        return max(scaled, self._observed)

    def _repeat(self, known: int, line: int) -> None:
        self._observed += 1
        self._repeated[known] += 1
        if self.first_line is None:
            self.first_line = line

    def _halve(self) -> None:
        while len(self._seen) > self._capacity:
            self._mask = 2 * self._mask + 1
            self._seen = {known for known in self._seen if not known & self._mask}
        for known in [known for known in self._repeated if known & self._mask]:
            del self._repeated[known]


@dataclass
class EmptyCells:
    """The cells of one column that hold null or an empty text."""

    count: int
    first_line: int


@dataclass
class DatasetQuality:
    """Looks at every row of one data set, in order; `scan` hands them in."""

    text_columns: Sequence[str] = ()
    """Columns that must hold text, not empty, in every row."""
    repetitions: Repetitions = field(default_factory=Repetitions)
    empty: dict[str, EmptyCells] = field(default_factory=dict[str, EmptyCells])
    """By column; only those that have any."""

    def add(self, row: Mapping[str, Any], line: int, key: Hashable) -> str | None:
        """Look at one row.

        Args:
            row: Its cells by column.
            line: Where it stands; 1 for the first line.
            key: What is equal for equal rows and cheap to hash: its line, or a tuple of its cells.

        Returns:
            Why it cannot be used, and it is not counted then; None when it can.
        """
        values = row.values()
        if None in values or "" in values:
            columns = [name for name, value in row.items() if value is None or value == ""]
            if len(columns) == len(row):
                return "every value is empty"
            self._count_empty(columns, line)
        for column in self.text_columns:
            value = row.get(column)
            if not isinstance(value, str) or not value.strip():
                return f"`{column}` must be text that is not empty"
        self.repetitions.add(key, line)
        return None

    def warnings(self, place: str = "line") -> list[str]:
        """One sentence a peculiarity, without a full stop; empty when there is none.

        Args:
            place: What `line` counted, such as `line` or `row`.
        """
        found = [_repeated(self.repetitions, place)] if self.repetitions.count else []
        for column, cells in list(self.empty.items())[:COLUMNS_NAMED]:
            rows = f"{cells.count:,} row{'s' * (cells.count > 1)}"
            found.append(f"`{column[:60]}` is empty in {rows}, first at {place} {cells.first_line}")
        if more := len(self.empty) - COLUMNS_NAMED:
            found += [f"{more} more columns have empty cells"] * (more > 0)
        return found

    def _count_empty(self, columns: Sequence[str], line: int) -> None:
        for column in columns:
            cells = self.empty.setdefault(column, EmptyCells(0, line))
            cells.count += 1


def _repeated(repetitions: Repetitions, place: str) -> str:
    about = "" if repetitions.exact else "about "
    rows = "row repeats" if repetitions.count == 1 else "rows repeat"
    return (
        f"{about}{repetitions.count:,} {rows} an earlier one, first at {place} "
        f"{repetitions.first_line}"
    )
