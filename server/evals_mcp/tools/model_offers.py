"""What each service offers: all asked at once, and merged so that none hides another."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

import anyio

from evals_mcp.cleaning import clean
from evals_mcp.errors import EvalsMCPError
from evals_mcp.providers.protocol import Provider
from evals_mcp.settings.schema import Settings
from evals_schemas.benchmark_api.benchmarks import BENCHMARK
from evals_schemas.evaluation_api.models import NO_TEXT_TYPES, Model
from evals_schemas.tools.inputs import ListModelsInput

RULE = "rule"
"""The type of a judge that calls no model."""

_NO_TEXT = NO_TEXT_TYPES | {RULE}
_Test = Callable[[Model], bool]


@dataclass(frozen=True)
class Listed:
    """What the service offers."""

    models: Sequence[Model]
    judges: Collection[str] | None
    """The names that it takes in an evaluation; None where it does not tell."""
    dedicated: Collection[str] | None
    """The names of dedicated endpoints; None where they are not known here."""
    names_judges: bool = True
    """Whether its evaluations name a judge; those of benchmarks alone do not."""

    def can_judge(self, model: Model) -> bool | None:
        """Whether the service takes it as a judge; None where it does not tell."""
        if not self.names_judges:
            return False
        return None if self.judges is None else model.id in self.judges

    def can_answer(self, model: Model) -> bool:
        """Whether it can be a candidate: rules and models of another kind than text cannot."""
        return model.type not in _NO_TEXT

    def is_serverless(self, model: Model) -> bool:
        """Whether it needs no endpoint of its own; where nothing is told, every model."""
        offered = self.judges is None or model.id in self.judges
        return offered and model.id not in (self.dedicated or ())


@dataclass(frozen=True)
class Fitting:
    """What is left, and what was left out without knowing."""

    models: list[Model]
    named: list[Model]
    """Those whose names fit, whatever else was asked."""
    unpriced: int
    """Models without a known price that a highest price left out."""


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


def merged(offers: Sequence[Offer]) -> tuple[Listed, Fitting]:
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


def listed(
    models: Sequence[Model], judges: list[str] | None, service: Provider, settings: Settings
) -> Listed:
    """The models of a service and the judges that it lists beside them."""
    by_name = {model.id: model for model in models}
    for name in judges or []:
        by_name.setdefault(name, Model(id=name))
    local = service.name == "local"
    return Listed(
        list(by_name.values()),
        None if judges is None else frozenset(judges),
        frozenset(settings.local.dedicated) if local else None,
        names_judges=service.types != frozenset({BENCHMARK}),
    )


def fitting(offer: Listed, wanted: ListModelsInput) -> Fitting:
    """The models that pass every filter, in their order."""
    text = (wanted.filter or "").casefold()
    named = [model for model in offer.models if text in model.id.casefold()]
    found = _kept(named, _part(offer, wanted), _source(offer, wanted))
    if wanted.max_price is None:
        return Fitting(found, named, 0)
    prices = [(model, dearer_price(model)) for model in found]
    cheap = [model for model, price in prices if price is not None and price <= wanted.max_price]
    return Fitting(cheap, named, sum(price is None for _, price in prices))


def dearer_price(model: Model) -> float | None:
    """The higher of both prices, in dollars a million tokens; None where either is unknown."""
    pricing = model.pricing
    if pricing is None or pricing.input is None or pricing.output is None:
        return None
    return max(pricing.input, pricing.output)


def _kept(models: Iterable[Model], *tests: _Test | None) -> list[Model]:
    asked = [test for test in tests if test is not None]
    return [model for model in models if all(test(model) for test in asked)]


def _part(offer: Listed, wanted: ListModelsInput) -> _Test | None:
    match wanted.role:
        case "judge":
            return lambda model: offer.can_judge(model) is not False
        case "candidate":
            return offer.can_answer
        case None:
            return None


def _source(offer: Listed, wanted: ListModelsInput) -> _Test | None:
    match wanted.model_source:
        case "serverless":
            return offer.is_serverless
        case "dedicated":
            return lambda model: model.id in (offer.dedicated or ())
        case "external":
            return lambda _: False
        case None:
            return None
