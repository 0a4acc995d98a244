"""Cursors: where a list goes on, bound to the query they came from. Opaque, and no permission."""

from __future__ import annotations

import base64
import binascii
import json
from hashlib import blake2b
from typing import Any, cast

from evals_mcp.errors import InvalidRequestError


def write_cursor(query: object, place: object) -> str:
    """A cursor for what follows `place` in the answer to `query`; both are JSON values."""
    text = json.dumps([_mark(query), place], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(query: object, cursor: str) -> Any:
    """The place in a cursor.

    Raises:
        InvalidRequestError: it is none, or belongs to another query.
    """
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        found: object = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, binascii.Error, RecursionError):
        found = None
    if not isinstance(found, list) or len(cast("list[object]", found)) != 2:
        raise InvalidRequestError(
            "`cursor` is none of this server's: copy next_cursor of the page before unchanged, or "
            "leave it out."
        )
    mark, place = cast("list[object]", found)
    if mark != _mark(query):
        raise InvalidRequestError(
            "`cursor` belongs to a call with other filters, or to a list that has grown since: "
            "repeat the call it came from without `cursor`."
        )
    return place


def _mark(query: object) -> str:
    return blake2b(json.dumps(query, sort_keys=True).encode(), digest_size=6).hexdigest()
