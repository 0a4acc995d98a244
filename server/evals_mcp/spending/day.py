"""What one user's evaluations count towards the limit of a day, and when room comes back.

A day is the last 24 hours. An evaluation counts with the high end of its estimate from the moment
before it is sent until it has ended; then with what it has cost, for 24 hours after its end. If the
cost of an ended evaluation is unknown, the high end of its estimate counts on. Without a price it
counts as nothing, and the user was asked.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from evals_mcp.spending.dollars import usd, usd_range
from evals_schemas.tools.plans import Range

DAY = timedelta(hours=24)

SETTING = "budget.max_usd_per_day"


@dataclass(frozen=True)
class Spent:
    """One evaluation, or one create without an answer."""

    high: float | None
    """High end of its estimate in US dollars; None without a price."""
    ends_counting: datetime | None
    """When it stops to count; None while it runs."""
    usd: float | None = None
    """What it has cost; None if that is unknown or it still runs."""
    has_ended: bool = True
    """Whether it is an evaluation that has ended."""

    def counts(self, now: datetime) -> bool:
        """Return whether it counts now."""
        return self.ends_counting is None or now < self.ends_counting

    @property
    def amount(self) -> Decimal:
        """The US dollars that it counts with."""
        return dollars(self.usd if self.usd is not None else self.high or 0.0)


@dataclass(frozen=True)
class Day:
    """The last 24 hours of one user."""

    limit: float
    """US dollars for a day."""
    used: Decimal
    """US dollars of what has ended."""
    held: Decimal
    """US dollars of what runs, or has no answer."""
    temporary: tuple[Spent, ...]
    """What stops to count at a known time, the first to do so first."""
    unpriced: int
    """Evaluations that count as nothing because a price is unknown."""

    @classmethod
    def of(cls, everything: Iterable[Spent], limit: float, now: datetime) -> Day:
        """Return the day that ends now."""
        counting = [spent for spent in everything if spent.counts(now)]
        temporary = [spent for spent in counting if spent.ends_counting is not None]
        temporary.sort(key=lambda spent: spent.ends_counting or now)
        used = _sum(spent for spent in counting if spent.has_ended)
        held = _sum(spent for spent in counting if not spent.has_ended)
        unpriced = sum(spent.high is None and spent.usd is None for spent in counting)
        return cls(limit, used, held, tuple(temporary), unpriced)

    @property
    def remaining(self) -> Decimal:
        """US dollars that may still be spent; 0 if the limit is reached or exceeded."""
        return max(Decimal(0), dollars(self.limit) - self.used - self.held)

    def fits(self, cost: Range | None) -> bool:
        """Return whether an evaluation with this estimate may start; without a price it may."""
        return cost is None or cost.high == 0 or dollars(cost.high) <= self.remaining

    @property
    def note(self) -> str:
        """What is left of the day, in a sentence."""
        if not self.used and not self.held:
            text = f"All of {SETTING} ({usd(self.limit)}) is left"
        else:
            part = f"{usd(float(self.remaining))} of {SETTING} ({usd(self.limit)})"
            text = f"{part} is left: {self._parts}"
        return f"{text}.{self._not_counted}"

    def refusal(self, cost: Range) -> str:
        """Return why an evaluation that does not fit is not started, and what helps."""
        above = f"The estimated cost, {usd_range(cost)}, may be above what is left of"
        if dollars(cost.high) > dollars(self.limit):
            return (
                f"The estimated cost, {usd_range(cost)}, may be above {SETTING} "
                f"({usd(self.limit)}), all that may be spent in 24 hours. Use fewer rows or a "
                f"cheaper model, or ask the administrator to raise {SETTING}."
            )
        return (
            f"{above} {SETTING}: {usd(float(self.remaining))} of {usd(self.limit)}; {self._parts}."
            f"{self._not_counted} {self._room(cost)} Use fewer rows or a cheaper model, wait, or "
            f"ask the administrator to raise {SETTING}."
        )

    @property
    def _parts(self) -> str:
        held = f", {usd(float(self.held))} is held for what runs" if self.held else ""
        return f"{usd(float(self.used))} was spent in the last 24 hours{held}"

    @property
    def _not_counted(self) -> str:
        if not self.unpriced:
            return ""
        are = " is" if self.unpriced == 1 else "s are"
        return f" {self.unpriced:,} evaluation{are} not counted, without a known price."

    def _room(self, cost: Range) -> str:
        if (time := self._room_at(cost)) is not None:
            earlier = ", or earlier when what runs has ended" if self.held else ""
            return f"There is room for it from {time:%Y-%m-%d %H:%M} UTC{earlier}."
        return "Room for it comes back when what runs has ended: see list_evaluations."

    def _room_at(self, cost: Range) -> datetime | None:
        """Return when it fits, if what runs goes on; None if it does not fit before that ends."""
        available = dollars(self.limit) - self.used - self.held
        for spent in self.temporary:
            available += spent.amount
            if dollars(cost.high) <= available and spent.ends_counting is not None:
                # Up to the next minute, since minutes are shown.
                return (spent.ends_counting + timedelta(seconds=59)).astimezone(UTC)
        return None


def _sum(spent: Iterable[Spent]) -> Decimal:
    return sum((entry.amount for entry in spent), Decimal(0))


def dollars(amount: float) -> Decimal:
    """Return an amount whose sums are exact."""
    return Decimal(repr(amount))
