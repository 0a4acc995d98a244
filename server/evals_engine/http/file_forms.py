"""Streams the file of a multipart form to disk; keeps the other fields in memory."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator

import anyio
from anyio import to_thread
from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header
from starlette.requests import Request
from starlette.types import Message

from evals_engine.errors import ApiError
from evals_engine.http.engine import engine_of
from evals_engine.http.uploads import PartialUpload

MAX_FORM_BYTES = 64 * 1024
"""Largest size of a form without its file: fields, headers and separator lines."""

SLOWEST_PACE = 1024
"""Bytes a second that a body must bring after the first `body_seconds`."""


def limited(request: Request, max_bytes: int, error: ApiError) -> Request:
    """Return the same request with limits on the size and the duration of its body.

    Raises the error as soon as the body is known to be too large: at once if its announced length
    is, else after too many bytes. Reading raises ApiError 408 if the waits add up to more than
    `body_seconds` of the configuration and a second for each KiB received.
    """
    # The connection closes with the answer, so that the rest of the body need not be read.
    slow = ApiError(408, "The body arrives too slowly; send it again without pauses.")
    error.headers = slow.headers = {"Connection": "close"}
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and float(announced) > max_bytes:
        raise error
    size = 0
    seconds_left = engine_of(request).config.body_seconds

    async def receive() -> Message:
        nonlocal size, seconds_left
        start = anyio.current_time()
        with anyio.move_on_after(max(seconds_left, 0)):
            message = await request.receive()
            received = len(message.get("body", b""))
            size += received
            seconds_left += received / SLOWEST_PACE - (anyio.current_time() - start)
            if size > max_bytes:
                raise error
            return message
        raise slow

    return Request(request.scope, receive)


async def fill(part: PartialUpload, chunks: AsyncIterable[bytes]) -> None:
    """Write a body while it arrives. Raises ApiError 413 like `PartialUpload.write`."""
    async for chunk in chunks:
        await to_thread.run_sync(part.write, chunk)


class FileForm:
    """A multipart form with one file, in a part named `file`."""

    def __init__(self, content_type: str, part: PartialUpload) -> None:
        """Prepare for reading a form.

        Raises:
            ApiError: 400 if the content type is not multipart/form-data with a boundary.
        """
        self.fields: dict[str, str] = {}
        """Values of the other parts, by name."""
        self.filename: str | None = None
        """The client's name of the file; "" if it sent no name, None before a file has arrived."""
        self._part = part
        self._field_bytes = 0
        self._ended = False
        kind, options = parse_options_header(content_type)
        boundary = options.get(b"boundary")
        if kind != b"multipart/form-data" or not boundary:
            raise _malformed("send multipart/form-data with a boundary")
        try:
            self._parser = self._parser_for(boundary)
        except FormParserError:
            raise _malformed("the boundary of the multipart form is too long") from None
        self._start_part()

    async def read(self, chunks: AsyncIterator[bytes]) -> None:
        """Read the whole form.

        Raises:
            ApiError: 400 if the form is malformed or has two files, 413 if the file or the rest of
                the form is too large.
        """
        try:
            async for chunk in chunks:
                await to_thread.run_sync(self._parser.write, chunk)
        except FormParserError:
            raise _malformed("the multipart form is malformed") from None
        if not self._ended:
            raise _malformed("the multipart form is incomplete")

    def _parser_for(self, boundary: bytes) -> MultipartParser:
        return MultipartParser(
            boundary,
            {
                "on_part_begin": self._start_part,
                "on_header_field": self._header_name,
                "on_header_value": self._header_value,
                "on_header_end": self._header_end,
                "on_headers_finished": self._headers_end,
                "on_part_data": self._data,
                "on_part_end": self._part_end,
                "on_end": self._end,
            },
        )

    def _start_part(self) -> None:
        self._headers: dict[bytes, bytes] = {}
        self._header = b"", b""
        self._name = ""
        self._value = bytearray()
        self._is_file = False

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._header = self._header[0] + self._count(data, start, end), self._header[1]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._header = self._header[0], self._header[1] + self._count(data, start, end)

    def _header_end(self) -> None:
        name, value = self._header
        self._headers[name.lower()] = value
        self._header = b"", b""

    def _headers_end(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition"))
        self._name = options.get(b"name", b"").decode("utf-8", "replace")
        if self._name == "file" and b"filename" in options:
            if self.filename is not None:
                raise _malformed("the form has two files; send one")
            self._is_file = True
            self.filename = options[b"filename"].decode("utf-8", "replace")

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._is_file:
            self._part.write(data[start:end])
        else:
            self._value += self._count(data, start, end)

    def _count(self, data: bytes, start: int, end: int) -> bytes:
        self._field_bytes += end - start
        if self._field_bytes > MAX_FORM_BYTES:
            raise form_too_large()
        return data[start:end]

    def _part_end(self) -> None:
        if not self._is_file:
            self.fields[self._name] = self._value.decode("utf-8", "replace")

    def _end(self) -> None:
        self._ended = True


def form_too_large() -> ApiError:
    """Return the error for a form whose fields are too long."""
    return ApiError(413, f"The fields of the form are larger than {MAX_FORM_BYTES} bytes.")


def _malformed(reason: str) -> ApiError:
    return ApiError(400, f"file: {reason}.", param="file")
