"""Deletes files and evaluations of both contracts, unless they are in use."""

from __future__ import annotations

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from evals_engine.errors import ApiError
from evals_engine.http.engine import engine_of
from evals_engine.store.records import StoredEvaluation, StoredFile
from evals_schemas.evaluation_api.evaluations import EvaluationDeleted
from evals_schemas.evaluation_api.files import FileDeleted


async def delete_file(request: Request, file: StoredFile) -> Response:
    """Delete a data set or a benchmark. Raises ApiError 409 while an evaluation needs it."""
    store = engine_of(request).store
    if needing := await to_thread.run_sync(store.delete_file, file.id, file.owner):
        raise ApiError(409, f"Evaluation {needing} still needs this file; cancel it first.")
    return JSONResponse(FileDeleted(id=file.id).model_dump())


async def delete_evaluation(request: Request, evaluation: StoredEvaluation) -> Response:
    """Delete an evaluation with its result file. Raises ApiError 409 if it has not ended."""
    store = engine_of(request).store
    if not await to_thread.run_sync(store.delete_evaluation, evaluation.id, evaluation.owner):
        raise ApiError(409, f"Evaluation {evaluation.id} has not ended: cancel it first.")
    return JSONResponse(EvaluationDeleted(id=evaluation.id).model_dump())
