"""Handlers of benchmark evaluations: list, status, results, download, cancel, delete."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from anyio import to_thread
from pydantic import BaseModel, Field, ValidationError
from starlette.concurrency import iterate_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from evals_engine.benchmark_api.create import create
from evals_engine.benchmark_api.lookup import find_evaluation
from evals_engine.benchmark_api.responses import (
    STATUSES,
    line_of,
    progress_text,
    results_of,
    status_of,
    summary_of,
)
from evals_engine.errors import ApiError
from evals_engine.http.deletion import delete_evaluation
from evals_engine.http.engine import engine_of, owner_of
from evals_engine.http.json_bodies import invalid
from evals_engine.http.uploads import CHUNK_BYTES
from evals_engine.store.protocols import Files
from evals_engine.store.records import StatusChange, StoredEvaluation
from evals_schemas.evaluation_api.evaluations import ENDED
from evals_schemas.reasons import Reason


class ListQuery(BaseModel):
    """The query of a list; unknown parameters are ignored."""

    status: Literal["pending", "in_progress", "completed", "failed"] | None = None
    model_id: str | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 10
    offset: Annotated[int, Field(ge=0, le=2**53)] = 0


async def list_all(request: Request) -> Response:
    """GET /evaluations."""
    try:
        query = ListQuery.model_validate(dict(request.query_params))
    except ValidationError as error:
        raise invalid(error, "query") from error
    states = STATUSES[query.status] if query.status else (None,)
    filters = {
        "status": states[0],
        "or_status": states[-1],
        "model_id": query.model_id,
        "limit": query.limit,
        "offset": query.offset,
    }
    store = engine_of(request).store
    owner = owner_of(request)
    evaluations, total = await to_thread.run_sync(store.list_benchmark_evaluations, owner, filters)
    return JSONResponse(
        {
            "user_id": owner,
            "evaluations": [line_of(evaluation) for evaluation in evaluations],
            "total": total,
            "limit": query.limit,
            "offset": query.offset,
        }
    )


async def status(request: Request) -> Response:
    """GET /evaluations/{id}/status."""
    return await _status(request, await find_evaluation(request, request.path_params["id"]))


async def results(request: Request) -> Response:
    """GET /evaluations/{id}/results: 400 until the evaluation has ended."""
    return JSONResponse(results_of(await _ended(request)))


async def download(request: Request) -> Response:
    """GET /evaluations/{id}/download: all answers; 400 until the evaluation has ended."""
    evaluation = await _ended(request)
    file_id: str | None = (evaluation.results or {}).get("result_file_id")
    files = engine_of(request).store.files
    if file_id is not None and not await to_thread.run_sync(files.exists, file_id):
        raise ApiError(404, "The rows of this evaluation are gone from the data directory.")
    return StreamingResponse(
        iterate_in_threadpool(_download(summary_of(evaluation), _rows(files, file_id))),
        media_type="application/json",
        headers={"Content-Disposition": f'attachment; filename="{evaluation.id}.json"'},
    )


async def cancel(request: Request) -> Response:
    """POST /evaluations/{id}/cancel: running questions get some time to finish."""
    engine = engine_of(request)
    evaluation = await find_evaluation(request, request.path_params["id"])
    message = "Cancelled before the first question was judged"
    change = StatusChange("user_error", message, engine.clock(), Reason.CANCELLED)
    await to_thread.run_sync(engine.store.request_cancel, evaluation.id, evaluation.owner, change)
    engine.dispatch.wake()
    return await _status(request, await find_evaluation(request, evaluation.id))


async def delete(request: Request) -> Response:
    """DELETE /evaluations/{id}: the evaluation and its answers, once it has ended."""
    evaluation = await find_evaluation(request, request.path_params["id"])
    return await delete_evaluation(request, evaluation)


async def _status(request: Request, evaluation: StoredEvaluation) -> Response:
    engine = engine_of(request)
    history = await to_thread.run_sync(engine.store.status_changes, evaluation.id)
    note = await to_thread.run_sync(engine.dispatch.note_on, evaluation.id)
    return JSONResponse(status_of(evaluation, history, engine.clock(), note))


async def _ended(request: Request) -> StoredEvaluation:
    evaluation = await find_evaluation(request, request.path_params["id"])
    if evaluation.status not in ENDED:
        raise ApiError(
            400,
            f"Evaluation {evaluation.id} is {progress_text(evaluation)}; its results can be read "
            "when it is completed or failed.",
        )
    return evaluation


def _download(summary: dict[str, Any], rows: Iterator[dict[str, Any]]) -> Iterator[bytes]:
    """Yield the JSON object, many rows in each chunk."""
    pending = bytearray(json.dumps(summary)[:-1].encode() + b', "detailed_results": [')
    separator = b""
    for row in rows:
        for entry in row["answers"]:
            pending += separator + json.dumps(_detailed(row, entry)).encode()
            separator = b", "
        if len(pending) > CHUNK_BYTES:
            yield bytes(pending)
            pending.clear()
    yield bytes(pending) + b"]}"


def _rows(files: Files, file_id: str | None) -> Iterator[dict[str, Any]]:
    if file_id is not None:
        with files.open(file_id) as lines:
            yield from map(json.loads, lines)


def _detailed(row: dict[str, Any], entry: dict[str, Any]) -> dict[str, Any]:
    question = {
        "question_id": row["question_num"],
        "question": row["question"],
        "expected_answer": row["answer"],
    }
    return question | entry


routes = [
    Route("/evaluations", create, methods=["POST"]),
    Route("/evaluations", list_all),
    Route("/evaluations/{id}/status", status),
    Route("/evaluations/{id}/results", results),
    Route("/evaluations/{id}/download", download),
    Route("/evaluations/{id}/cancel", cancel, methods=["POST"]),
    Route("/evaluations/{id}", delete, methods=["DELETE"]),
]
