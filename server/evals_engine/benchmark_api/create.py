"""Creates benchmark evaluations, after checks of everything that can be refused at once."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from anyio import to_thread
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from evals_engine.benchmark_api.lookup import find_benchmark, find_evaluation
from evals_engine.benchmark_api.responses import iso_time
from evals_engine.benchmarks.parameters import BenchmarkParameters
from evals_engine.compute.pool import OwnerPool
from evals_engine.errors import ApiError, InvalidFieldsError
from evals_engine.faults import RequestError
from evals_engine.http.engine import engine_of, owner_of
from evals_engine.http.json_bodies import invalid, json_body
from evals_engine.models.offered import serverless_models
from evals_engine.runs.creation import (
    REPLAYED,
    NewEvaluation,
    created_before,
    creation_key,
)
from evals_engine.runs.evaluation_types import TYPES, TypedParameters
from evals_schemas.benchmark_api.benchmarks import METRICS, BenchmarkCreateBody, Metric
from evals_schemas.evaluation_api.rules import RULE_PREFIX
from evals_schemas.evaluation_types import BENCHMARK


async def create(request: Request) -> Response:
    """POST /evaluations."""
    body = await json_body(request)
    create_body, key = _parse(body), creation_key(request.headers, body)
    engine, owner = engine_of(request), owner_of(request)
    earlier = key and await to_thread.run_sync(
        created_before, engine.store, owner, key, engine.clock()
    )
    if earlier:
        created = earlier
    else:
        parameters = await _checked(request, create_body)
        stored = parameters.model_dump(mode="json")
        new = NewEvaluation(
            "beval", owner, BENCHMARK, stored, parameters.benchmark_id, engine.clock()
        )
        created = await to_thread.run_sync(engine.creation.store_evaluation, new, key)
        engine.dispatch.wake()
    evaluation = await find_evaluation(request, created)
    return JSONResponse(
        {
            "evaluation_id": created,
            "model_id": create_body.model_id,
            "status": "pending",
            "benchmark_id": create_body.benchmark_id,
            "created_at": iso_time(evaluation.created_at),
            "message": "Evaluation created successfully and queued for execution",
        },
        headers=REPLAYED if earlier else None,
    )


def _parse(body: object) -> BenchmarkCreateBody:
    try:
        return BenchmarkCreateBody.model_validate(body)
    except ValidationError as error:
        raise invalid(error, "body") from error


async def _checked(request: Request, create_body: BenchmarkCreateBody) -> BenchmarkParameters:
    """Return the parameters of the evaluation as they will be stored.

    Raises:
        InvalidFieldsError: A metric is unknown.
        ApiError: 404 if there is no such benchmark, 400 if a model or the judge cannot be used.
    """
    engine = engine_of(request)
    metrics = _metrics(create_body)
    if create_body.model_id_2 == create_body.model_id:
        raise ApiError(400, "model_id_2: the same as model_id; name another model, or leave it out")
    benchmark = await find_benchmark(request, create_body.benchmark_id)
    if not benchmark.line_count:
        raise ApiError(400, "benchmark_id: this benchmark has no questions.")
    parameters = BenchmarkParameters(
        benchmark_id=benchmark.id,
        model_id=create_body.model_id,
        model_id_2=create_body.model_id_2,
        metrics=metrics,
        judge=engine.config.benchmark_judge,
        questions=benchmark.line_count,
    )
    try:
        pool = OwnerPool(engine.pool, owner_of(request))
        await TypedParameters(TYPES[BENCHMARK], parameters).evaluator(engine.models, pool, {})
    except RequestError as error:
        raise ApiError(400, f"{error.param}: {error}") from error
    await _check_names(request, parameters)
    return parameters


def _metrics(create_body: BenchmarkCreateBody) -> tuple[Metric, ...]:
    """Return the requested metrics, all if the request names none; of an object, its keys."""
    names = set(create_body.custom_metrics or METRICS)
    if names - set(METRICS):
        message = f"an unknown metric; this service computes {' and '.join(METRICS)}"
        loc: list[str | int] = ["body", "custom_metrics"]
        raise InvalidFieldsError([{"loc": loc, "msg": message, "type": "value_error"}])
    return tuple(name for name in METRICS if name in names)


async def _check_names(request: Request, parameters: BenchmarkParameters) -> None:
    """Refuse models that their endpoint does not list; without a list, accept all names.

    Raises:
        ApiError: 400, with the closest names.
    """
    serverless = [model.id for model in await serverless_models(engine_of(request).models)]
    if not serverless:
        return
    dedicated = engine_of(request).config.dedicated
    if not parameters.judge.startswith(RULE_PREFIX) and parameters.judge not in serverless:
        raise _unknown("The judge (local.benchmark_judge)", parameters.judge, serverless)
    for field, name in zip(("model_id", "model_id_2"), parameters.models, strict=False):
        if name not in serverless and name not in dedicated:
            raise _unknown(field, name, [*dedicated, *serverless])


def _unknown(field: str, name: str, names: Sequence[str]) -> ApiError:
    near = get_close_matches(name[:200], names, n=3, cutoff=0.4)
    hint = f"the closest names are {', '.join(near)}" if near else "no model has a similar name"
    return ApiError(
        400, f"{field}: no such model; {hint}. GET /api/v3/models/base lists every model."
    )
