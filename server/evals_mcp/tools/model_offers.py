"""The models of all services, fetched at once, filtered, and merged in turn."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

import anyio

from evals_mcp.cleaning import inert
from evals_mcp.errors import EvalsMCPError
from evals_mcp.providers.protocol import Provider
from evals_schemas.evaluation_api.models import NO_TEXT_TYPES, Model
from evals_schemas.evaluation_api.rules import RULE_PREFIX
from evals_schemas.evaluation_types import BENCHMARK
from evals_schemas.tools.inputs import ListModelsInput

RULE = "rule"
"""The type that a judge is shown with that calls no model; services have no type for it."""

_Test = Callable[[Model], bool]


def is_rule(model: Model) -> bool:
    """Return whether a listed judge calls no model."""
    return model.id.startswith(RULE_PREFIX)


@dataclass(frozen=True)
class ServiceModels:
    """All models that a service offers."""

    models: Sequence[Model]
    judges: Collection[str] | None
    """Names that the service accepts as judges; None if it does not list them."""
    dedicated: Collection[str] | None
    """Names of dedicated endpoints; None if unknown."""
    names_judges: bool = True
    """Whether the service's evaluations name a judge; a service with benchmarks only has none."""

    def can_judge(self, model: Model) -> bool | None:
        """Return whether the service accepts the model as a judge; None if unknown."""
        if not self.names_judges:
            return False
        return None if self.judges is None else model.id in self.judges

    def can_answer(self, model: Model) -> bool:
        """Return whether the model can be a candidate, which rules and non-text models cannot."""
        return model.type not in NO_TEXT_TYPES and not is_rule(model)

    def is_serverless(self, model: Model) -> bool:
        """Return whether the model needs no dedicated endpoint; True if nothing is known."""
        offered = self.judges is None or model.id in self.judges
        return offered and model.id not in (self.dedicated or ())


@dataclass(frozen=True)
class Matches:
    """The models that match the filters."""

    models: list[Model]
    named: list[Model]
    """Models that match the filter by name, whatever the other filters."""
    unpriced: int
    """Models that `max_price` left out because their price is unknown."""


@dataclass(frozen=True)
class Offer:
    """One service with its models and those that match the filters."""

    service: Provider
    models: ServiceModels
    matches: Matches

    def in_order(self) -> list[Model]:
        """Return the models that match, those that can judge first."""
        return sorted(self.matches.models, key=lambda model: not self.models.can_judge(model))


async def offers_of(
    services: Sequence[Provider], filters: ListModelsInput
) -> tuple[list[Offer], list[str]]:
    """Return the offers of all services, and a sentence for each that did not answer.

    Raises:
        EvalsMCPError: no service answered; the first service's error.
    """
    offers: dict[int, Offer] = {}
    errors: dict[int, EvalsMCPError] = {}

    async def ask(index: int, service: Provider) -> None:
        try:
            models = await service.list_models()
            all_models = service_models(models, await service.list_judges(), service)
        except EvalsMCPError as error:
            errors[index] = error
        else:
            offers[index] = Offer(service, all_models, matching(all_models, filters))

    async with anyio.create_task_group() as tasks:
        for index, service in enumerate(services):
            tasks.start_soon(ask, index, service)
    if not offers:
        raise errors[min(errors)]
    left_out = [
        f"Without the models of {services[index].name}: {inert(str(errors[index]), 200)}"
        for index in sorted(errors)
    ]
    return [offers[index] for index in sorted(offers)], left_out


def in_turn(offers: Sequence[Offer]) -> Iterator[tuple[Offer, Model]]:
    """Yield the models that match, one of each service in turn."""
    for models in zip_longest(*(offer.in_order() for offer in offers)):
        for offer, model in zip(offers, models, strict=True):
            if model is not None:
                yield offer, model


def merged(offers: Sequence[Offer]) -> tuple[ServiceModels, Matches]:
    """Return the models of all services, for advice on the whole list."""
    if len(offers) == 1:
        return offers[0].models, offers[0].matches
    dedicated = [offer.models.dedicated for offer in offers if offer.models.dedicated is not None]
    models = [model for offer in offers for model in offer.models.models]
    matches = [offer.matches for offer in offers]
    return (
        ServiceModels(models, None, dedicated[0] if dedicated else None),
        Matches(
            [model for match in matches for model in match.models],
            [model for match in matches for model in match.named],
            sum(match.unpriced for match in matches),
        ),
    )


def service_models(
    models: Sequence[Model], judges: list[str] | None, service: Provider
) -> ServiceModels:
    """Return the models of a service, with judges that only its list of judges names."""
    by_name = {model.id: model for model in models}
    for name in judges or []:
        by_name.setdefault(name, Model(id=name))
    return ServiceModels(
        list(by_name.values()),
        None if judges is None else frozenset(judges),
        service.capabilities.dedicated_models,
        names_judges=service.types != frozenset({BENCHMARK}),
    )


def matching(offer: ServiceModels, filters: ListModelsInput) -> Matches:
    """Return the models that match every filter, in the service's order."""
    text = (filters.filter or "").casefold()
    named = [model for model in offer.models if text in model.id.casefold()]
    models = _filtered(named, _role(offer, filters), _source(offer, filters))
    if filters.max_price is None:
        return Matches(models, named, 0)
    prices = [(model, dearer_price(model)) for model in models]
    cheap = [model for model, price in prices if price is not None and price <= filters.max_price]
    return Matches(cheap, named, sum(price is None for _, price in prices))


def dearer_price(model: Model) -> float | None:
    """Return the higher of both prices in US dollars per million tokens; None if one is unknown."""
    pricing = model.pricing
    if pricing is None or pricing.input is None or pricing.output is None:
        return None
    return max(pricing.input, pricing.output)


def _filtered(models: Iterable[Model], *tests: _Test | None) -> list[Model]:
    active = [test for test in tests if test is not None]
    return [model for model in models if all(test(model) for test in active)]


def _role(offer: ServiceModels, filters: ListModelsInput) -> _Test | None:
    match filters.role:
        case "judge":
            return lambda model: offer.can_judge(model) is not False
        case "candidate":
            return offer.can_answer
        case None:
            return None


def _source(offer: ServiceModels, filters: ListModelsInput) -> _Test | None:
    match filters.model_source:
        case "serverless":
            return offer.is_serverless
        case "dedicated":
            return lambda model: model.id in (offer.dedicated or ())
        case "external":
            return lambda _: False
        case None:
            return None
