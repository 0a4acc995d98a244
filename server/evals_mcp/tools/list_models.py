"""`list_models`: what can judge and what can be evaluated, with prices."""

from __future__ import annotations

from evals_mcp.cleaning import clean
from evals_mcp.model_filters import RULE, Fitting, Listed, fitting, listed
from evals_mcp.near_names import near_names
from evals_mcp.settings_schema import LocalSettings, Settings
from evals_mcp.tools.session import ToolSession
from evals_schemas.models import Model, Pricing
from evals_schemas.tools import ListModelsInput, ListModelsOutput, ModelLine

_CREDENTIALS = 20


async def list_models(arguments: ListModelsInput, session: ToolSession) -> ListModelsOutput:
    """The models that fit, those that can judge first."""
    models = await session.provider.list_models()
    offer = listed(models, await session.provider.list_judges(), session.settings)
    found = fitting(offer, arguments)
    lines = [_line(model, offer.can_judge(model)) for model in found.models]
    lines.sort(key=lambda line: not line.can_judge)
    return ListModelsOutput(
        models=lines[: arguments.limit],
        total=len(lines),
        next_step=" ".join(filter(None, _advice(arguments, offer, found, session.settings))),
    )


def _advice(
    arguments: ListModelsInput, offer: Listed, found: Fitting, settings: Settings
) -> list[str]:
    """What to do with the list, and what it leaves out; some may be empty."""
    if arguments.model_source == "external":
        return [_external(settings)]
    advice = [_next_step(arguments, found) if found.models else _none_fit(arguments, offer, found)]
    if arguments.model_source == "dedicated" and not found.models:
        advice.append(_no_dedicated(offer))
    if found.unpriced:
        models = "1 model has" if found.unpriced == 1 else f"{found.unpriced:,} models have"
        advice.append(f"{models} no known price and max_price leaves them out.")
    if "local" in settings.providers:
        advice.append(_unlisted(offer, settings.local))
    return advice


def _next_step(arguments: ListModelsInput, found: Fitting) -> str:
    parts = {
        "judge": "as judge.model",
        "candidate": "as model of a model to run",
        None: "as judge.model, or as model of a model to run; a rule can only judge",
    }
    has_rules = any(model.type == RULE for model in found.models)
    part = parts[arguments.role] if has_rules else parts[arguments.role].partition(";")[0]
    text = f"Give an id to create_evaluation {part}."
    if len(found.models) > arguments.limit:
        text += " For fewer or other names, call list_models with a filter."
    return text


def _none_fit(arguments: ListModelsInput, offer: Listed, found: Fitting) -> str:
    """Which filter to change: the name when no model has it, else the others."""
    if not arguments.filter:
        return "None fit: call list_models with fewer filters."
    name = clean(arguments.filter, 60)
    if found.named:
        return (
            f"{name!r} is in the names of {len(found.named):,}, of which none fits the other "
            "filters: call list_models with `filter` alone."
        )
    near = near_names(arguments.filter, (model.id for model in offer.models))
    if not near:
        return f"No name has {name!r} in it: call list_models with another `filter` or none."
    named = ", ".join(clean(other, 120) for other in near)
    return f"No name has {name!r} in it. Near it: {named}."


def _external(settings: Settings) -> str:
    """What an external model is named by, which is nothing that a service lists."""
    names = [clean(name, 60) for name in list(settings.credentials)[:_CREDENTIALS]]
    if not names:
        return (
            "External models are not listed, and no credential for one is configured: whoever runs "
            "this server adds it under [credentials]."
        )
    return (
        "External models are not listed. Give the vendor's own name of the model as model, "
        f"model_source external, and as external_credential one of: {', '.join(names)}."
    )


def _no_dedicated(offer: Listed) -> str:
    if offer.dedicated is None:
        return (
            "The service lists no dedicated endpoints: give the id of yours as model, with "
            "model_source dedicated."
        )
    if offer.dedicated:
        return ""
    return "Dedicated endpoints are those under [local.dedicated] of the configuration; none is."


def _unlisted(offer: Listed, local: LocalSettings) -> str:
    """Why the embedded engine lists no model of its main endpoint; empty when it does."""
    if any(model.type != RULE and model.id not in local.dedicated for model in offer.models):
        return ""
    if local.models.base_url is None:
        return "Other models need an endpoint: local.models.base_url is not set."
    return (
        "The endpoint of local.models.base_url did not answer or has no model: whoever runs this "
        "server checks that it runs, and its token."
    )


def _line(model: Model, can_judge: bool | None) -> ModelLine:
    pricing = model.pricing or Pricing()
    return ModelLine(
        id=clean(model.id, 120),
        type=clean(model.type, 40) if model.type else None,
        input_price=pricing.input,
        output_price=pricing.output,
        context=model.context_length,
        can_judge=can_judge,
    )
