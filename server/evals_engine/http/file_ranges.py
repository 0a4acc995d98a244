"""Answers with a stored file, or with a range of its bytes."""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping

from starlette.concurrency import iterate_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import FileResponse, Response, StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from evals_engine.errors import ApiError
from evals_engine.store.errors import StorageError
from evals_engine.store.protocols import Files
from evals_engine.store.records import StoredFile

CHUNK_BYTES = 256 * 1024
"""Bytes that are sent at once of a file that is not in the file system."""

_RANGE = re.compile(r"bytes=(\d*)-(\d*)\s*", re.IGNORECASE | re.ASCII)


def file_response(
    files: Files, file: StoredFile, media_type: str, headers: Mapping[str, str]
) -> Response:
    """Return the answer with a file, or with the range of its bytes that a request wants."""
    path = files.path_of(file.id)
    if path is not None:
        return RangedFile(path, media_type=media_type, headers=headers)
    return RangedStream(files, file, media_type, headers)


class RangedFile(FileResponse):
    """Serves byte ranges; answers unsatisfiable ones with an `ApiError`, not with plain text.

    Raises ApiError before anything is sent: 400 for a malformed range, 416 for a range beyond the
    end of the file.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the file or the range."""

        async def checked(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] >= 400:
                raise _range_error(message)
            await send(message)

        await super().__call__(scope, receive, checked)


class RangedStream(Response):
    """Serves a file that is not in the file system, or one range of its bytes.

    Of several ranges it sends the whole file, as HTTP allows. Raises the errors of `RangedFile`.
    """

    def __init__(
        self, files: Files, file: StoredFile, media_type: str, headers: Mapping[str, str]
    ) -> None:
        super().__init__(media_type=media_type)
        self._files, self._file = files, file
        # The bytes of a file never change, so its id is a tag of them.
        self._sent = {**headers, "Accept-Ranges": "bytes", "ETag": f'"{file.id}"'}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the file or the range."""
        headers, size = Headers(scope=scope), self._file.bytes
        wanted = headers.get("range")
        if headers.get("if-range", self._sent["ETag"]) != self._sent["ETag"]:
            wanted = None
        span = None if wanted is None else _span(wanted, size)
        first, end = span or (0, size)
        sent = {**self._sent, "Content-Length": str(end - first)}
        if span is not None:
            sent["Content-Range"] = f"bytes {first}-{end - 1}/{size}"
        status = 200 if span is None else 206
        if scope["method"] == "HEAD":
            response = Response(None, status, sent, self.media_type)
        else:
            chunks = iterate_in_threadpool(self._chunks(first, end))
            response = StreamingResponse(chunks, status, sent, self.media_type)
        await response(scope, receive, send)

    def _chunks(self, first: int, end: int) -> Generator[bytes]:
        with self._files.open(self._file.id, first) as stream:
            while chunk := stream.read(min(CHUNK_BYTES, end - first)):
                first += len(chunk)
                yield chunk
        if first < end:
            raise StorageError(f"The file {self._file.id} was deleted while it was read.")


def _span(wanted: str, size: int) -> tuple[int, int] | None:
    """Return the first byte of a range and the byte after its last one; None for all bytes.

    Raises ApiError: 400 for a malformed range, 416 for one beyond the end of the file.
    """
    if wanted.count(",") and wanted.lower().startswith("bytes="):
        return None
    match = _RANGE.fullmatch(wanted)
    if match is None or not (match[1] or match[2]):
        raise _refused_range(400, None)
    if match[1]:
        first, end = int(match[1]), min(int(match[2] or size) + 1, size)
    else:
        first, end = max(size - int(match[2]), 0), size
    if first >= size:
        raise _refused_range(416, f"bytes */{size}")
    if first >= end:
        raise _refused_range(400, None)
    return first, end


def _range_error(message: Message) -> ApiError:
    size = Headers(raw=message["headers"]).get("content-range")
    return _refused_range(message["status"], size)


def _refused_range(status: int, size: str | None) -> ApiError:
    advice = (
        f"the file has {size.removeprefix('bytes */')} bytes" if size else "write bytes=FIRST-LAST"
    )
    error = ApiError(status, f"Range: {advice}.", param="Range")
    error.headers = {"Content-Range": size} if size else {}
    return error
