"""Handlers of models: the rules and the models of the configured endpoints."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from evals_engine.http.engine import engine_of
from evals_engine.judges.rules import RULES
from evals_engine.models.offered import dedicated_models, serverless_models
from evals_schemas.evaluation_api.models import NO_TEXT_TYPES, JudgeModelList, Model, Pricing


async def list_all(request: Request) -> Response:
    """GET /models."""
    access = engine_of(request).models
    models = [*_rules(), *dedicated_models(access.config), *await serverless_models(access)]
    return JSONResponse([model.model_dump(mode="json") for model in models])


async def list_judges(request: Request) -> Response:
    """GET /evaluation/model-list: the model names of one source, or of all sources."""
    access = engine_of(request).models
    source = request.query_params.get("model_source")
    names = [rule.id for rule in _rules()]
    if source in {None, "dedicated"}:
        names += [model.id for model in dedicated_models(access.config)]
    if source in {None, "serverless"}:
        listed = await serverless_models(access)
        names += [model.id for model in listed if model.type not in NO_TEXT_TYPES]
    return JSONResponse(JudgeModelList(model_list=names).model_dump())


def _rules() -> list[Model]:
    free = Pricing(input=0, output=0)
    return [
        Model(id=name, display_name=description, pricing=free)
        for name, description in RULES.items()
    ]


routes = [
    Route("/models", list_all),
    # Before /evaluation/{id}, which would take the name for an id.
    Route("/evaluation/model-list", list_judges),
]
