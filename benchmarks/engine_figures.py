"""Figures of the runs of the engine and of other harnesses under one load."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.figures import Figure, compared, measured
from benchmarks.floor_loop import Usage
from benchmarks.harnesses.registry import HARNESSES
from benchmarks.resources import UNREADABLE

HALF = 0.5
"""The largest ratio of our processor time a row to that of the best Python harness."""


@dataclass(frozen=True)
class Load:
    """How many rows are run with how many workers against a model of which latency."""

    rows: int
    workers: int
    latency_ms: float
    wall_budget: float | None = None
    """The largest ratio of our wall time to the ideal."""
    cpu_budget: float | None = None
    """The most processor milliseconds a row."""

    @property
    def ideal(self) -> float:
        """Seconds that a run takes if every worker waits for the model all the time."""
        return self.rows * self.latency_ms / 1000 / self.workers

    @property
    def asked(self) -> float:
        """Requests a second that the ideal sends to the endpoint."""
        return self.rows / self.ideal

    def __str__(self) -> str:
        return f"{self.rows:,} rows, {self.workers} workers, {self.latency_ms:.0f} ms"


@dataclass(frozen=True)
class Runs:
    """The repetitions of one program."""

    name: str
    usages: Sequence[Usage]
    reason: str | None = None
    """Why repetitions are missing; None if none is."""

    @property
    def walls(self) -> list[float]:
        """Seconds."""
        return [usage.wall for usage in self.usages]

    def cpu_a_row(self, load: Load) -> list[float]:
        """Milliseconds; empty if the platform does not report them."""
        spent = [usage.cpu for usage in self.usages if usage.cpu is not None]
        return [seconds * 1000 / load.rows for seconds in spent]

    @property
    def peaks(self) -> list[float]:
        """MB; empty if the platform does not report them."""
        return [usage.peak_mb for usage in self.usages if usage.peak_mb is not None]


def figures(load: Load, sides: Sequence[Runs]) -> list[Figure]:
    """Return wall time, processor time and memory of each program; the first one is ours."""
    ours = sides[0]
    shown = [figure for side in sides for figure in _side(load, side, ours)]
    return [*shown, *_over_best_python(load, ours, sides)]


def _side(load: Load, side: Runs, ours: Runs) -> Iterator[Figure]:
    name = f"engine: {{}}, {side.name}, {load}"
    if side.reason is not None:
        yield Figure(name.format("wall"), None, "x", note=side.reason)
        return
    mine = side is ours
    rate = f"{load.rows / median(side.walls):,.0f} rows/s"
    yield measured(
        name.format("wall over ideal"),
        [seconds / load.ideal for seconds in side.walls],
        "x",
        f"{rate}; 1 is {load.asked:,.0f} rows/s"
        if mine
        else f"{rate}{_to(side.walls, ours.walls)}",
        load.wall_budget if mine else None,
    )
    cpu, own = side.cpu_a_row(load), ours.cpu_a_row(load)
    yield _or_unreadable(
        name.format("CPU a row"), cpu, "ms", _to(cpu, own), load.cpu_budget if mine else None
    )
    if side.peaks:
        yield measured(
            name.format("memory"), side.peaks, "MB", "highest" + _to(side.peaks, ours.peaks)
        )


def _or_unreadable(
    name: str, samples: Sequence[float], unit: str, note: str, budget: float | None
) -> Figure:
    if not samples:
        return Figure(name, None, unit, note=UNREADABLE)
    return measured(name, samples, unit, note.removeprefix("; "), budget)


def _to(theirs: Sequence[float], ours: Sequence[float]) -> str:
    """Return the median of the ratios to ours, turn by turn, as text; empty for ours itself."""
    pairs = list(zip(theirs, ours, strict=False))  # a program may miss some turns
    if theirs == ours or not pairs:
        return ""
    return f"; {median(one / other for one, other in pairs):.2g} x ours"


def _over_best_python(load: Load, ours: Runs, sides: Sequence[Runs]) -> Iterator[Figure]:
    """Return the ratio of our processor time a row to the least of the Python harnesses."""
    in_python = {harness.name for harness in HARNESSES if harness.is_python}
    spent = {
        side.name: side.cpu_a_row(load)
        for side in sides
        if side.name in in_python and side.reason is None
    }
    own = ours.cpu_a_row(load)
    measured_ones = {name: cpu for name, cpu in spent.items() if cpu}
    if not own or not measured_ones:
        return
    best = min(measured_ones, key=lambda name: median(measured_ones[name]))
    theirs = measured_ones[best]
    name = f"engine: CPU a row over the best Python harness, {load}"
    # A slow program has only the first turns.
    yield compared(name, own[: len(theirs)], theirs, best, HALF)
