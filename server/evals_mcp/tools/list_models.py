"""`list_models`: the models that can judge or be evaluated, with prices; and the ready rubrics."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from evals_mcp.cleaning import clean, quoted
from evals_mcp.near_names import near_names
from evals_mcp.rubrics.offers import asks_for_rubrics, list_rubrics
from evals_mcp.service_spec import Capabilities
from evals_mcp.settings.schema import Settings
from evals_mcp.token_estimate import fitting
from evals_mcp.tools.calls.session import ToolSession
from evals_mcp.tools.model_offers import (
    RULE,
    Matches,
    Offer,
    ServiceModels,
    in_turn,
    is_rule,
    merged,
    offers_of,
)
from evals_schemas.evaluation_api.models import Model, Pricing
from evals_schemas.evaluation_types import BENCHMARK
from evals_schemas.tools.inputs import ListModelsInput
from evals_schemas.tools.outputs import ListModelsOutput, ModelLine

_CREDENTIALS = 20

NAME_TOKENS = 25
"""Estimated tokens of a model's name, as a mean; beyond it, fewer models are listed."""

_FEWER = "For fewer or other models, call list_models with a filter."


async def list_models(arguments: ListModelsInput, session: ToolSession) -> ListModelsOutput:
    """Return the models that match, those that can judge first; or the ready rubrics."""
    if arguments.filter and asks_for_rubrics(arguments.filter):
        return list_rubrics(arguments.filter)
    services = session.provider.services
    offers, left_out = await offers_of(services, arguments)
    several = len(services) > 1
    # Cut before sorting, so that the judges of one service do not displace another's models.
    chosen = islice(in_turn(offers), arguments.limit)
    lines = [_line(offer, model, several=several) for offer, model in chosen]
    lines = lines[: fitting([line.id for line in lines], arguments.limit * NAME_TOKENS)]
    advice = _advice(arguments, offers, session.settings)
    return ListModelsOutput(
        models=sorted(lines, key=lambda line: not line.can_judge),
        total=sum(len(offer.matches.models) for offer in offers),
        next_step=" ".join([*advice, *left_out]),
    )


def _advice(arguments: ListModelsInput, offers: Sequence[Offer], settings: Settings) -> list[str]:
    """Return what to do with the list, what it leaves out, and why models are missing."""
    all_models, matches = merged(offers)
    if arguments.model_source == "external":
        return [_external(settings)]
    advice = [
        _unlisted(offer.models, offer.service.capabilities)
        for offer in offers
        if offer.service.capabilities.is_engine
    ]
    if not matches.models:
        advice.append(_none_fit(arguments, all_models, matches))
    elif not settings.server.read_only:
        advice.append(_next_step(arguments, offers, matches))
    elif len(matches.models) > arguments.limit:
        advice.append(_FEWER)
    if arguments.model_source == "dedicated" and not matches.models:
        advice.append(_no_dedicated(all_models))
    if matches.unpriced:
        models = "1 model has" if matches.unpriced == 1 else f"{matches.unpriced:,} models have"
        advice.append(f"{models} no known price, so max_price leaves them out.")
    return list(filter(None, advice)) or ["This server only reads: call list_evaluations."]


def _next_step(arguments: ListModelsInput, offers: Sequence[Offer], matches: Matches) -> str:
    judged = [offer for offer in offers if offer.models.names_judges]
    runs = [offer for offer in offers if BENCHMARK in offer.service.types]
    parts: list[str] = []
    if judged and arguments.role != "candidate":
        parts.append(f"as judge.model{_owners(judged, offers)}")
    if judged and arguments.role != "judge":
        parts.append(f"as model of a model to run{_owners(judged, offers)}")
    if runs and arguments.role != "judge":
        parts.append(f"as model_id of a benchmark{_owners(runs, offers)}")
    text = f"Give an id to create_evaluation {', or '.join(parts)}"
    has_rules = any(is_rule(model) for model in matches.models)
    text += "; a rule can only judge." if has_rules and arguments.role is None else "."
    if len(matches.models) > arguments.limit:
        text += f" {_FEWER}"
    return text


def _owners(some: Sequence[Offer], offers: Sequence[Offer]) -> str:
    """Return the services that the models belong to; empty if that is every service."""
    names = " and ".join(offer.service.name for offer in some)
    return "" if len(some) == len(offers) else f" (those of {names})"


def _none_fit(arguments: ListModelsInput, offer: ServiceModels, matches: Matches) -> str:
    """Return which filter to change: the name if no model has it, else the others."""
    if not arguments.filter:
        return "No model matches: call list_models with fewer filters."
    name = quoted(arguments.filter, 60)
    if matches.named:
        names = "1 name" if len(matches.named) == 1 else f"{len(matches.named):,} names"
        return (
            f"{name} is in {names}, but the other filters exclude these models: call list_models "
            "with `filter` alone."
        )
    near = near_names(arguments.filter, (model.id for model in offer.models))
    if not near:
        return f"No name contains {name}: call list_models with another `filter` or none."
    named = ", ".join(quoted(other, 120) for other in near)
    return f"No name contains {name}. Similar: {named}."


def _external(settings: Settings) -> str:
    """Return how to name an external model, which no service lists."""
    names = [quoted(name, 60) for name in list(settings.credentials)[:_CREDENTIALS]]
    if not names:
        return (
            "External models are not listed, and no credential for one is configured: ask the "
            "operator of this server to add one under [credentials]."
        )
    return (
        "External models are not listed. Give the vendor's name of the model as model, "
        f"model_source external, and as external_credential one of: {', '.join(names)}."
    )


def _no_dedicated(offer: ServiceModels) -> str:
    if offer.dedicated is None:
        return (
            "The service lists no dedicated endpoints: give the id of yours as model, with "
            "model_source dedicated."
        )
    if offer.dedicated:
        return ""
    return "No dedicated endpoints are configured under [local.dedicated]."


def _unlisted(offer: ServiceModels, capabilities: Capabilities) -> str:
    """Return why the embedded engine lists no model of its main endpoint; empty if it lists one."""
    dedicated = capabilities.dedicated_models or ()
    if any(not is_rule(model) and model.id not in dedicated for model in offer.models):
        return ""
    if capabilities.missing_endpoint:
        return f"Other models need an endpoint: {capabilities.missing_endpoint} is not set."
    return (
        "The endpoint of local.models.base_url did not answer or has no model: ask the operator of "
        "this server to check that it runs, and its token."
    )


def _line(offer: Offer, model: Model, *, several: bool) -> ModelLine:
    pricing = model.pricing or Pricing()
    return ModelLine(
        id=clean(model.id, 120),
        provider=offer.service.name if several else None,
        type=RULE if is_rule(model) else clean(model.type, 40) if model.type else None,
        input_price=pricing.input,
        output_price=pricing.output,
        context=model.context_length,
        can_judge=offer.models.can_judge(model),
    )
