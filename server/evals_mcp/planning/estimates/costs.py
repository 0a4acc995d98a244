"""What the calls will cost, by the service's price list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evals_mcp.cleaning import inert, quoted
from evals_mcp.planning.estimates.calls import PlannedCalls
from evals_mcp.planning.estimates.outputs import Span
from evals_schemas.evaluation_api.models import Model, Pricing
from evals_schemas.tools.plans import Range

_INPUT_ERROR = 0.1
"""Relative error of the estimated prompt tokens; see `token_estimate`."""


def cost_of(planned: PlannedCalls, prices: Mapping[str, Model]) -> Range | None:
    """Return the US dollars of all calls to one model; None if a price is unknown.

    The list has prices for models that the service itself serves. It has none for external models,
    and none for dedicated endpoints, which are paid by the hour.
    """
    if not planned.calls:
        return Range(low=0, high=0)
    model = prices.get(planned.endpoint.model)
    if model is None or planned.endpoint.model_source != "serverless":
        return None
    pricing = model.pricing or Pricing()
    if pricing.input is None or pricing.output is None:
        return None
    return priced(planned.input_tokens, planned.output_tokens, pricing.input, pricing.output)


def priced(
    input_tokens: Span, output_tokens: Span, input_price: float, output_price: float
) -> Range:
    """Return US dollars, from tokens and prices for a million tokens."""
    low = input_tokens.low * (1 - _INPUT_ERROR) * input_price + output_tokens.low * output_price
    high = input_tokens.high * (1 + _INPUT_ERROR) * input_price + output_tokens.high * output_price
    return Range(low=_rounded(low / 1e6), high=_rounded(high / 1e6))


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
