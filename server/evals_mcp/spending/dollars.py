"""US dollars as text."""

from __future__ import annotations

from evals_schemas.tools.plans import Range

MOST_DOLLARS = 1e15
"""Highest amount that is shown; a higher one comes from a price that cannot be right."""


def as_shown(amount: float) -> float:
    """Return US dollars rounded: to dollars from 100, to cents from 0.01, else to two digits."""
    if amount >= 100:
        return float(round(min(amount, MOST_DOLLARS)))
    return round(amount, 2) if amount >= 0.01 else float(f"{amount:.2g}")


def usd(amount: float) -> str:
    """Return an amount as text, such as `$1.20`, `$150` or `$0.0042`."""
    shown = as_shown(amount)
    if shown >= 100:
        return f"${shown:,.0f}"
    if shown >= 0.01 or shown == 0:
        return f"${shown:.2f}"
    return f"${shown:.6f}".rstrip("0") if shown >= 1e-5 else "below $0.00001"


def usd_range(cost: Range) -> str:
    """Return both ends as text, or one if they are shown alike."""
    low, high = usd(cost.low), usd(cost.high)
    return low if low == high else f"{low} to {high}"
