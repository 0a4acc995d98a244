"""The prices of models, from the service's list of models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import anyio

from evals_mcp.cleaning import inert
from evals_mcp.errors import EvalsMCPError
from evals_mcp.providers.protocol import Provider
from evals_schemas.evaluation_api.models import Model

PRICE_SECONDS = 5.0
"""Seconds in which a price list must arrive; without one, a cost is shown in tokens."""

SERVERLESS = "serverless"


@dataclass(frozen=True)
class Price:
    """US dollars for a million tokens."""

    input: float
    output: float

    def of(self, input_tokens: float, output_tokens: float) -> float:
        """Return the US dollars of these tokens."""
        return (input_tokens * self.input + output_tokens * self.output) / 1e6


@dataclass(frozen=True)
class PriceList:
    """The models of one service by name."""

    models: Mapping[str, Model] = field(default_factory=dict[str, Model])
    failure: str | None = None
    """Why the list could not be read; None if it was."""

    def price_of(self, model: str, source: str) -> Price | None:
        """Return the price of a model's calls; None if it is unknown.

        The list has prices for models that the service itself serves. It has none for external
        models, and none for dedicated endpoints, which are paid by the hour.
        """
        listed = self.models.get(model)
        if listed is None or source != SERVERLESS or listed.pricing is None:
            return None
        read, written = listed.pricing.input, listed.pricing.output
        return None if read is None or written is None else Price(read, written)


async def fetch_prices(service: Provider) -> PriceList:
    """Return the price list of one service, or why it could not be read in time."""
    try:
        with anyio.fail_after(PRICE_SECONDS):
            return PriceList({model.id: model for model in await service.list_models()})
    except EvalsMCPError as error:
        return PriceList(failure=inert(str(error).rstrip("."), 160))
    except TimeoutError:
        return PriceList(failure=f"no answer within {PRICE_SECONDS:g} s")
