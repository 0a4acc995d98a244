"""Messages between the engine and a worker process: length-prefixed JSON.

JSON and not pickle, because what a worker answers may come from foreign code.
"""

from __future__ import annotations

import json
import struct
from typing import Any, BinaryIO

LENGTH = struct.Struct("<I")

MAX_FRAME = 64 * 1024 * 1024
"""The longest message in bytes; a longer answer ends the worker that gives it."""

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def encoded(value: Any) -> bytes:
    """Return a value as JSON.

    Raises:
        ValueError: the value contains itself.
        RecursionError: the value is nested too deeply.
    """
    return _encode(value).encode("utf-8", "surrogatepass")


def written_frame(message: Any) -> bytes:
    """Return a JSON value as a frame."""
    return framed(encoded(message))


def framed(body: bytes) -> bytes:
    """Return encoded JSON as a frame."""
    return LENGTH.pack(len(body)) + body


def read_body(body: bytes) -> Any:
    """Return the JSON value in the body of a frame."""
    return json.loads(body.decode("utf-8", "surrogatepass"))


def read_frame(stream: BinaryIO) -> Any:
    """Read the next frame of a blocking stream.

    Raises:
        EOFError: the stream has ended.
    """
    (length,) = LENGTH.unpack(_exactly(stream, LENGTH.size))
    return read_body(_exactly(stream, length))


def _exactly(stream: BinaryIO, size: int) -> bytes:
    content = stream.read(size)
    if len(content) < size:
        raise EOFError
    return content
