"""What each service offers: all asked at once, and merged so that none hides another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

import anyio

from evals_mcp.cleaning import clean
from evals_mcp.errors import EvalsMCPError
from evals_mcp.providers.protocol import Provider
from evals_mcp.settings.schema import Settings
from evals_mcp.tools.model_filters import Fitting, Listed, fitting, listed
from evals_schemas.evaluation_api.models import Model
from evals_schemas.tools.outputs import ListModelsInput


@dataclass(frozen=True)
class Offer:
    """One service's models, and those of them that fit."""

    service: Provider
    listed: Listed
    found: Fitting

    def in_order(self) -> list[Model]:
        """The models that fit, those that can judge first."""
        return sorted(self.found.models, key=lambda model: not self.listed.can_judge(model))


async def offers_of(
    services: Sequence[Provider], wanted: ListModelsInput, settings: Settings
) -> tuple[list[Offer], list[str]]:
    """What each offers, and a sentence for each that did not answer.

    Raises:
        EvalsMCPError: none of them answered; the first one's reason.
    """
    offers: dict[int, Offer] = {}
    errors: dict[int, EvalsMCPError] = {}

    async def ask(place: int, service: Provider) -> None:
        try:
            models = await service.list_models()
            offer = listed(models, await service.list_judges(), service, settings)
        except EvalsMCPError as error:
            errors[place] = error
        else:
            offers[place] = Offer(service, offer, fitting(offer, wanted))

    async with anyio.create_task_group() as tasks:
        for place, service in enumerate(services):
            tasks.start_soon(ask, place, service)
    if not offers:
        raise errors[min(errors)]
    left_out = [
        f"Without those of {services[place].name}: {clean(str(errors[place]), 200)}"
        for place in sorted(errors)
    ]
    return [offers[place] for place in sorted(offers)], left_out


def in_turn(offers: Sequence[Offer]) -> Iterator[tuple[Offer, Model]]:
    """The models of all, one of each service after the other."""
    for models in zip_longest(*(offer.in_order() for offer in offers)):
        for offer, model in zip(offers, models, strict=True):
            if model is not None:
                yield offer, model


def together(offers: Sequence[Offer]) -> tuple[Listed, Fitting]:
    """What all of them offer, for advice on the list as a whole."""
    if len(offers) == 1:
        return offers[0].listed, offers[0].found
    known = [offer.listed.dedicated for offer in offers if offer.listed.dedicated is not None]
    models = [model for offer in offers for model in offer.listed.models]
    found = [offer.found for offer in offers]
    return (
        Listed(models, None, known[0] if known else None),
        Fitting(
            [model for one in found for model in one.models],
            [model for one in found for model in one.named],
            sum(one.unpriced for one in found),
        ),
    )
