"""Mean and spread of numbers that arrive one at a time, without rounding between the numbers."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field

_MANTISSA = 53
"""Binary digits of a float's mantissa."""

_UNIT = 1126
"""The unit of the sums is 2 to the power of minus this: the last digit of the smallest mantissa."""

_DIGITS = 128
"""Binary digits of a variance before its root is taken."""


@dataclass
class RunningStatistics:
    """Mean, spread and range of finite numbers that arrive one at a time.

    The sums are whole numbers of any size, so that no sum overflows and the order of the numbers
    does not matter: the same numbers always give the same figures.
    """

    count: int = 0
    low: float | None = None
    """The lowest number; None before the first."""
    high: float | None = None
    """The highest number; None before the first."""
    _sums: defaultdict[int, int] = field(default_factory=lambda: defaultdict(int))
    """The sum of the mantissas, by exponent."""
    _squares: defaultdict[int, int] = field(default_factory=lambda: defaultdict(int))
    """The sum of the squared mantissas, by exponent."""

    def add(self, value: float) -> None:
        """Add one finite number."""
        share, exponent = math.frexp(value)
        mantissa = int(math.ldexp(share, _MANTISSA))
        self.count += 1
        self._sums[exponent] += mantissa
        self._squares[exponent] += mantissa * mantissa
        self.low = value if self.low is None or value < self.low else self.low
        self.high = value if self.high is None or value > self.high else self.high

    @property
    def mean(self) -> float | None:
        """The mean; None without a number."""
        return self._sum() / (self.count << _UNIT) if self.count else None

    @property
    def population_deviation(self) -> float | None:
        """The spread of exactly these numbers, over n; None without a number."""
        return self._deviation(self.count)

    @property
    def sample_deviation(self) -> float | None:
        """An estimate for their population, over n - 1; None below two numbers.

        Also None if the deviation is larger than the largest float.
        """
        return self._deviation(self.count - 1)

    def _sum(self) -> int:
        return sum(value << _shift(exponent) for exponent, value in self._sums.items())

    def _deviation(self, freedom: int) -> float | None:
        """Return the root of the squared distances from the mean, divided by `freedom`."""
        if freedom < 1:
            return None
        total = self._sum()
        squares = sum(value << 2 * _shift(exponent) for exponent, value in self._squares.items())
        squared_distances, divisor = self.count * squares - total * total, self.count * freedom
        shift = max(0, _DIGITS - squared_distances.bit_length() + divisor.bit_length())
        shift += shift % 2
        root = math.isqrt((squared_distances << shift) // divisor)
        # In two steps, because the root itself may be larger than the largest float.
        excess = max(0, root.bit_length() - 64)
        try:
            return math.ldexp(float(root >> excess), excess - shift // 2 - _UNIT)
        except OverflowError:
            return None


def _shift(exponent: int) -> int:
    """Return how far mantissas with this exponent are shifted to count units."""
    return exponent - _MANTISSA + _UNIT
