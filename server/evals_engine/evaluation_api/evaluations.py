"""Handlers of evaluations: create, list, read, status, rows and cancel."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from anyio import to_thread
from pydantic import ValidationError
from starlette.concurrency import iterate_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from evals_engine.cleaning import cleaned
from evals_engine.compute.pool import OwnerPool
from evals_engine.errors import ApiError, not_found
from evals_engine.faults import RequestError
from evals_engine.http.deletion import delete_evaluation
from evals_engine.http.engine import Engine, engine_of, owner_of
from evals_engine.http.json_bodies import json_body
from evals_engine.http.uploads import CHUNK_BYTES
from evals_engine.models.request_keys import (
    keys_of,
    stored_parameters,
    without_configured_keys,
)
from evals_engine.results.result_file import rows_so_far
from evals_engine.runs.continuing import continuation_to_store
from evals_engine.runs.creation import (
    REPLAYED,
    NewEvaluation,
    created_before,
    creation_key,
)
from evals_engine.runs.earlier_answers import refuse_other_answers
from evals_engine.runs.evaluation_types import TYPES, TypedParameters
from evals_engine.runs.stop_rules import rules_to_store
from evals_engine.store.protocols import Storage
from evals_engine.store.records import (
    BENCHMARK_PURPOSES,
    StatusChange,
    StoredEvaluation,
    StoredFile,
    UserName,
)
from evals_schemas.datasets.reader import read_rows
from evals_schemas.evaluation_api.evaluations import (
    ANSWERS_FROM,
    BESIDE_PARAMETERS,
    ENDED,
    AnyParameters,
    ClassifyRequest,
    CompareRequest,
    EvaluationCreated,
    EvaluationJob,
    EvaluationStatus,
    Progress,
    ScoreRequest,
    StatusUpdate,
    parse_evaluation_request,
)
from evals_schemas.evaluation_types import BENCHMARK, JUDGED_TYPES
from evals_schemas.reasons import Reason

MAX_LIMIT = 100
DEFAULT_LIMIT = 10
MAX_MESSAGE = 500


async def create(request: Request) -> Response:
    """POST /evaluation."""
    body = await json_body(request)
    new_request, key = _parse(body), creation_key(request.headers, body)
    engine, owner = engine_of(request), owner_of(request)
    earlier = key and await to_thread.run_sync(
        created_before, engine.store, owner, key, engine.clock()
    )
    if earlier:
        return _json(EvaluationCreated(workflow_id=earlier, status="pending"), REPLAYED)
    file_id = new_request.parameters.input_data_file_path
    file = await to_thread.run_sync(engine.store.get_file, file_id, owner)
    if file is None or file.upload_key is not None or file.purpose in BENCHMARK_PURPOSES:
        raise ApiError(
            400,
            f"No uploaded data set {file_id[:80]!r}. Upload one, or list them with GET /files.",
            param="parameters.input_data_file_path",
        )
    parameters = without_configured_keys(new_request.parameters, engine.config)
    keys, stored = keys_of(parameters), stored_parameters(parameters)
    try:
        stored |= await _beside_parameters(new_request, parameters, engine, owner)
        await TypedParameters(TYPES[new_request.type], parameters).evaluator(
            engine.models, OwnerPool(engine.pool, owner), keys
        )
    except RequestError as error:
        param = error.param if error.param in BESIDE_PARAMETERS else f"parameters.{error.param}"
        raise ApiError(400, str(error), param=param) from error
    new = NewEvaluation(
        "eval",
        owner,
        new_request.type,
        stored,
        file_id,
        engine.clock(),
        keys,
    )
    recorded = await to_thread.run_sync(engine.creation.store_evaluation, new, key)
    engine.dispatch.wake()
    return _json(EvaluationCreated(workflow_id=recorded, status="pending"))


async def _beside_parameters(
    new_request: ClassifyRequest | ScoreRequest | CompareRequest,
    parameters: AnyParameters,
    engine: Engine,
    owner: UserName,
) -> dict[str, Any]:
    """Return what is stored beside the parameters of a request.

    Args:
        new_request: the request.
        parameters: its parameters, without keys that the engine has.
        engine: the engine.
        owner: whose evaluation it is.

    Raises:
        RequestError: it names an evaluation that does not fit, or rules that do not.
    """
    stored: dict[str, Any] = {}
    if (answers_from := new_request.answers_from) is not None:
        other = await to_thread.run_sync(engine.store.get_evaluation, answers_from, owner)
        refuse_other_answers(answers_from, parameters, other)
        stored |= {ANSWERS_FROM: answers_from}
    if (continues := new_request.continues) is not None:
        other = await to_thread.run_sync(engine.store.get_evaluation, continues, owner)
        wanted = new_request.type, parameters, new_request.stop_when
        stored |= await to_thread.run_sync(
            continuation_to_store, continues, wanted, other, engine.store
        )
    elif new_request.stop_when is not None:
        stored |= rules_to_store(new_request.stop_when, parameters, engine.store)
    return stored


async def list_all(request: Request) -> Response:
    """GET /evaluation."""
    engine = engine_of(request)
    status = request.query_params.get("status")
    evaluations = await to_thread.run_sync(
        engine.store.list_evaluations, owner_of(request), status, _limit(request)
    )
    jobs = [
        _job(evaluation).model_dump(mode="json", exclude_none=True) for evaluation in evaluations
    ]
    return JSONResponse(jobs)


async def read(request: Request) -> Response:
    """GET /evaluation/{id}."""
    evaluation = await _find(request)
    changes = await to_thread.run_sync(engine_of(request).store.status_changes, evaluation.id)
    job = _job(evaluation)
    job.status_updates = [
        StatusUpdate(status=change.status, message=change.message, timestamp=_time(change.time))
        for change in changes
    ]
    return _json(job)


async def status(request: Request) -> Response:
    """GET /evaluation/{id}/status."""
    evaluation = await _find(request)
    job = _job(evaluation)
    if job.progress:
        job.progress.note = await to_thread.run_sync(
            engine_of(request).dispatch.note_on, evaluation.id
        )
    fields = job.model_dump(include=set(EvaluationStatus.model_fields))
    return _json(EvaluationStatus.model_validate(fields))


async def cancel(request: Request) -> Response:
    """POST /evaluation/{id}/cancel: rows in progress get some time to finish."""
    engine = engine_of(request)
    evaluation = await _find(request)
    message = "Cancelled before the first row was judged"
    change = StatusChange("user_error", message, engine.clock(), Reason.CANCELLED)
    await to_thread.run_sync(engine.store.request_cancel, evaluation.id, evaluation.owner, change)
    engine.dispatch.wake()
    return _json(_job(await _find(request)))


async def delete(request: Request) -> Response:
    """DELETE /evaluation/{id}: the evaluation and its result file, once it has ended."""
    return await delete_evaluation(request, await _find(request))


async def rows(request: Request) -> Response:
    """GET /evaluation/{id}/rows: the rows judged so far, of an evaluation that has not ended."""
    evaluation = await _find(request)
    store = engine_of(request).store
    file = await to_thread.run_sync(store.get_file, evaluation.file_id, evaluation.owner)
    if file is None or evaluation.status in ENDED:
        raise ApiError(409, "The evaluation has ended; its result file has the rows.")
    return StreamingResponse(
        iterate_in_threadpool(_chunks(store, evaluation, file)), media_type="application/jsonl"
    )


def _chunks(store: Storage, evaluation: StoredEvaluation, file: StoredFile) -> Iterator[bytes]:
    """Yield the rows judged so far, many in each chunk."""
    pending = bytearray()
    with store.files.open(file.id) as stream:
        for line in rows_so_far(read_rows(stream, file.kind), store.finished_rows(evaluation.id)):
            pending += line
            if len(pending) > CHUNK_BYTES:
                yield bytes(pending)
                pending.clear()
    yield bytes(pending)


async def _find(request: Request) -> StoredEvaluation:
    evaluation_id = request.path_params["id"]
    evaluation = await to_thread.run_sync(
        engine_of(request).store.get_evaluation, evaluation_id, owner_of(request)
    )
    if evaluation is None or evaluation.type == BENCHMARK:
        raise not_found("evaluation", evaluation_id)
    return evaluation


def _parse(body: object) -> ClassifyRequest | ScoreRequest | CompareRequest:
    try:
        return parse_evaluation_request(body)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=False, include_input=False)
        # A field that takes a column or a model has problems for both. If an object was sent, the
        # problems of the model matter.
        of_model = [
            problem
            for problem in problems
            if "ModelRequest" in problem["loc"] and problem["type"] != _NOT_AN_OBJECT
        ]
        first = (of_model or problems)[0]
        path = ".".join(cleaned(str(part)) for part in first["loc"] if part not in _VARIANTS)
        message = cleaned(first["msg"].removeprefix("Value error, "), MAX_MESSAGE)
        raise ApiError(400, f"{path}: {message}" if path else message, param=path) from error


_NOT_AN_OBJECT = "model_type"
"""Pydantic's type of the problem that a value is not an object."""

_VARIANTS = {*JUDGED_TYPES, "str", "ModelRequest"}
"""Parts of a validation path that name a variant of a union, not a field."""


def _limit(request: Request) -> int:
    text = request.query_params.get("limit") or str(DEFAULT_LIMIT)
    if not text.isdecimal() or len(text) > 3 or not 1 <= int(text) <= MAX_LIMIT:
        raise ApiError(400, f"limit: send a whole number from 1 to {MAX_LIMIT}.", param="limit")
    return int(text)


def _job(evaluation: StoredEvaluation) -> EvaluationJob:
    return EvaluationJob.model_validate(
        {
            "workflow_id": evaluation.id,
            "type": evaluation.type,
            "owner_id": evaluation.owner,
            "status": evaluation.status,
            "parameters": evaluation.parameters,
            "created_at": _time(evaluation.created_at),
            "updated_at": _time(evaluation.updated_at),
            "results": evaluation.results,
            "sequential": None if evaluation.status in ENDED else evaluation.sequential,
            "progress": Progress(done=evaluation.done_rows, total=evaluation.total_rows),
        }
    )


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _json(
    body: EvaluationCreated | EvaluationJob | EvaluationStatus,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return an answer without nulls: the contract has no null in most fields."""
    text = body.model_dump_json(exclude_none=True)
    return Response(text, media_type="application/json", headers=headers)


routes = [
    Route("/evaluation", create, methods=["POST"]),
    Route("/evaluation", list_all),
    Route("/evaluations", list_all),
    Route("/evaluation/{id}", read),
    Route("/evaluation/{id}", delete, methods=["DELETE"]),
    Route("/evaluation/{id}/status", status),
    Route("/evaluation/{id}/rows", rows),
    Route("/evaluation/{id}/cancel", cancel, methods=["POST"]),
]
