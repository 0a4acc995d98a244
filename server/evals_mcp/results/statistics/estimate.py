"""A figure with its interval, and the scale that scores lie on."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable
from dataclasses import dataclass

Scale = tuple[float, float]
"""The lowest and the highest value that a score can have."""

UNIT: Scale = (0.0, 1.0)
"""The scale of a benchmark's scores when all of them lie within these bounds."""

_ORDINARY = 400
"""Values from 2 to the power of minus this up to its inverse need no scaling."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure, its interval, and the number of values that it was computed from.

    A function that returns an `Estimate` returns None where the figure itself is undefined; its
    docstring names the one case. `interval` is None where the figure is defined and its interval is
    not: with a single value (`n` is 1), or where the values do not vary, so that their spread is
    unknown.
    """

    value: float
    """The figure in the unit of its values; a rate lies in 0..1, a difference of rates in -1..1."""

    interval: tuple[float, float] | None
    """Lower and upper end; None where the interval is undefined."""

    n: int
    """Number of values, pairs or clustered values that were counted, without failed rows."""

    method: str
    """Name of the interval's method, as in docs/statistics.md."""


def scale_of(low: object, high: object) -> Scale | None:
    """Return the scale with these ends; None unless both are numbers."""
    if isinstance(low, int | float) and isinstance(high, int | float):
        return float(low), float(high)
    return None


def within(ends: tuple[float, float], low: float, high: float) -> tuple[float, float]:
    """Return an interval of a mean, cut at the ends of the scale that all values lie on.

    The mean cannot lie outside of the scale, so cutting does not change how often the interval
    covers it. An interval that lies entirely outside of the scale is returned unchanged: the scale
    cannot be the right one.
    """
    if ends[1] < low or ends[0] > high:
        return ends
    return max(ends[0], low), min(ends[1], high)


def rounded(value: float) -> float:
    """Return the value with six significant digits; more digits would only cost tokens.

    A value that six digits would turn into a whole number, such as 99.9999999, has twelve.
    """
    shortened = float(f"{value:.6g}")
    if shortened != value and shortened.is_integer() and abs(value) < 1000:
        shortened = float(f"{value:.12g}")
    return shortened if math.isfinite(shortened) else value


def finite(value: float) -> float:
    """Return the value; the largest or the smallest float if the value is beyond it."""
    return max(-sys.float_info.max, min(sys.float_info.max, value))


def power_of_two(values: Iterable[float]) -> int:
    """Return the power of two by which values are divided so that their squares are floats.

    0 for values of ordinary size, which need no scaling.
    """
    exponent = math.frexp(max(map(abs, values)))[1]
    return exponent if abs(exponent) > _ORDINARY else 0


def scaled(values: Iterable[float], exponent: int) -> Iterable[float]:
    """Return the values divided by a power of two."""
    return (math.ldexp(value, -exponent) for value in values) if exponent else values
