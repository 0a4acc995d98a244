"""Cursors, which continue a list and are valid for one query. They grant no access."""

from __future__ import annotations

import base64
import binascii
import json
from hashlib import blake2b
from typing import Any, cast

from evals_mcp.errors import InvalidRequestError
from evals_mcp.providers.rest.ids import own_id_of


def write_cursor(query: object, position: object) -> str:
    """Return a cursor for what follows `position` in the answer to `query`; both JSON values."""
    text = json.dumps([_digest(query), position], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(query: object, cursor: str) -> Any:
    """The place in a cursor.

    Raises:
        InvalidRequestError: the text is not a cursor, or belongs to another query.
    """
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        parts: object = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, binascii.Error, RecursionError):
        parts = None
    if not isinstance(parts, list) or len(cast("list[object]", parts)) != 2:
        raise InvalidRequestError(
            "`cursor` is not one of this server's: copy next_cursor of the previous page "
            "unchanged, or leave it out."
        )
    digest, position = cast("list[object]", parts)
    if digest not in {_digest(query), _raw_digest(query)}:
        raise InvalidRequestError(
            "`cursor` belongs to a call with other filters, or to a list that has grown since: "
            "repeat the call that returned it, without `cursor`."
        )
    return position


def _digest(query: object) -> str:
    """Return a hash of a query that does not depend on which services are configured."""
    return _raw_digest(_with_own_ids(query))


def _raw_digest(query: object) -> str:
    """Return a hash of a query as it stands, which earlier versions wrote into cursors."""
    return blake2b(json.dumps(query, sort_keys=True).encode(), digest_size=6).hexdigest()


def _with_own_ids(query: object) -> object:
    """Return the query without the names of services before its ids."""
    match query:
        case str():
            return own_id_of(query)
        case dict():
            fields = cast("dict[str, object]", query)
            return {name: _with_own_ids(value) for name, value in fields.items()}
        case list():
            return [_with_own_ids(value) for value in cast("list[object]", query)]
        case _:
            return query
