"""Reads an issuer's JSON documents within fixed limits of bytes."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from typing import Any, cast

import httpx2

MAX_BYTES = 512 * 1024
"""Largest document in bytes, before and after decompression."""

_HEADERS = {"Accept": "application/json", "Accept-Encoding": "gzip"}


class DocumentError(Exception):
    """A document cannot be read, is too large, or is not a JSON object."""


async def read_document(client: httpx2.AsyncClient, url: str) -> Mapping[str, Any]:
    """Return the JSON object at a URL; redirects are not followed.

    The time is limited by the caller, because a limit for each read does not end a slow stream.

    Raises:
        DocumentError: there is no such object, or it is larger than `MAX_BYTES`.
    """
    try:
        async with client.stream("GET", url, headers=_HEADERS, follow_redirects=False) as answer:
            if not answer.is_success:
                raise DocumentError
            body = await _bounded(answer)
        document: object = json.loads(body)
    # A client that was closed raises RuntimeError.
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError, RecursionError, RuntimeError):
        raise DocumentError from None
    if not isinstance(document, dict):
        raise DocumentError
    return cast("Mapping[str, Any]", document)


async def _bounded(answer: httpx2.Response) -> bytes:
    """Return the decompressed body. A compressed one is never decompressed beyond the limit."""
    raw = bytearray()
    async for block in answer.aiter_raw():
        raw += block
        if len(raw) > MAX_BYTES:
            raise DocumentError
    encoding = answer.headers.get("content-encoding", "identity").strip().lower()
    if encoding == "identity":
        return bytes(raw)
    if encoding != "gzip":
        raise DocumentError
    decompressor = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        body = decompressor.decompress(bytes(raw), MAX_BYTES + 1)
    except zlib.error:
        raise DocumentError from None
    if len(body) > MAX_BYTES or not decompressor.eof:
        raise DocumentError
    return body
