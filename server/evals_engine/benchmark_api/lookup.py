"""Looks up the benchmark or evaluation that a request names, among those of its owner."""

from __future__ import annotations

from anyio import to_thread
from starlette.requests import Request

from evals_engine.errors import not_found
from evals_engine.http.engine import engine_of, owner_of
from evals_engine.store.records import StoredEvaluation, StoredFile
from evals_schemas.evaluation_api.files import BENCHMARK_PURPOSE
from evals_schemas.evaluation_types import BENCHMARK


async def find_benchmark(request: Request, benchmark_id: str) -> StoredFile:
    """Return the owner's benchmark with this id. Raises ApiError 404."""
    benchmark = await to_thread.run_sync(
        engine_of(request).store.get_file, benchmark_id, owner_of(request)
    )
    if benchmark is None or benchmark.purpose != BENCHMARK_PURPOSE:
        raise not_found("benchmark", benchmark_id)
    return benchmark


async def find_evaluation(request: Request, evaluation_id: str) -> StoredEvaluation:
    """Return the owner's benchmark evaluation with this id. Raises ApiError 404."""
    evaluation = await to_thread.run_sync(
        engine_of(request).store.get_evaluation, evaluation_id, owner_of(request)
    )
    if evaluation is None or evaluation.type != BENCHMARK:
        raise not_found("evaluation", evaluation_id)
    return evaluation
