"""The calls and the cost of an evaluation, as they are shown to the user who agrees to them."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from evals_mcp.spending.dollars import as_shown, usd_range
from evals_schemas.tools.plans import Plan, Range

_PACKED = struct.Struct(">Iff")
_UNKNOWN_CALLS = 2**32 - 1


@dataclass(frozen=True)
class Estimate:
    """The calls and the cost that the user is asked to agree to."""

    calls: int | None
    """Number of model calls; None if unknown."""
    cost: Range | None
    """US dollars; None if a price is unknown."""

    @classmethod
    def of(cls, plan: Plan) -> Estimate:
        """Return the estimate of a plan."""
        return cls(plan.calls, plan.cost_usd)

    @property
    def packed(self) -> bytes:
        """Twelve bytes that are equal for estimates that are shown alike."""
        calls = _UNKNOWN_CALLS if self.calls is None else min(self.calls, _UNKNOWN_CALLS - 1)
        if self.cost is None:
            return _PACKED.pack(calls, -1.0, -1.0)
        return _PACKED.pack(calls, as_shown(self.cost.low), as_shown(self.cost.high))

    def covers(self, later: Estimate) -> bool:
        """Return whether agreement to this estimate includes a later one of the same request.

        Agreement includes the later estimate if the number of calls is the same and the high end
        of the cost, as it is shown, is not higher. If a price was unknown and is now known, or the
        reverse, the user has to agree again.
        """
        agreed, now = Estimate.unpacked(self.packed), Estimate.unpacked(later.packed)
        if agreed.calls != now.calls:
            return False
        if agreed.cost is None or now.cost is None:
            return agreed.cost is now.cost
        return now.cost.high <= agreed.cost.high

    @classmethod
    def unpacked(cls, packed: bytes) -> Estimate:
        """Return the estimate of these bytes, rounded as it was shown."""
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
            return "price unknown"
        return f"estimated cost {usd_range(self.cost)}"


def change_reason(agreed: Estimate, now: Estimate) -> str:
    """Return why a user who agreed to one estimate is asked about another."""
    return f"The estimate changed from {agreed} to {now}."
