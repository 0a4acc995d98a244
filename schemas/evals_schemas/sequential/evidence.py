"""The evidence of a run, over the units of its seeded order and never in the order of arrival.

A unit is a row, or a cluster of rows. Units end in any order, since models answer some rows faster
than others, and maybe those faster that one side wins. So the evidence at position t counts the
first t units of the seeded order, and a unit that has not ended counts against the side that
leads: its true value can only raise the e-value, so the guarantee holds and a slow row does not
hold the run up.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from evals_schemas.sequential.betting import (
    LOG_NEEDED,
    SHARES,
    Counts,
    Side,
    e_value,
    log_mean,
    log_wealth,
    lower_end,
    upper_end,
)

NO_VALUE = math.nan
"""Stands for a unit that has ended without a value, because its rows could not be judged."""

_ROUNDING = 1e-6
"""By how much running sums may differ from the sum over counts, at most."""


@dataclass(frozen=True)
class Figures:
    """The evidence over the first units; those that have not ended count against both sides."""

    at_least: Counts
    """Units by value, with 0 for each that has not ended."""
    at_most: Counts
    """Units by value, with 1 for each that has not ended."""

    @property
    def units(self) -> int:
        """Units with a value, and those that have not ended."""
        return sum(self.at_least.values())

    def log_wealth(self, mean: float, side: Side) -> float:
        """Return the logarithm of a one-sided bet's wealth."""
        return log_wealth(self.at_least if side == "above" else self.at_most, mean, side)

    def e(self, mean: float) -> float:
        """Return the e-value against a mean."""
        return e_value(self.log_wealth(mean, "above"), self.log_wealth(mean, "below"))

    def interval(self) -> tuple[float, float]:
        """Return the interval of the mean, which holds at every look."""
        return lower_end(self.at_least), upper_end(self.at_most)

    def shows(self, mean: float, side: Side) -> bool:
        """Return whether the interval lies wholly above or below a mean."""
        return self.log_wealth(mean, side) >= LOG_NEEDED


class Bet:
    """A one-sided bet that goes on row by row; its sums only say when to count exactly."""

    def __init__(self, mean: float, side: Side) -> None:
        """Bet nothing yet; see `log_wealth`."""
        self.mean = mean
        self.side: Side = side
        self._sums: tuple[float, ...] = (0.0,) * len(SHARES)

    def add(self, value: float) -> None:
        """Bet on one more unit."""
        self._sums = tuple(map(float.__add__, self._sums, self._steps(value)))

    def copy(self) -> Bet:
        """Return a bet that goes on by itself."""
        bet = Bet(self.mean, self.side)
        bet._sums = self._sums
        return bet

    @property
    def may_show(self) -> bool:
        """Whether the wealth suffices, but for rounding."""
        if max(self._sums) < LOG_NEEDED:
            return False
        return log_mean(self._sums) >= LOG_NEEDED - _ROUNDING

    def _steps(self, value: float) -> Sequence[float]:
        if self.side == "above":
            return _steps(value, self.mean)
        return _steps(1 - value, 1 - self.mean)


class Evidence:
    """The values of the units of a run, as they end."""

    def __init__(self, units: int) -> None:
        """Begin without a value."""
        self._values: list[float | None] = [None] * units
        self._orders = bytearray(units)
        self.ended_until = 0
        """One more than the last unit that has ended."""

    def __len__(self) -> int:
        return len(self._values)

    def end(self, unit: int, value: float, order_changed: bool | None = None) -> None:
        """Set the value of a unit.

        Args:
            unit: its number in the order.
            value: from 0 to 1; `NO_VALUE` if it has none.
            order_changed: whether its verdict changed with the order of two answers; None if it was
                not judged in both orders.
        """
        self._values[unit] = value
        self._orders[unit] = 0 if order_changed is None else 1 + order_changed
        self.ended_until = max(self.ended_until, unit + 1)

    def value(self, unit: int) -> float | None:
        """Return the value of a unit; None if it has not ended."""
        return self._values[unit]

    def figures(self, units: int) -> Figures:
        """Return the evidence over the first units."""
        values = self._values[:units]
        ended = Counter(value for value in values if value is not None and has_value(value))
        waiting = values.count(None)
        return Figures(ended + Counter({0.0: waiting}), ended + Counter({1.0: waiting}))

    def order_changed(self, units: int) -> float:
        """Return in which share of the first units judged in both orders the verdict changed."""
        orders = self._orders[:units]
        both = units - orders.count(0)
        return orders.count(2) / both if both else 0.0

    def without_value(self, units: int) -> int:
        """Return how many of the first units have ended without a value."""
        values = self._values[:units]
        return sum(value is not None and not has_value(value) for value in values)


def has_value(value: float) -> bool:
    """Return whether a unit that has ended has a value."""
    return not math.isnan(value)


@lru_cache(maxsize=8192)
def _steps(value: float, mean: float) -> tuple[float, ...]:
    """Return what a row adds to the logarithm of the wealth of each share."""
    return tuple(math.log1p(share * (value / mean - 1)) for share in SHARES)
