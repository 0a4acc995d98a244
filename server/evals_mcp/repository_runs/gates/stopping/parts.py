"""The parts of a gate: consecutive slices of the seeded order, ended by the rows to judge."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from evals_mcp.gate.stop_rules import StopRules
from evals_schemas.sequential.seeded_order import seeded_order


@dataclass(frozen=True)
class GatePart:
    """One slice of the order, after which the gate is looked at."""

    number: int
    """From 1."""
    end: int
    """Rows of the order up to its end, those of all parts before it included."""
    to_judge: Sequence[int]
    """The indexes of its rows that have no verdict yet."""


@dataclass(frozen=True)
class GateOrder:
    """The rows that a gate compares, in random order, and their parts."""

    seed: int
    rows: Sequence[int]
    """The indexes of the compared rows."""
    parts: Sequence[GatePart]

    @property
    def to_judge(self) -> list[int]:
        """The indexes of all rows without a verdict."""
        return [row for part in self.parts for row in part.to_judge]


def gate_order(
    seed: int,
    rows: int,
    missing: Collection[int],
    rules: StopRules,
    pinned: Sequence[int] = (),
) -> GateOrder:
    """Return the order of the rows and its parts.

    The first part has `rules.first_rows` rows to judge, every further one as many as all before. A
    row whose verdict is taken over costs nothing and belongs to the part that the order puts it in.

    Args:
        seed: of the order.
        rows: of the data set.
        missing: the indexes of rows that have no verdict yet.
        rules: how many rows the first part has to judge, and how many are compared at most.
        pinned: the indexes of rows that are judged in the first part wherever they stand. They
            count where the order puts them.
    """
    order = list(seeded_order(seed, rows).rows)[: rules.most_rows]
    to_judge = set(missing)
    positions = [position for position, row in enumerate(order) if row in to_judge]
    parts: list[GatePart] = []
    start, judged, size = 0, 0, rules.first_rows
    while not parts or parts[-1].end < len(order):
        upto = judged + size
        end = positions[upto] if upto < len(positions) else len(order)
        early = [row for row in pinned if row in to_judge] if not parts else []
        slice_rows = [row for row in order[start:end] if row in to_judge and row not in early]
        parts.append(GatePart(len(parts) + 1, end, [*slice_rows, *early]))
        to_judge.difference_update(early)
        start, judged, size = end, upto, upto
    return GateOrder(seed, order, parts)
