"""Handlers of models: the rules and the models of the configured endpoints."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from evals_engine.http.engine import engine_of
from evals_engine.judges.rules import RULES
from evals_engine.models.offered import dedicated_models, serverless_models
from evals_engine.runs.creation import FIRST_SDK
from evals_schemas.evaluation_api.models import NO_TEXT_TYPES, JudgeModelList, Model, Pricing


async def list_all(request: Request) -> Response:
    """GET /models: all models, or with `dedicated=true` the dedicated endpoints only."""
    access = engine_of(request).models
    models = dedicated_models(access.config)
    if request.query_params.get("dedicated") != "true":
        models = [*_rules(), *models, *await serverless_models(access)]
    if request.headers.get("user-agent", "").startswith(FIRST_SDK):
        models = [_with_prices(model) for model in models]
    return JSONResponse([model.model_dump(mode="json") for model in models])


async def list_dedicated(request: Request) -> Response:
    """GET /autoscale/models: the names that the first SDK keeps of /models for `dedicated=True`."""
    models = dedicated_models(engine_of(request).models.config)
    return JSONResponse([{"name": model.id} for model in models])


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


def _with_prices(model: Model) -> Model:
    """Return the model with an object of prices, which the first SDK requires.

    The command line of the second SDK fails at such an object without numbers.
    """
    return model.model_copy(update={"pricing": model.pricing or Pricing()})


def _rules() -> list[Model]:
    free = Pricing(input=0, output=0)
    return [
        Model(id=name, display_name=description, pricing=free)
        for name, description in RULES.items()
    ]


routes = [
    Route("/models", list_all),
    Route("/autoscale/models", list_dedicated),
    # Before /evaluation/{id}, which would take the name for an id.
    Route("/evaluation/model-list", list_judges),
]
