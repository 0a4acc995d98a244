"""The scale that scores lie on, and an interval that stays on it."""

from __future__ import annotations

Scale = tuple[float, float]
"""The lowest and the highest value there can be."""

UNIT: Scale = (0.0, 1.0)
"""The scale of a benchmark's scores where none lies outside of it."""


def scale_of(low: object, high: object) -> Scale | None:
    """The scale of an evaluation's scores, from its parameters; None where either is no number."""
    if isinstance(low, int | float) and isinstance(high, int | float):
        return float(low), float(high)
    return None


def within(ends: tuple[float, float], low: float, high: float) -> tuple[float, float]:
    """An interval cut at the ends of a scale that no value, and so no mean, lies outside of.

    What is cut off cannot hold the mean, so that the interval covers it as often as before. An
    interval that lies outside of the scale altogether stays as it is: the scale is not that one.
    """
    if ends[1] < low or ends[0] > high:
        return ends
    return max(ends[0], low), min(ends[1], high)
