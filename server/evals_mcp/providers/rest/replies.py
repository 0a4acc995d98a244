"""From a service's answer to a model of the contract."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import GenericAlias
from typing import Any, cast

from pydantic import TypeAdapter, ValidationError

from evals_mcp.cleaning import clean
from evals_mcp.errors import BadAnswerError, UnavailableError
from evals_mcp.providers.rest.operation_words import in_plain_words
from evals_mcp.providers.rest.service import Service
from evals_schemas.contract import Operation

_MISFITS = {
    "missing": "is missing",
    "model_type": "is no object",
    "dict_type": "is no object",
    "list_type": "is no list",
    "string_type": "is no text",
}
"""What is wrong with a part of an answer, by pydantic's name for it."""


class LostAnswerError(UnavailableError):
    """A request that changes something may have arrived, and its answer does not tell.

    Raised for a lost connection, a timeout, a 5xx and an unreadable success of a request that is
    sent once. Whoever made the request finds out what became of it.
    """


@dataclass(frozen=True)
class Reply:
    """A complete answer."""

    status: int
    headers: Mapping[str, str]
    """Looked up without regard to case."""
    body: bytes

    @property
    def is_page(self) -> bool:
        """Whether it is a web page: a proxy or a portal answered, not the API."""
        kind = self.headers.get("content-type", "").lower()
        return "text/html" in kind or self.body[:64].lstrip().startswith(b"<")


@dataclass(frozen=True)
class RequestContext:
    """What a reply answers, as far as a message about it needs to know."""

    service: Service
    operation: Operation
    item_id: str | None = None
    body: object = None
    """The request's JSON."""

    @property
    def secrets(self) -> frozenset[str]:
        """Keys that were in the request; no message repeats them."""
        return frozenset(_keys_in(self.body))

    def answered(self, what: str) -> str:
        """What the service was asked for and did instead; continues the service's name."""
        return f"was asked to {in_plain_words(self.operation)} and answered {what}"

    def wrong_answer(self, what: str) -> BadAnswerError:
        """The error for an answer that is not the contract."""
        return BadAnswerError(
            f"{self.service} {what}. If this stays so, whoever set the server up should check the "
            f"setting {self.service.base_url_setting}."
        )


def read(reply: Reply, asked: RequestContext) -> Any:
    """The model, or list of models, that the operation answers.

    A null is read as an absence, and so are NaN and infinities: services send all of them.

    Raises:
        BadAnswerError: the body is a page, broken off, or not of the operation's shape.
    """
    if reply.is_page:
        raise asked.wrong_answer(asked.answered("with a web page instead of JSON"))
    try:
        value = _without_nulls(json.loads(reply.body, parse_constant=_absent))
    except (ValueError, RecursionError):
        problem = asked.answered("with something that is not complete JSON")
    else:
        try:
            return _adapter(asked.operation).validate_python(value)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = clean(".".join(str(part) for part in first["loc"]), 80) or "the body"
            found = f"{where} {_MISFITS.get(first['type'], 'is of another form')}"
            problem = asked.answered(f"with JSON of another shape ({found})")
    # Outside of the handlers, so that no traceback leads back to what was answered.
    raise asked.wrong_answer(problem)


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
    """The reader of an operation's answers. Only operations that answer JSON come here."""
    assert operation.answers is not None
    answers: Any = GenericAlias(list, (operation.answers,))
    return TypeAdapter[Any](answers if operation.as_list else operation.answers)


def _keys_in(value: object) -> list[str]:
    """The keys of external models in a request's body."""
    if not isinstance(value, dict):
        return []
    fields = cast("dict[str, object]", value)
    own = fields.get("external_api_token")
    found = [own] if isinstance(own, str) else []
    return found + [key for below in fields.values() for key in _keys_in(below)]
