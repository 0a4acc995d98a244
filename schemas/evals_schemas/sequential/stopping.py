"""Decides when a run stops, from the values of its units in the seeded order."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Literal

from evals_schemas.sequential.betting import Side
from evals_schemas.sequential.evidence import Bet, Evidence, has_value
from evals_schemas.sequential.stop_when import StopWhen

DecisionKind = Literal["above", "below", "smaller_than", "width", "budget", "order_decides"]

ORDER_DECIDES = 0.5
"""Share of the pairs whose verdict changed with the order, from which on no winner is named."""

GROWTH = 1.02
"""The interval's width is looked at again once so many times as many units have ended."""

_NORMAL = 1.96
"""An interval that holds at every look is wider than one for a single look by this quantile."""


@dataclass(frozen=True)
class Decision:
    """What ended a run."""

    kind: DecisionKind
    units: int
    """Units of the seeded order that it counts."""


class Stopping:
    """The rules of one run over its evidence."""

    def __init__(
        self,
        rules: StopWhen,
        units: int,
        *,
        is_difference: bool,
        looks: Collection[int] | None = None,
        to_the_end: bool = False,
    ) -> None:
        """Begin without a unit.

        Args:
            rules: what ends the run.
            units: rows, or clusters.
            is_difference: whether values compare A with B, so that 1/2 is no difference.
            looks: numbers of units at which alone it may be decided, where the order within is not
                that of the seed; None for any.
            to_the_end: whether nothing ends the run before its last unit.
        """
        self.rules = rules
        self.to_the_end = to_the_end
        self._looks = looks
        self.is_difference = is_difference
        self.evidence = Evidence(units)
        self.mean = 0.5 if is_difference or rules.target is None else rules.target / 100
        self.scale = 200.0 if is_difference else 100.0
        """Points that a mean of 1 is above a mean of 0."""
        self.prefix = 0
        """Units at the beginning of the order that have all ended."""
        self._values = 0
        self._sum = self._squares = 0.0
        self._bets = (Bet(self.mean, "above"), Bet(self.mean, "below"))
        margin = (rules.smaller_than or 0.0) / self.scale
        self._margin_bets = (Bet(0.5 - margin, "above"), Bet(0.5 + margin, "below"))
        self._next_width = 1
        self.decision: Decision | None = None

    def look(self, started: int) -> Decision | None:
        """Count what has ended, and return the first decision; None if nothing is decided.

        Args:
            started: units of which a row was started, from the beginning of the order.
        """
        decided = self.decision
        for units in self._newly_ended():
            if self.to_the_end:
                continue
            if decided is None and (self._looks is None or units in self._looks):
                decided = self._at(units)
        waits = self.rules.decided and self._looks is None and not self.to_the_end
        if decided is None and waits:
            decided = self._with_waiting_units(max(started, self.evidence.ended_until))
        self.decision = decided
        return decided

    def _newly_ended(self) -> Iterator[int]:
        """Yield each further number of units that have all ended."""
        while self.prefix < len(self.evidence):
            value = self.evidence.value(self.prefix)
            if value is None:
                return
            self.prefix += 1
            if has_value(value):
                self._values += 1
                self._sum += value
                self._squares += value * value
                for bet in (*self._bets, *self._margin_bets[: 2 * bool(self.rules.smaller_than)]):
                    bet.add(value)
            if self._values:
                yield self.prefix

    def _at(self, units: int) -> Decision | None:
        """Return what is decided once exactly the first units have ended."""
        rules = self.rules
        if rules.decided and (side := self._side(units, self._bets)):
            return self._unless_the_order_decides(side, units)
        if rules.smaller_than and self._is_within_margin(units):
            return self._unless_the_order_decides("smaller_than", units)
        if rules.width and self._is_narrow(units, rules.width):
            return Decision("width", units)
        return None

    def _side(self, units: int, bets: tuple[Bet, Bet]) -> Side | None:
        sides: list[Side] = [bet.side for bet in bets if bet.may_show]
        if not sides:
            return None
        figures = self.evidence.figures(units)
        return next((side for side in sides if figures.shows(self.mean, side)), None)

    def _is_within_margin(self, units: int) -> bool:
        if not all(bet.may_show for bet in self._margin_bets):
            return False
        figures = self.evidence.figures(units)
        return all(figures.shows(bet.mean, bet.side) for bet in self._margin_bets)

    def _is_narrow(self, units: int, width: float) -> bool:
        if units < self._next_width:
            return False
        self._next_width = math.ceil(units * GROWTH)
        mean = self._sum / self._values
        variance = max(0.0, self._squares / self._values - mean * mean)
        if _NORMAL * math.sqrt(variance / self._values) * self.scale > width:
            return False
        low, high = self.evidence.figures(units).interval()
        return (high - low) / 2 * self.scale <= width

    def _with_waiting_units(self, started: int) -> Decision | None:
        """Return what is decided although units within have not ended."""
        above, below = (bet.copy() for bet in self._bets)
        for unit in range(self.prefix, min(started, len(self.evidence))):
            value = self.evidence.value(unit)
            if value is not None and not has_value(value):
                continue
            above.add(0.0 if value is None else value)
            below.add(1.0 if value is None else value)
            if value is not None and (side := self._side(unit + 1, (above, below))):
                return self._unless_the_order_decides(side, unit + 1)
        return None

    def _unless_the_order_decides(self, kind: DecisionKind, units: int) -> Decision:
        changed = self.evidence.order_changed(units)
        return Decision("order_decides" if changed >= ORDER_DECIDES else kind, units)
