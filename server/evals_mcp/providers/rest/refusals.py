"""From a service's refusal to the error that says who must act."""

from __future__ import annotations

import json
import re
from typing import cast

from evals_mcp.errors import (
    EvalsMCPError,
    InvalidRequestError,
    NotFoundError,
    OperatorError,
    TokenRefusedError,
    UnsupportedError,
)
from evals_mcp.providers.rest.ids import id_kind_of
from evals_mcp.providers.rest.operation_words import in_plain_words, tool_field, tool_of
from evals_mcp.providers.rest.replies import Reply, RequestContext
from evals_mcp.providers.rest.service import Service
from evals_schemas.contract import Operation
from evals_schemas.reasons import Reason


def refusal(reply: Reply, asked: RequestContext) -> EvalsMCPError:
    """The error for an answer that is no success and that trying again would not change."""
    service, status = asked.service, reply.status
    if status in {401, 402, 403, 507}:
        return _for_the_operator(service, status, asked.operation)
    if status == 404 and asked.item_id is not None:
        return id_kind_of(asked.operation).missing(
            asked.item_id, by_token=service.token is not None
        )
    if status == 404 and asked.body is not None and _names_something(reply):
        return NotFoundError(_refusal_text(reply, asked))
    if status in {404, 405, 501}:
        return UnsupportedError(
            f"{service} has no {asked.operation.method} {asked.operation.path} ({status}), which "
            f"is how to {in_plain_words(asked.operation)}. If it should, check the setting "
            f"{service.base_url_setting}."
        )
    if 400 <= status < 500:
        return InvalidRequestError(_refusal_text(reply, asked))
    redirect = " and a redirect, which is not followed" if 300 <= status < 400 else ""
    return asked.wrong_answer(asked.answered(f"with the status {status}{redirect}"))


def vendor_reason(reply: Reply, asked: RequestContext) -> str:
    """Why a service refuses for now, in its own words; empty without an error body that says it."""
    if reply.is_page or not reply.body.lstrip().startswith(b"{"):
        return ""
    message, _ = _vendor_message(reply)
    return asked.service.quote(message, asked.secrets).rstrip(".")


def _names_something(reply: Reply) -> bool:
    """Whether a 404 is about what the request names; a path that is not there says less."""
    message, _ = _vendor_message(reply)
    return len(message.split()) > 2


def _for_the_operator(service: Service, status: int, operation: Operation) -> OperatorError:
    if status == 402:
        return OperatorError(
            f"{service} wants payment (402): the account has no credit left or has reached its "
            "spending limit. The account's owner must raise it; nothing was started.",
            Reason.NOTHING_STARTED,
        )
    if status == 507:
        # A service that says so has written nothing: the answer is certain.
        return OperatorError(
            f"{service} cannot write (507): the disk of its data directory (setting "
            "local.data_dir) is full or refuses. Nothing was stored. Whoever runs it frees space; "
            f"then call {tool_of(operation)} again."
        )
    return TokenRefusedError(_token_advice(service, status))


def _token_advice(service: Service, status: int) -> str:
    if service.token is None:
        return (
            f"{service} wants a token ({status}) and none is configured: set "
            f"{service.token_setting}, then restart this server."
        )
    if service.remedy is not None:
        return f"{service} does not take the key ({status}): {service.remedy}."
    return (
        f"{service} does not take the configured token ({status}): put a valid one into "
        f"{service.token_setting}, then restart this server."
    )


def _refusal_text(reply: Reply, asked: RequestContext) -> str:
    """The service's words, after the field that they are about, which is named once."""
    message, param = _vendor_message(reply)
    quoted = asked.service.quote(message, asked.secrets) or "no reason given"
    start = f"{asked.service} refused to {in_plain_words(asked.operation)} ({reply.status}): "
    quoted = re.sub(r"\bparameters\.(?=\w)", "", quoted)
    if param:
        path = asked.service.quote(param, asked.secrets)[:80].removeprefix("parameters.")
        quoted = re.sub(rf"^{re.escape(path)}(, |: )", "", quoted)
        start += f"`{tool_field(path, asked.body)}`: "
    return f"{start}{quoted.rstrip('.')}.{_advice(reply.status, asked)}"


def _advice(status: int, asked: RequestContext) -> str:
    """What to do about a refusal whose status says more than its words may."""
    if status == 409:
        return f" Call {id_kind_of(asked.operation).list_tool} to see what state it is in."
    return " What was sent is too large for the service: send less." if status == 413 else ""


def _vendor_message(reply: Reply) -> tuple[str, str | None]:
    """Message and field of an error body: `{"error": …}` as in the contract, or `{"detail": …}`.

    A list of details (`{"loc": …, "msg": …}`, as some frameworks answer a 422) is told by its
    first.
    """
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
    if isinstance(error, list):
        error = next(iter(cast("list[object]", error)), None)
    if not isinstance(error, dict):
        return (error, None) if isinstance(error, str) else ("", None)
    detail = cast("dict[str, object]", error)
    message = detail.get("message") or detail.get("msg")
    param = detail.get("param") or _path(detail.get("loc"))
    return (
        message if isinstance(message, str) else "",
        param if isinstance(param, str) else None,
    )


def _path(loc: object) -> str | None:
    steps = cast("list[object]", loc) if isinstance(loc, list) else []
    return ".".join(str(step) for step in steps if step != "body") or None
