"""Creating a benchmark evaluation: everything that can be refused before it is recorded."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from anyio import to_thread
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from evals_engine.benchmark_api.lookup import find_benchmark, find_evaluation
from evals_engine.benchmark_api.responses import at
from evals_engine.benchmarks.parameters import BenchmarkParameters
from evals_engine.errors import ApiError, InvalidFieldsError
from evals_engine.faults import RequestError
from evals_engine.http.engine import engine_of, owner_of
from evals_engine.http.json_bodies import invalid, json_body
from evals_engine.models.offered import serverless_models
from evals_engine.runs.creation import (
    NewEvaluation,
    created_before,
    creation_key,
    refuse_too_many,
    store_evaluation,
)
from evals_engine.runs.evaluation_types import TYPES, TypedParameters
from evals_schemas.benchmark_api.benchmarks import BENCHMARK, METRICS, BenchmarkCreateBody, Metric
from evals_schemas.evaluation_api.rules import RULE_PREFIX


async def create(request: Request) -> Response:
    """POST /evaluations."""
    body = await json_body(request)
    wanted, key = _parse(body), creation_key(request.headers, body)
    engine, owner = engine_of(request), owner_of(request)
    created = key and await to_thread.run_sync(created_before, engine.store, owner, key)
    if not created:
        parameters = await _checked(request, wanted)
        most = engine.config.max_unfinished
        await to_thread.run_sync(refuse_too_many, engine.store, owner, most)
        stored = parameters.model_dump(mode="json")
        new = NewEvaluation(
            "beval", owner, BENCHMARK, stored, parameters.benchmark_id, engine.clock()
        )
        created = await to_thread.run_sync(
            store_evaluation, engine.store, engine.scheduler, new, key
        )
        engine.scheduler.wake()
    evaluation = await find_evaluation(request, created)
    return JSONResponse(
        {
            "evaluation_id": created,
            "model_id": wanted.model_id,
            "status": "pending",
            "benchmark_id": wanted.benchmark_id,
            "created_at": at(evaluation.created_at),
            "message": "Evaluation created successfully and queued for execution",
        }
    )


def _parse(body: object) -> BenchmarkCreateBody:
    try:
        return BenchmarkCreateBody.model_validate(body)
    except ValidationError as error:
        raise invalid(error, "body") from error


async def _checked(request: Request, wanted: BenchmarkCreateBody) -> BenchmarkParameters:
    """The evaluation as it will be stored.

    Raises:
        InvalidFieldsError: a metric is none that this service computes.
        ApiError: 404, no such benchmark; 400, a model or the judge cannot be used.
    """
    engine = engine_of(request)
    metrics = _metrics(wanted)
    if wanted.model_id_2 == wanted.model_id:
        raise ApiError(400, "model_id_2: the same as model_id; name another model, or leave it out")
    benchmark = await find_benchmark(request, wanted.benchmark_id)
    if not benchmark.line_count:
        raise ApiError(400, "benchmark_id: this benchmark has no questions.")
    parameters = BenchmarkParameters(
        benchmark_id=benchmark.id,
        model_id=wanted.model_id,
        model_id_2=wanted.model_id_2,
        metrics=metrics,
        judge=engine.config.benchmark_judge,
        questions=benchmark.line_count,
    )
    try:
        TypedParameters(TYPES[BENCHMARK], parameters).evaluator(engine.models, {})
    except RequestError as fault:
        raise ApiError(400, f"{fault.param}: {fault}") from fault
    await _check_names(request, parameters)
    return parameters


def _metrics(wanted: BenchmarkCreateBody) -> tuple[Metric, ...]:
    """The metrics that are asked for, all when none is named; of an object the names count."""
    names = set(wanted.custom_metrics or METRICS)
    if names - set(METRICS):
        message = f"an unknown metric; this service computes {' and '.join(METRICS)}"
        loc: list[str | int] = ["body", "custom_metrics"]
        raise InvalidFieldsError([{"loc": loc, "msg": message, "type": "value_error"}])
    return tuple(name for name in METRICS if name in names)


async def _check_names(request: Request, parameters: BenchmarkParameters) -> None:
    """Refuse models that their endpoint does not list; one that lists none is taken at its word.

    Raises:
        ApiError: 400, with the nearest names.
    """
    known = [model.id for model in await serverless_models(engine_of(request).models)]
    if not known:
        return
    others = engine_of(request).config.dedicated
    if not parameters.judge.startswith(RULE_PREFIX) and parameters.judge not in known:
        raise _unknown("The judge (local.benchmark_judge)", parameters.judge, known)
    for field, name in zip(("model_id", "model_id_2"), parameters.models, strict=False):
        if name not in known and name not in others:
            raise _unknown(field, name, [*others, *known])


def _unknown(field: str, name: str, known: Sequence[str]) -> ApiError:
    near = get_close_matches(name[:200], known, n=3, cutoff=0.4)
    hint = f"the nearest names are {', '.join(near)}" if near else "none has a name like it"
    return ApiError(
        400, f"{field}: no such model; {hint}. GET /api/v3/models/base lists every model."
    )
