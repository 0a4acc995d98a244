"""The form of a result, which all benchmarks share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Figure:
    """One measured number."""

    name: str
    value: float | None
    """The median of the repetitions; None if it could not be measured, and the note says why."""
    unit: str
    """`x` for a ratio to the floor or the ideal."""
    spread: tuple[float, float] | None = None
    """Lowest and highest repetition; None if there was only one."""
    budget: float | None = None
    """The largest allowed value; None without a limit."""
    note: str = ""
    """What the value was compared with, and the absolute values behind a ratio."""


Benchmark = Callable[[], list[Figure]]


def measured(
    name: str, samples: Sequence[float], unit: str, note: str, budget: float | None = None
) -> Figure:
    """Return the median of the samples with its spread."""
    spread = (min(samples), max(samples)) if len(samples) > 1 else None
    return Figure(name, median(samples), unit, spread, budget, note)


def compared(
    name: str,
    samples: Sequence[float],
    floor: Sequence[float],
    note: str,
    budget: float | None = None,
) -> Figure:
    """Return the median of the ratios of samples to the floor, pair by pair in their order."""
    ratios = [ours / theirs for ours, theirs in zip(samples, floor, strict=True)]
    return measured(name, ratios, "x", note, budget)
