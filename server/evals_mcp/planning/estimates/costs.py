"""What the calls will cost, by the service's price list."""

from __future__ import annotations

from collections.abc import Sequence

from evals_mcp.cleaning import inert, quoted
from evals_mcp.planning.estimates.calls import PlannedCalls
from evals_mcp.planning.estimates.outputs import Span
from evals_mcp.spending.prices import Price, PriceList
from evals_schemas.tools.plans import Range

_INPUT_ERROR = 0.1
"""Relative error of the estimated prompt tokens; see `token_estimate`."""


def cost_of(planned: PlannedCalls, prices: PriceList) -> Range | None:
    """Return the US dollars of all calls to one model; None if a price is unknown."""
    if not planned.calls:
        return Range(low=0, high=0)
    price = prices.price_of(planned.endpoint.model, planned.endpoint.model_source)
    return None if price is None else priced(planned.input_tokens, planned.output_tokens, price)


def priced(input_tokens: Span, output_tokens: Span, price: Price) -> Range:
    """Return the US dollars of tokens."""
    low = price.of(input_tokens.low * (1 - _INPUT_ERROR), output_tokens.low)
    high = price.of(input_tokens.high * (1 + _INPUT_ERROR), output_tokens.high)
    return Range(low=_rounded(low), high=_rounded(high))


def total_cost(costs: Sequence[Range | None]) -> Range | None:
    """Return the sum of the costs; None if any of them is unknown."""
    priced_costs = [cost for cost in costs if cost is not None]
    if len(priced_costs) < len(costs):
        return None
    low, high = sum(cost.low for cost in priced_costs), sum(cost.high for cost in priced_costs)
    return Range(low=_rounded(low), high=_rounded(high))


def no_cost(unpriced: Sequence[PlannedCalls], failure: str | None) -> str:
    """Return a note that says why there is no cost.

    Args:
        unpriced: the calls without a price.
        failure: why the price list could not be fetched; None if there is a price list.
    """
    if failure is not None:
        return f"The price list is unavailable ({inert(failure, 160)}): the estimate is in tokens."
    names = ", ".join(dict.fromkeys(quoted(each.endpoint.model, 60) for each in unpriced))
    return f"No price is known for {names}: the estimate is in tokens."


def _rounded(dollars: float) -> float:
    """Round to three significant digits; an estimate has no more."""
    return float(f"{dollars:.3g}")
