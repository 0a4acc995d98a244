"""Handlers of models that can answer a benchmark."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from evals_engine.http.engine import engine_of
from evals_engine.models.offered import dedicated_models, serverless_models


async def list_base(request: Request) -> Response:
    """GET /models/base: the models of the configured endpoints."""
    access = engine_of(request).models
    models = [*dedicated_models(access.config), *await serverless_models(access)]
    listed = [{"model_id": model.id, "model_name": model.id, "type": "llm"} for model in models]
    return JSONResponse({"models": listed})


async def list_aligned(_: Request) -> Response:
    """GET /models/aligned: always empty, as this service aligns no models."""
    return JSONResponse({"domain_aligned_models": []})


routes = [Route("/models/base", list_base), Route("/models/aligned", list_aligned)]
