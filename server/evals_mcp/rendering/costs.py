"""The cost of an ended evaluation as text."""

from __future__ import annotations

from evals_mcp.spending.dollars import usd, usd_range
from evals_schemas.tools.costs import Cost
from evals_schemas.tools.plans import Range


def cost(known: Cost | None) -> str | None:
    """Return what an evaluation has cost in a line; None while it runs."""
    if known is None:
        return None
    if known.usd == 0 and known.calls == 0:
        return "Cost: none; no model was called."
    price = f"unknown ({known.unknown})" if known.usd is None else usd(known.usd)
    return f"Cost: {price}{_used(known)}{_estimate(known)}."


def short_cost(dollars: float | None) -> str | None:
    """Return US dollars for a line that has other figures, such as `$0.12`; None if unknown."""
    return None if dollars is None else "free" if dollars == 0 else usd(dollars)


def _used(known: Cost) -> str:
    if known.input_tokens is None or known.output_tokens is None:
        return ""
    tokens = f"{known.input_tokens:,} tokens in and {known.output_tokens:,} out"
    if known.calls is None:
        return f"; {tokens}"
    plural = "" if known.calls == 1 else "s"
    return f"; {known.calls:,} call{plural}, {tokens}"


def _estimate(known: Cost) -> str:
    if known.estimated_usd is None:
        return ""
    low, high = known.estimated_usd
    return f"; the estimate was {usd_range(Range(low=low, high=high))}"
