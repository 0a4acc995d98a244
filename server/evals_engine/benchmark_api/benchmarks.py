"""Handlers of benchmarks: upload, list, read and delete."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import PurePath
from typing import Any

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from evals_engine.benchmark_api.lookup import find_benchmark
from evals_engine.benchmark_api.responses import iso_time
from evals_engine.benchmarks.questions import MAX_BENCHMARK_BYTES, read_questions
from evals_engine.errors import ApiError
from evals_engine.http.deletion import delete_file
from evals_engine.http.engine import engine_of, owner_of
from evals_engine.http.file_forms import MAX_FORM_BYTES, FileForm, limited
from evals_engine.http.uploads import PartialUpload, new_file, too_large
from evals_engine.store.protocols import Storage
from evals_engine.store.records import StoredFile, UserName
from evals_schemas.evaluation_api.files import BENCHMARK_PURPOSE

READY = "completed"
"""Status of every benchmark: only complete ones are stored."""


async def upload(request: Request) -> Response:
    """POST /benchmark/upload: questions and a name in one multipart form."""
    engine = engine_of(request)
    uploads = engine.uploads
    max_bytes = min(uploads.max_bytes, MAX_BENCHMARK_BYTES)
    request = limited(request, max_bytes + MAX_FORM_BYTES, too_large(max_bytes))
    form_uploads = replace(uploads, max_bytes=max_bytes)
    async with form_uploads.part() as uploaded, uploads.part() as converted:
        form = FileForm(request.headers.get("content-type", ""), uploaded)
        await form.read(request.stream())
        if form.filename is None:
            raise ApiError(400, "file: send the questions as a multipart file part.", param="file")
        filename = form.filename or "benchmark.json"
        await to_thread.run_sync(_convert, uploaded, filename, converted)
        name = form.fields.get("name", "").strip() or PurePath(filename).stem or "benchmark"
        owner, now = owner_of(request), engine.clock()
        benchmark = await uploads.store_file(converted, _new_benchmark(owner, name, now))
    questions = await to_thread.run_sync(_questions, engine.store, benchmark)
    named = {"benchmark_name": benchmark.filename, "name": benchmark.filename}
    return JSONResponse(
        {
            "benchmark_id": benchmark.id,
            "id": benchmark.id,
            **named,
            "status": READY,
            "questions": questions,
            "num_questions": benchmark.line_count,
        }
    )


async def list_all(request: Request) -> Response:
    """GET /benchmark/list."""
    store = engine_of(request).store
    owner = owner_of(request)
    benchmarks = await to_thread.run_sync(store.list_benchmarks, owner)
    return JSONResponse({"benchmarks": [_listed(benchmark) for benchmark in benchmarks]})


async def data(request: Request) -> Response:
    """GET /benchmark/{id}/data."""
    benchmark = await find_benchmark(request, request.path_params["id"])
    store = engine_of(request).store
    questions = await to_thread.run_sync(_questions, store, benchmark)
    return JSONResponse(
        {
            "benchmark_id": benchmark.id,
            **_listed(benchmark),
            "questions": questions,
            "source": "database",
        }
    )


async def delete(request: Request) -> Response:
    """DELETE /benchmark/{id}: refused while an unfinished evaluation needs the benchmark."""
    return await delete_file(request, await find_benchmark(request, request.path_params["id"]))


async def create(_: Request) -> Response:
    """POST /benchmark/create: refused, as this service does not write questions from documents."""
    raise ApiError(
        400,
        "This service has no model that writes questions from documents. Upload a benchmark "
        "instead: POST /api/v3/benchmark/upload.",
    )


def _convert(uploaded: PartialUpload, filename: str, converted: PartialUpload) -> None:
    """Write the questions of an uploaded file as JSON lines."""
    uploaded.finish()
    for question in read_questions(uploaded.open, filename):
        converted.write(json.dumps(question).encode() + b"\n")


def _new_benchmark(owner: UserName, name: str, now: float) -> StoredFile:
    file = new_file(owner, name, BENCHMARK_PURPOSE, now)
    return replace(file, id=f"benchmark-{uuid.uuid4()}", kind="jsonl")


def _questions(store: Storage, benchmark: StoredFile) -> list[dict[str, Any]]:
    """Return all questions of a benchmark. Raises ApiError 404 if the file is missing."""
    read: Callable[[str], dict[str, Any]] = json.loads
    try:
        with store.files.open(benchmark.id) as lines:
            return [read(line.decode()) for line in lines]
    except FileNotFoundError:
        raise ApiError(
            404, "The questions of this benchmark are gone from the data directory."
        ) from None


def _listed(benchmark: StoredFile) -> dict[str, Any]:
    return {
        "id": benchmark.id,
        "benchmark_name": benchmark.filename,
        "status": READY,
        "documents": [],
        "num_questions": benchmark.line_count,
        "bytes": benchmark.bytes,
        "created_at": iso_time(benchmark.created_at),
        "updated_at": iso_time(benchmark.created_at),
    }


routes = [
    Route("/benchmark/upload", upload, methods=["POST"]),
    Route("/benchmark/create", create, methods=["POST"]),
    Route("/benchmark/list", list_all),
    Route("/benchmark/{id}/data", data),
    Route("/benchmark/{id}", delete, methods=["DELETE"]),
]
