"""The parts of a run: consecutive slices of the seeded order, each as large as all before."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from evals_mcp.results.rows import JUDGED, RowVerdict
from evals_schemas.sequential.evidence import NO_VALUE
from evals_schemas.sequential.record import RowNumbers, Sequential, sequential_record
from evals_schemas.sequential.seeded_order import MOST_SEED, seeded_order
from evals_schemas.sequential.stop_when import StopWhen
from evals_schemas.sequential.stopping import Decision, Stopping

FIRST_ROWS = 50
"""Rows of the first part; every further part has as many as all before."""

_WIN_OF_B = {"A": 0.0, "B": 1.0, "Tie": 0.5}


@dataclass(frozen=True)
class Part:
    """One slice of the seeded order."""

    number: int
    """From 1."""
    start: int
    end: int
    rows: Sequence[int]
    """The numbers of its rows in the data set, from 0."""

    def __str__(self) -> str:
        return f"part {self.number} (rows {self.start + 1:,} to {self.end:,} of the random order)"


def seed_of(data_digest: str) -> int:
    """Return the seed of a data set: the same rows have the same parts in every run."""
    return int(data_digest.rpartition("-")[2], 16) % (MOST_SEED + 1)


def parts_of(seed: int, rows: int) -> list[Part]:
    """Return the parts of so many rows: 50, 50, 100, 200 and so on."""
    order = seeded_order(seed, rows).rows
    parts: list[Part] = []
    start, end = 0, min(FIRST_ROWS, rows)
    while start < rows:
        parts.append(Part(len(parts) + 1, start, end, order[start:end]))
        start, end = end, min(2 * end, rows)
    return parts


class PartEvidence:
    """The evidence after each part. Within a part, rows may come back in any order."""

    def __init__(
        self,
        rules: StopWhen,
        parts: Sequence[Part],
        seed: int,
        *,
        is_difference: bool,
        to_the_end: bool = False,
    ) -> None:
        """Begin without a part."""
        self._total = parts[-1].end
        self._seed = seed
        self._judged = 0
        ends = {part.end for part in parts}
        self._stopping = Stopping(
            rules, self._total, is_difference=is_difference, looks=ends, to_the_end=to_the_end
        )

    def add(self, part: Part, verdicts: Iterable[RowVerdict]) -> bool:
        """Count the verdicts of a part that has ended; return whether it is decided.

        A row that the service left out has no value.
        """
        values = [value_of(verdict, self._stopping.is_difference) for verdict in verdicts]
        values += [(NO_VALUE, None)] * (part.end - part.start - len(values))
        for unit, (value, changed) in zip(range(part.start, part.end), values, strict=False):
            self._stopping.evidence.end(unit, value, changed)
        self._judged = part.end
        return self._stopping.look(part.end) is not None

    def end_at_the_budget(self) -> None:
        """Decide that the next part may cost too much."""
        self._stopping.decision = Decision("budget", self._judged)

    def record(self, spent_usd: float | None) -> Sequential:
        """Return what was decided, or that nothing was."""
        failed = self._stopping.evidence.without_value(self._judged)
        rows = RowNumbers(
            total=self._total,
            judged=self._judged,
            counted=self._judged,
            failed=failed,
            seed=self._seed,
            spent_usd=spent_usd,
            has_ended=True,
        )
        return sequential_record(self._stopping, rows)


def value_of(verdict: RowVerdict, is_difference: bool) -> tuple[float, bool | None]:
    """Return the value of a row, and whether its verdict changed with the order of two answers."""
    if verdict.state != JUDGED:
        return NO_VALUE, None
    if not is_difference:
        return (NO_VALUE if verdict.passed is None else float(verdict.passed)), None
    both = verdict.original is not None and verdict.flipped is not None
    changed = verdict.original != verdict.flipped if both else None
    return _WIN_OF_B.get(verdict.verdict or "", NO_VALUE), changed
