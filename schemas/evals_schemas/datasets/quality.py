"""Oddities of a usable data set: repeated rows and empty cells.

Rows are checked one by one and not stored, so memory is bounded for any number of rows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

EXACT_ROWS = 2**18
"""Distinct rows up to which repetitions are counted exactly; beyond it they are estimated."""

COLUMNS_NAMED = 8
"""Columns with empty cells that warnings name; further ones are counted."""


class Repetitions:
    """A counter of rows that repeat an earlier one, exact or estimated from a sample.

    The hashes of rows are stored. Above `capacity` hashes, those with a 1 in the next bit are
    dropped, about half of them. The others are a random sample of the distinct rows, each with all
    its occurrences (P. Flajolet, "On adaptive sampling", Computing 34, 1990, 391-400). The sample's
    repetitions, doubled for every halving, are an unbiased estimate for all rows. Two rows with the
    same 64-bit hash count as equal.
    """

    def __init__(self, capacity: int = EXACT_ROWS) -> None:
        self.first_line: int | None = None
        """Line of the first row that repeats an earlier one; None without a repetition."""
        self._capacity = capacity
        self._seen: set[int] = set()
        self._repeated: defaultdict[int, int] = defaultdict(int)
        self._mask = 0
        self._observed = 0

    def add(self, key: Hashable, line: int) -> None:
        """Count one row by its key: the text of its line, or its cells."""
        row_hash = hash(key)
        if row_hash & self._mask:
            return
        if row_hash in self._seen:
            self._repeat(row_hash, line)
            return
        self._seen.add(row_hash)
        if len(self._seen) > self._capacity:
            self._halve()

    @property
    def exact(self) -> bool:
        """Whether `count` is exact; otherwise it is an estimate."""
        return not self._mask

    @property
    def count(self) -> int:
        """Rows that repeat an earlier one; at least as many as were seen."""
        scaled = sum(self._repeated.values()) * (self._mask + 1)
        return max(scaled, self._observed)

    def _repeat(self, row_hash: int, line: int) -> None:
        self._observed += 1
        self._repeated[row_hash] += 1
        if self.first_line is None:
            self.first_line = line

    def _halve(self) -> None:
        while len(self._seen) > self._capacity:
            self._mask = 2 * self._mask + 1
            self._seen = {row_hash for row_hash in self._seen if not row_hash & self._mask}
        for row_hash in [row_hash for row_hash in self._repeated if row_hash & self._mask]:
            del self._repeated[row_hash]


@dataclass
class EmptyCells:
    """The cells of one column that hold null or an empty text."""

    count: int
    first_line: int


@dataclass
class DatasetQuality:
    """The check of all rows of one data set, which `scan` passes in order."""

    text_columns: Sequence[str] = ()
    """Columns that must hold text, not empty, in every row."""
    repetitions: Repetitions = field(default_factory=Repetitions)
    empty: dict[str, EmptyCells] = field(default_factory=dict[str, EmptyCells])
    """Empty cells by column; columns without any are absent."""

    def add(self, row: Mapping[str, Any], line: int, key: Hashable) -> str | None:
        """Check one row.

        Args:
            row: Its cells by column.
            line: Its line number; 1 for the first line.
            key: Equal for equal rows and cheap to hash: its line, or a tuple of its cells.

        Returns:
            Why the row cannot be used, in which case it is not counted; None if it can be used.
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

    def warnings(self, unit: str = "line") -> list[str]:
        """Return one sentence per oddity, without a full stop.

        Args:
            unit: What `line` counts, such as `line` or `row`.
        """
        warnings = [_repeated(self.repetitions, unit)] if self.repetitions.count else []
        for column, cells in list(self.empty.items())[:COLUMNS_NAMED]:
            rows = f"{cells.count:,} row{'s' * (cells.count > 1)}"
            first = f"{unit} {cells.first_line}"
            warnings.append(f"`{column[:60]}` is empty in {rows}, first at {first}")
        if more := len(self.empty) - COLUMNS_NAMED:
            warnings += [f"{more} more columns have empty cells"] * (more > 0)
        return warnings

    def _count_empty(self, columns: Sequence[str], line: int) -> None:
        for column in columns:
            cells = self.empty.setdefault(column, EmptyCells(0, line))
            cells.count += 1


def _repeated(repetitions: Repetitions, unit: str) -> str:
    about = "" if repetitions.exact else "about "
    rows = "row repeats" if repetitions.count == 1 else "rows repeat"
    return (
        f"{about}{repetitions.count:,} {rows} an earlier one, first at {unit} "
        f"{repetitions.first_line}"
    )
