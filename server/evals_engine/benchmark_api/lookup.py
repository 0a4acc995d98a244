"""What a request of the benchmark contract refers to, if it is the caller's."""

from __future__ import annotations

from anyio import to_thread
from starlette.requests import Request

from evals_engine.errors import not_found
from evals_engine.http.engine import engine_of, owner_of
from evals_engine.store.records import BENCHMARK_FILE, StoredEvaluation, StoredFile
from evals_schemas.benchmark_api.benchmarks import BENCHMARK


async def find_benchmark(request: Request, benchmark_id: str) -> StoredFile:
    """One benchmark. Raises ApiError 404."""
    found = await to_thread.run_sync(
        engine_of(request).store.get_file, benchmark_id, owner_of(request)
    )
    if found is None or found.purpose != BENCHMARK_FILE:
        raise not_found("benchmark", benchmark_id)
    return found


async def find_evaluation(request: Request, evaluation_id: str) -> StoredEvaluation:
    """One benchmark evaluation. Raises ApiError 404."""
    found = await to_thread.run_sync(
        engine_of(request).store.get_evaluation, evaluation_id, owner_of(request)
    )
    if found is None or found.type != BENCHMARK:
        raise not_found("evaluation", evaluation_id)
    return found
