"""A figure together with what is needed to believe it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure, how far off it may be, and how many rows it rests on.

    A function that returns one returns None where the figure itself is undefined, and its docstring
    names the one case. `interval` is None where the figure exists and its interval does not: with a
    single value (`n` is 1), or where the values do not vary and so say nothing about their spread.
    """

    value: float
    """In the unit of the values it was made of; a rate lies in 0..1, a difference in -1..1."""

    interval: tuple[float, float] | None
    """Lower and upper end."""

    n: int
    """The values, pairs or clustered values that were counted; failed rows are not among them."""

    method: str
    """The interval's name, as in docs/statistics.md."""
