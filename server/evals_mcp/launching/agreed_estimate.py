"""The calls and the cost of an evaluation, as they are shown to whoever agrees to them."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from evals_schemas.tools.plans import Plan, Range

_PACKED = struct.Struct(">Iff")
_UNKNOWN_CALLS = 2**32 - 1


@dataclass(frozen=True)
class Estimate:
    """What the user is asked to agree to."""

    calls: int | None
    """None where the number is not known."""
    cost: Range | None
    """US dollars; None where a price is not known."""

    @classmethod
    def of(cls, plan: Plan) -> Estimate:
        """The estimate of a plan."""
        return cls(plan.calls, plan.cost_usd)

    @property
    def packed(self) -> bytes:
        """Twelve bytes that differ where what is shown differs."""
        calls = _UNKNOWN_CALLS if self.calls is None else min(self.calls, _UNKNOWN_CALLS - 1)
        if self.cost is None:
            return _PACKED.pack(calls, -1.0, -1.0)
        return _PACKED.pack(calls, as_shown(self.cost.low), as_shown(self.cost.high))

    def covers(self, later: Estimate) -> bool:
        """Whether who agreed to this one has agreed to a later one of the same request too.

        So it is where the calls are the same and the high end, as it is shown, is no higher: a
        price that falls asks nobody again. A price that has become known, or unknown, does.
        """
        agreed, now = Estimate.unpacked(self.packed), Estimate.unpacked(later.packed)
        if agreed.calls != now.calls:
            return False
        if agreed.cost is None or now.cost is None:
            return agreed.cost is now.cost
        return now.cost.high <= agreed.cost.high

    @classmethod
    def unpacked(cls, packed: bytes) -> Estimate:
        """The estimate behind `packed`, rounded as it was shown."""
        calls, low, high = _PACKED.unpack(packed)
        cost = None if low < 0 else Range(low=low, high=high)
        return cls(None if calls == _UNKNOWN_CALLS else calls, cost)

    def __str__(self) -> str:
        calls = "an unknown number of" if self.calls is None else f"{self.calls:,}"
        plural = "" if self.calls == 1 else "s"
        return f"{calls} model call{plural}, {self.price}"

    @property
    def price(self) -> str:
        """The cost in words."""
        if self.calls == 0:
            return "no cost"
        if self.cost is None:
            return "price not known"
        return f"estimated cost {usd_range(self.cost)}"


def changed(agreed: Estimate, now: Estimate) -> str:
    """Why who agreed to one estimate is asked about another."""
    return f"The estimate changed from {agreed} to {now}."


def as_shown(amount: float) -> float:
    """US dollars, rounded to whole ones from 100, to cents from one cent, else to two digits."""
    if amount >= 100:
        return float(round(amount))
    return round(amount, 2) if amount >= 0.01 else float(f"{amount:.2g}")


def usd(amount: float) -> str:
    """An amount as it is shown, such as `$1.20`, `$150` or `$0.0042`."""
    shown = as_shown(amount)
    if shown >= 100:
        return f"${shown:,.0f}"
    if shown >= 0.01 or shown == 0:
        return f"${shown:.2f}"
    return f"${shown:.6f}".rstrip("0") if shown >= 1e-5 else "below $0.00001"


def usd_range(cost: Range) -> str:
    """Both ends, or one where they read alike."""
    low, high = usd(cost.low), usd(cost.high)
    return low if low == high else f"{low} to {high}"
