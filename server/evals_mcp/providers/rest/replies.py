"""Reads a service's answer into a model of the contract."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import GenericAlias
from typing import Any, cast

from pydantic import TypeAdapter, ValidationError

from evals_mcp.cleaning import inert
from evals_mcp.errors import BadAnswerError, UnavailableError
from evals_mcp.providers.rest.operation_words import in_plain_words
from evals_mcp.providers.rest.service import Service
from evals_schemas.contract import Operation

_MISFITS = {
    "missing": "is missing",
    "model_type": "is not an object",
    "dict_type": "is not an object",
    "list_type": "is not a list",
    "string_type": "is not a text",
}
"""Problems of a part of an answer, by pydantic's name of the error."""


class LostAnswerError(UnavailableError):
    """A change may have arrived, but its answer is lost or unreadable.

    Raised after a lost connection, a timeout, a 5xx or an unreadable success. The caller must find
    out whether the change was made.
    """


@dataclass(frozen=True)
class Reply:
    """A complete answer."""

    status: int
    headers: Mapping[str, str]
    """Headers; their names are matched in any case."""
    body: bytes

    @property
    def is_page(self) -> bool:
        """Whether the body is a web page, so that a proxy or a portal answered, not the API."""
        kind = self.headers.get("content-type", "").lower()
        return "text/html" in kind or self.body[:64].lstrip().startswith(b"<")


@dataclass(frozen=True)
class RequestContext:
    """The request that a reply answers, for messages."""

    service: Service
    operation: Operation
    item_id: str | None = None
    body: object = None
    """The request's JSON."""

    @property
    def secrets(self) -> frozenset[str]:
        """Keys in the request, which no message may repeat."""
        return frozenset(_keys_in(self.body))

    def answered(self, what: str) -> str:
        """Return what was requested and how the service answered; continues its name."""
        return f"was asked to {in_plain_words(self.operation)} and answered {what}"

    def wrong_answer(self, what: str) -> BadAnswerError:
        """Return the error for an answer that is not what the contract defines."""
        return BadAnswerError(
            f"{self.service} {what}. If this persists, ask the administrator to check the "
            f"setting {self.service.base_url_setting}."
        )


def read(reply: Reply, context: RequestContext) -> Any:
    """Return the operation's answer as a model or a list of models.

    Null, NaN and infinities count as absent: services send all of them.

    Raises:
        BadAnswerError: the body is a web page, incomplete, or not of the operation's form.
    """
    if reply.is_page:
        raise context.wrong_answer(context.answered("with a web page instead of JSON"))
    try:
        value = _without_nulls(json.loads(reply.body, parse_constant=_absent))
    except (ValueError, RecursionError):
        problem = context.answered("with incomplete or invalid JSON")
    else:
        try:
            return _adapter(context.operation).validate_python(value)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = inert(".".join(str(part) for part in first["loc"]), 80) or "the body"
            mismatch = f"{where} {_MISFITS.get(first['type'], 'has another form')}"
            problem = context.answered(f"with JSON of another form ({mismatch})")
    # Raised outside of the handlers, so that no traceback contains the answer.
    raise context.wrong_answer(problem)


def _absent(_constant: str) -> None:
    return None


def _without_nulls(value: object) -> object:
    if isinstance(value, dict):
        items = cast("dict[str, object]", value).items()
        return {key: _without_nulls(below) for key, below in items if below is not None}
    if isinstance(value, list):
        return [_without_nulls(below) for below in cast("list[object]", value)]
    return value


@lru_cache
def _adapter(operation: Operation) -> TypeAdapter[Any]:
    """Return the validator of an operation's answers; the operation must answer JSON."""
    assert operation.answers is not None
    answers: Any = GenericAlias(list, (operation.answers,))
    return TypeAdapter[Any](answers if operation.as_list else operation.answers)


def _keys_in(value: object) -> list[str]:
    """Return the keys of external models in a request's body."""
    if not isinstance(value, dict):
        return []
    fields = cast("dict[str, object]", value)
    key = fields.get("external_api_token")
    keys = [key] if isinstance(key, str) else []
    return keys + [key for below in fields.values() for key in _keys_in(below)]
