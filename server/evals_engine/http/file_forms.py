"""Forms that bring a file: the fields are small and kept, the file goes straight to its part."""

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
from evals_engine.http.uploads import Part

MAX_FORM_BYTES = 64 * 1024
"""What a form may have besides its file: its fields, their headers, the lines between."""

SLOWEST_PACE = 1024
"""Bytes a second that a body must bring once its first while is over."""


def limited(request: Request, max_bytes: int, error: ApiError) -> Request:
    """The same request, whose body must not be larger, and must not trickle.

    It raises the error as soon as the body is known to be too large: at once where it announces its
    length, or else when that many bytes have come. It raises ApiError 408 when more has been waited
    for it than `body_seconds` of the configuration, and a second for each KiB that came.
    """
    # What is left of the body is not waited for: the connection ends with the answer.
    slow = ApiError(408, "The body comes too slowly; send it again, at a stretch.")
    error.headers = slow.headers = {"Connection": "close"}
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and float(announced) > max_bytes:
        raise error
    size = 0
    patience: float = request.app.state.engine.config.body_seconds

    async def receive() -> Message:
        nonlocal size, patience
        began = anyio.current_time()
        with anyio.move_on_after(max(patience, 0)):
            message = await request.receive()
            came = len(message.get("body", b""))
            size += came
            patience += came / SLOWEST_PACE - (anyio.current_time() - began)
            if size > max_bytes:
                raise error
            return message
        raise slow

    return Request(request.scope, receive)


async def fill(part: Part, chunks: AsyncIterable[bytes]) -> None:
    """Write a body as it comes. Raises ApiError 413 as `Part.write` does."""
    async for chunk in chunks:
        await to_thread.run_sync(part.write, chunk)


class FileForm:
    """A multipart form with one part named `file`."""

    def __init__(self, content_type: str, part: Part) -> None:
        """Begin to read a form.

        Raises:
            ApiError: 400, the content type is not that of a multipart form.
        """
        self.fields: dict[str, str] = {}
        """The values of the other parts, by name."""
        self.filename: str | None = None
        """What the client calls the file: "" when it gives no name, None until a file came."""
        self._part = part
        self._kept = 0
        self._ended = False
        kind, options = parse_options_header(content_type)
        boundary = options.get(b"boundary")
        if kind != b"multipart/form-data" or not boundary:
            raise _malformed("send multipart/form-data with a boundary")
        try:
            self._parser = self._parser_for(boundary)
        except FormParserError:
            raise _malformed("the boundary of the multipart form is too long") from None
        self._begin()

    async def read(self, chunks: AsyncIterator[bytes]) -> None:
        """Take the whole form.

        Raises:
            ApiError: 400, it is not as a form must be, or has two files; 413, the file is too
                large, or the rest of the form is.
        """
        try:
            async for chunk in chunks:
                await to_thread.run_sync(self._parser.write, chunk)
        except FormParserError:
            raise _malformed("the multipart form is broken") from None
        if not self._ended:
            raise _malformed("the multipart form is incomplete")

    def _parser_for(self, boundary: bytes) -> MultipartParser:
        return MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": self._header_name,
                "on_header_value": self._header_value,
                "on_header_end": self._header_end,
                "on_headers_finished": self._headers_end,
                "on_part_data": self._data,
                "on_part_end": self._part_end,
                "on_end": self._end,
            },
        )

    def _begin(self) -> None:
        self._headers: dict[bytes, bytes] = {}
        self._header = b"", b""
        self._name = ""
        self._value = bytearray()
        self._is_file = False

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._header = self._header[0] + self._keep(data, start, end), self._header[1]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._header = self._header[0], self._header[1] + self._keep(data, start, end)

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
            self._value += self._keep(data, start, end)

    def _keep(self, data: bytes, start: int, end: int) -> bytes:
        self._kept += end - start
        if self._kept > MAX_FORM_BYTES:
            raise form_too_large()
        return data[start:end]

    def _part_end(self) -> None:
        if not self._is_file:
            self.fields[self._name] = self._value.decode("utf-8", "replace")

    def _end(self) -> None:
        self._ended = True


def form_too_large() -> ApiError:
    """The answer to a form whose fields are too long."""
    return ApiError(413, f"The fields of the form are larger than {MAX_FORM_BYTES} bytes.")


def _malformed(reason: str) -> ApiError:
    return ApiError(400, f"file: {reason}.", param="file")
