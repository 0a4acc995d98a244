"""What the calls will cost, from the service's price list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evals_mcp.cleaning import clean
from evals_mcp.planning.estimates.calls import PlannedCalls
from evals_mcp.planning.estimates.outputs import Span
from evals_schemas.evaluation_api.models import Model, Pricing
from evals_schemas.tools.plans import Range

_INPUT_ERROR = 0.1
"""How far the estimate of prompt tokens may be off; see `token_estimate`."""


def cost_of(planned: PlannedCalls, prices: Mapping[str, Model]) -> Range | None:
    """US dollars of all calls to one model; None where a price is not known.

    The list prices what the service itself serves: not external models, nor dedicated endpoints,
    which are paid by the hour.
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
    """US dollars, from tokens and prices a million tokens."""
    low = input_tokens.low * (1 - _INPUT_ERROR) * input_price + output_tokens.low * output_price
    high = input_tokens.high * (1 + _INPUT_ERROR) * input_price + output_tokens.high * output_price
    return Range(low=_rounded(low / 1e6), high=_rounded(high / 1e6))


def total_cost(costs: Sequence[Range | None]) -> Range | None:
    """Of all models; None where that of one is not known."""
    known = [cost for cost in costs if cost is not None]
    if len(known) < len(costs):
        return None
    low, high = sum(cost.low for cost in known), sum(cost.high for cost in known)
    return Range(low=_rounded(low), high=_rounded(high))


def no_cost(planned: Sequence[PlannedCalls], missing: str | None) -> str:
    """Why there is no cost.

    Args:
        planned: those whose price is not known.
        missing: why there is no price list at all; None where there is one.
    """
    if missing is not None:
        return f"The price list cannot be had ({clean(missing, 160)}): the estimate is in tokens."
    names = ", ".join(dict.fromkeys(clean(each.endpoint.model, 60) for each in planned))
    return f"No price is known for {names}: the estimate is in tokens."


def _rounded(dollars: float) -> float:
    """To three significant digits: an estimate has no more."""
    return float(f"{dollars:.3g}")
