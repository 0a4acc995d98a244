"""Handlers of files: upload in one form or in two steps, list, read, download and delete."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from evals_engine.errors import ApiError, not_found
from evals_engine.http.deletion import delete_file
from evals_engine.http.engine import engine_of, owner_of
from evals_engine.http.file_forms import MAX_FORM_BYTES, FileForm, fill, form_too_large, limited
from evals_engine.http.file_ranges import file_response
from evals_engine.http.uploads import new_file, too_large
from evals_engine.store.records import BENCHMARK_PURPOSES, StoredFile
from evals_schemas.evaluation_api.files import DATASET_PURPOSE, File, FileList


async def upload(request: Request) -> Response:
    """POST /files/upload: the bytes and their description in one multipart form."""
    uploads = engine_of(request).uploads
    max_bytes = uploads.max_bytes + MAX_FORM_BYTES
    request = limited(request, max_bytes, too_large(uploads.max_bytes))
    async with uploads.part() as part:
        form = FileForm(request.headers.get("content-type", ""), part)
        await form.read(request.stream())
        if form.filename is None:
            raise ApiError(400, "file: send the data set as a multipart file part.", param="file")
        name = _text(form.fields, "file_name") or form.filename or "dataset.jsonl"
        return _json(await uploads.store_file(part, _described(request, form.fields, name)))


async def announce(request: Request) -> Response:
    """POST /files: announce a file; the answer is a 302 to the URL to PUT the bytes to."""
    engine = engine_of(request)
    async with limited(request, MAX_FORM_BYTES, form_too_large()).form() as form:
        name = _text(form, "file_name")
        if not name:
            raise ApiError(400, "file_name: name the file, ending in .jsonl or .csv.")
        announced = replace(_described(request, form, name), upload_key=secrets.token_urlsafe(32))
    await to_thread.run_sync(engine.store.add_file, announced)
    target = f"{request.url.path.rstrip('/')}/{announced.id}/uploads/{announced.upload_key}"
    location = str(request.url.replace(path=target, query=""))
    headers = {"Location": location, "X-Together-File-Id": announced.id}
    return Response(status_code=302, headers=headers)


async def receive(request: Request) -> Response:
    """PUT /files/{id}/uploads/{key}: the bytes of an announced file; the key is valid once.

    The key replaces the token. A request with the token of another owner is refused.
    """
    engine = engine_of(request)
    uploads = engine.uploads
    file_id, key = request.path_params["id"], request.path_params["key"]
    awaited: StoredFile | None = await to_thread.run_sync(engine.store.awaited_file, file_id, key)
    if awaited is None or request.scope["owner"] not in {None, awaited.owner}:
        raise not_found("awaited file", file_id)
    async with uploads.part() as part:
        request = limited(request, uploads.max_bytes, too_large(uploads.max_bytes))
        await fill(part, request.stream())
        await uploads.store_file(part, awaited)
    return Response(status_code=200)


async def list_all(request: Request) -> Response:
    """GET /files."""
    files = await to_thread.run_sync(engine_of(request).store.list_files, owner_of(request))
    listing = FileList(data=[_file(file) for file in files])
    return JSONResponse(listing.model_dump(mode="json"))


async def read(request: Request) -> Response:
    """GET /files/{id}, and POST /files/{id}/preprocess, the last request of the vendor's SDK."""
    return _json(await _find(request))


async def content(request: Request) -> Response:
    """GET /files/{id}/content: all bytes or a range."""
    file = await _find(request)
    files = engine_of(request).store.files
    if not await to_thread.run_sync(files.exists, file.id):
        raise ApiError(410, "The bytes of this file are gone from the data directory.")
    return file_response(
        files,
        file,
        media_type="text/csv" if file.kind == "csv" else "application/jsonl",
        headers={"Content-Disposition": f"attachment; filename*=UTF-8''{quote(file.filename)}"},
    )


async def delete(request: Request) -> Response:
    """DELETE /files/{id}: refused while an unfinished evaluation needs the file."""
    return await delete_file(request, await _find(request))


async def _find(request: Request) -> StoredFile:
    file_id = request.path_params["id"]
    file = await to_thread.run_sync(engine_of(request).store.get_file, file_id, owner_of(request))
    if file is None or file.upload_key is not None or file.purpose in BENCHMARK_PURPOSES:
        raise not_found("file", file_id)
    return file


def _described(request: Request, form: Mapping[str, object], name: str) -> StoredFile:
    purpose = _text(form, "purpose") or DATASET_PURPOSE
    if purpose != DATASET_PURPOSE:
        raise ApiError(400, "purpose: this service stores only data sets; send eval.")
    now = engine_of(request).clock()
    file = new_file(owner_of(request), name, purpose, now)
    return replace(file, kind="csv") if _text(form, "file_type") == "csv" else file


def _text(form: Mapping[str, object], field: str) -> str:
    value = form.get(field)
    return value if isinstance(value, str) else ""


def _file(stored: StoredFile) -> File:
    fields: dict[str, Any] = {
        "id": stored.id,
        "created_at": int(stored.created_at),
        "filename": stored.filename,
        "bytes": stored.bytes,
        "purpose": stored.purpose,
        "FileType": stored.kind,
        "LineCount": stored.line_count,
        "processing_status": "COMPLETED",
    }
    return File.model_validate(fields)


def _json(stored: StoredFile) -> Response:
    return JSONResponse(_file(stored).model_dump(mode="json"))


routes = [
    Route("/files/upload", upload, methods=["POST"]),
    Route("/files", announce, methods=["POST"]),
    Route("/files", list_all),
    Route("/files/{id}/uploads/{key}", receive, methods=["PUT"]),
    Route("/files/{id}/preprocess", read, methods=["POST"]),
    Route("/files/{id}/content", content),
    Route("/files/{id}", read),
    Route("/files/{id}", delete, methods=["DELETE"]),
]
