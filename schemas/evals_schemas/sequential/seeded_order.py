"""The random order in which rows are judged, which follows from a seed alone."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from hashlib import blake2b

MOST_SEED = 2**31 - 1
"""The largest seed; the smallest is 0."""


@dataclass(frozen=True)
class SeededOrder:
    """Row numbers in the order in which they are judged. Rows of one cluster follow each other."""

    rows: Sequence[int]
    """The number of the row at each position, both from 0."""
    units: Sequence[int]
    """The unit of each position: a cluster, or a row of its own. Units are numbered in order."""

    @property
    def unit_count(self) -> int:
        """The number of units."""
        return self.units[-1] + 1 if self.units else 0

    def rows_of(self, units: int) -> int:
        """Return how many rows the first units have."""
        return bisect_left(self.units, units)

    def positions(self) -> array[int]:
        """Return the position of each row."""
        positions = array("Q", bytes(8 * len(self.rows)))
        for position, row in enumerate(self.rows):
            positions[row] = position
        return positions


def seeded_order(seed: int, rows: int, clusters: Sequence[Hashable] | None = None) -> SeededOrder:
    """Return the order of the rows: by the hash of the seed and the number of the row.

    It depends on no version of Python, so that a run that another process continues has the same.

    Args:
        seed: from 0 to `MOST_SEED`.
        rows: number of rows.
        clusters: the cluster of each row, which is ordered by the hash of its first row; None
            where each row stands alone. A row whose cluster is None stands alone, too.
    """
    if clusters is None:
        order = sorted(range(rows), key=lambda row: _hash(seed, row))
        return SeededOrder(array("Q", order), range(rows))
    members: dict[Hashable, list[int]] = {}
    for row, cluster in enumerate(clusters):
        members.setdefault((row,) if cluster is None else cluster, []).append(row)
    order, units = array("Q"), array("Q")
    ordered = sorted(members.values(), key=lambda each: _hash(seed, each[0]))
    for unit, each in enumerate(ordered):
        order.extend(each)
        units.extend([unit] * len(each))
    return SeededOrder(order, units)


def _hash(seed: int, row: int) -> bytes:
    return blake2b(f"evals order {seed} {row}".encode(), digest_size=8).digest()
