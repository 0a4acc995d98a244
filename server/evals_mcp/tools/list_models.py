"""`list_models`: what can judge and what can be evaluated, with prices."""

from __future__ import annotations

from collections.abc import Iterable

from evals_mcp.cleaning import clean
from evals_mcp.settings_schema import LocalSettings
from evals_mcp.tools.session import ToolSession
from evals_schemas.models import Model, Pricing
from evals_schemas.tools import ListModelsInput, ListModelsOutput, ModelLine


async def list_models(arguments: ListModelsInput, session: ToolSession) -> ListModelsOutput:
    """The models whose names fit, those that can judge first."""
    models = {model.id: model for model in await session.provider.list_models()}
    judges = await session.provider.list_judges()
    for name in judges or []:
        models.setdefault(name, Model(id=name))
    text = (arguments.filter or "").casefold()
    lines = [
        _line(model, None if judges is None else model.id in judges)
        for model in models.values()
        if text in model.id.casefold()
    ]
    lines.sort(key=lambda line: not line.can_judge)
    next_step = _next_step(lines, arguments)
    if session.provider.name == "local":
        next_step += _unlisted(models.values(), session.settings.local)
    return ListModelsOutput(models=lines[: arguments.limit], total=len(lines), next_step=next_step)


def _unlisted(models: Iterable[Model], local: LocalSettings) -> str:
    """Why the embedded engine lists no model of its main endpoint; empty when it does."""
    if any(model.type != "rule" and model.id not in local.dedicated for model in models):
        return ""
    if local.models.base_url is None:
        return " Other models need an endpoint: local.models.base_url is not set."
    return (
        " The endpoint of local.models.base_url did not answer or has no model: whoever runs this "
        "server checks that it runs, and its token."
    )


def _next_step(lines: list[ModelLine], arguments: ListModelsInput) -> str:
    if not lines:
        return "None fit: call list_models with another filter or none."
    text = "Give an id to create_evaluation as judge.model, or as model of a model to run."
    if len(lines) > arguments.limit:
        text += " For fewer or other names, call list_models with a filter."
    return text


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
