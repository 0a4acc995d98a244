"""How the rows of an evaluation are divided into shards, and its calls into shares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

SHARE_CALLS = 32
"""Calls in flight of one share, about; an evaluation with more calls has more shares."""

MOST_SHARES = 16
"""Shares of one evaluation at most: as many as one node takes, so that one node can run it."""

SHARDS_LEFT = 3
"""Shards into which the rows that are left would be divided for each share: shards become smaller,
so that they are few and the last ones end close together."""

SMALLEST, LARGEST = 100, 1_000
"""Rows of a shard."""


@dataclass(frozen=True)
class Marks:
    """Where in a data set its rows begin; none if that is not known."""

    every: int = 250
    offsets: Sequence[int] = ()
    """The bytes at which row 0, row `every`, row 2 * `every` and so on begin."""

    def before(self, row: int) -> tuple[int, int]:
        """Return the last byte and row that are known to belong together, up to a row."""
        number = min(row // self.every, len(self.offsets) - 1)
        return (self.offsets[number], number * self.every) if number > 0 else (0, 0)


@dataclass(frozen=True)
class Part:
    """A range of rows that becomes a shard."""

    first_row: int
    size: int
    byte_at: int
    row_at: int
    """The row that begins at `byte_at`, from which the shard is read."""


def shares_of(rows_at_once: int, smallest_limit: int) -> list[int]:
    """Divide the rows in flight of an evaluation into shares.

    Args:
        rows_at_once: the rows in flight over all nodes.
        smallest_limit: the calls in flight of the model with the fewest. There are no more shares,
            so that each share has at least one call of each model.
    """
    count = min(max(2, -(-rows_at_once // SHARE_CALLS)), MOST_SHARES, smallest_limit, rows_at_once)
    share, rest = divmod(rows_at_once, count)
    return [share + (number < rest) for number in range(count)]


def parts_of(rows: int, shares: int, marks: Marks) -> list[Part]:
    """Divide the rows of a data set into the ranges of shards."""
    parts, first = list[Part](), 0
    while first < rows:
        left = rows - first
        size = min(max(SMALLEST, min(LARGEST, left // (shares * SHARDS_LEFT))), left)
        parts.append(Part(first, size, *marks.before(first)))
        first += size
    return parts
