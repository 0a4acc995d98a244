"""From a service's answer to a model of the contract, or to the error that says who must act."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import GenericAlias
from typing import Any, cast

from pydantic import TypeAdapter, ValidationError

from evals_mcp.cleaning import clean
from evals_mcp.errors import (
    BadAnswerError,
    EvalsMCPError,
    InvalidRequestError,
    OperatorError,
    TokenRefusedError,
    UnavailableError,
    UnsupportedError,
)
from evals_mcp.providers.service import Service
from evals_mcp.providers.subjects import subject_of
from evals_schemas.operations import Operation


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
class Asked:
    """What a reply answers, as far as a message about it needs to know."""

    service: Service
    operation: Operation
    item_id: str | None = None
    secrets: frozenset[str] = frozenset()
    """Keys that were in the request; no message repeats them."""

    def wrong_answer(self, what: str) -> BadAnswerError:
        """The error for an answer that is not the contract."""
        return BadAnswerError(
            f"{self.service} {what}. If this stays so, whoever set the server up should check the "
            f"setting {self.service.base_url_setting}."
        )


def read(reply: Reply, asked: Asked) -> Any:
    """The model, or list of models, that the operation answers.

    A null is read as an absence, and so are NaN and infinities: services send all of them.

    Raises:
        BadAnswerError: the body is a page, broken off, or not of the operation's shape.
    """
    if reply.is_page:
        raise asked.wrong_answer("answered with a web page instead of JSON")
    try:
        value = _without_nulls(json.loads(reply.body, parse_constant=_absent))
    except (ValueError, RecursionError):
        problem = f"answered {asked.operation.name} with something that is not complete JSON"
    else:
        try:
            return _adapter(asked.operation).validate_python(value)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            found = f"{clean(where, 80) or 'the body'}: {clean(first['msg'], 120)}"
            problem = f"answered {asked.operation.name} with JSON of another shape ({found})"
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


def refusal(reply: Reply, asked: Asked) -> EvalsMCPError:
    """The error for an answer that is no success and that trying again would not change."""
    service, status = asked.service, reply.status
    if status in {401, 403}:
        return TokenRefusedError(_token_advice(service, status))
    if status == 402:
        return OperatorError(
            f"{service} wants payment (402): the account has no credit left or has reached its "
            "spending limit. Whoever owns it must raise it; nothing was started."
        )
    if status == 404 and asked.item_id is not None:
        return subject_of(asked.operation).missing(asked.item_id)
    if status in {404, 405, 501}:
        return UnsupportedError(
            f"{service} has no {asked.operation.method} {asked.operation.path} ({status}). If it "
            f"should, check the setting {service.base_url_setting}."
        )
    if 400 <= status < 500:
        return InvalidRequestError(_vendor_reason(reply, asked))
    redirect = " and a redirect, which is not followed" if 300 <= status < 400 else ""
    return asked.wrong_answer(f"answered {asked.operation.name} with the status {status}{redirect}")


def _token_advice(service: Service, status: int) -> str:
    if service.token is None:
        return (
            f"{service} wants a token ({status}) and none is configured: set "
            f"{service.token_setting}, then restart this server."
        )
    return (
        f"{service} does not take the configured token ({status}): put a valid one into "
        f"{service.token_setting}, then restart this server."
    )


def _vendor_reason(reply: Reply, asked: Asked) -> str:
    message, param = _vendor_message(reply)
    quoted = asked.service.quote(message, asked.secrets) or "no reason given"
    field = f" Field: {asked.service.quote(param, asked.secrets)[:80]}." if param else ""
    return f"{asked.service} refused {asked.operation.name} ({reply.status}): {quoted}{field}"


def _vendor_message(reply: Reply) -> tuple[str, str | None]:
    """Message and field of an error body: `{"error": …}` as in the contract, or `{"detail": …}`."""
    if reply.is_page:
        return "", None
    try:
        body: object = json.loads(reply.body)
    except (ValueError, RecursionError):
        return reply.body[:4096].decode(errors="replace"), None
    if not isinstance(body, dict):
        return "", None
    fields = cast("dict[str, object]", body)
    error = fields.get("error") or fields.get("detail") or fields.get("message")
    if not isinstance(error, dict):
        return (error, None) if isinstance(error, str) else ("", None)
    detail = cast("dict[str, object]", error)
    message, param = detail.get("message"), detail.get("param")
    return (
        message if isinstance(message, str) else "",
        param if isinstance(param, str) else None,
    )
