"""Mean, spread and range of numbers that arrive one at a time."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass
class Moments:
    """What is known of the numbers so far; each figure is None while there are too few."""

    count: int = 0
    low: float | None = None
    high: float | None = None
    _mean: float = 0.0
    _squares: float = 0.0
    """Sum of squared distances from the mean (Welford 1962)."""

    def add(self, value: float) -> None:
        """Take one number."""
        self.count += 1
        distance = value - self._mean
        self._mean += distance / self.count
        self._squares += distance * (value - self._mean)
        self.low = value if self.low is None else min(self.low, value)
        self.high = value if self.high is None else max(self.high, value)

    @property
    def mean(self) -> float | None:
        """The mean; None without a number."""
        return self._mean if self.count else None

    @property
    def population_deviation(self) -> float | None:
        """Over n: the spread of just these numbers; None without one."""
        return math.sqrt(self._squares / self.count) if self.count else None

    @property
    def sample_deviation(self) -> float | None:
        """Over n - 1: an estimate for what they are drawn from; None below two numbers."""
        return math.sqrt(self._squares / (self.count - 1)) if self.count > 1 else None
