"""Turns a service's refusal into the error that says who must act."""

from __future__ import annotations

import json
import re
from typing import cast

from evals_mcp.cleaning import quoted
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
from evals_mcp.providers.rest.service import QUOTED_CHARACTERS, Service
from evals_schemas.contract import Operation
from evals_schemas.reasons import Reason


def refusal(reply: Reply, context: RequestContext) -> EvalsMCPError:
    """Return the error for a failed answer that no further try would change."""
    service, status = context.service, reply.status
    if status in {401, 402, 403, 507}:
        return _for_the_operator(service, status, context.operation)
    if status == 404 and context.item_id is not None:
        return id_kind_of(context.operation).missing(
            context.item_id, by_token=service.token is not None and service.owner is None
        )
    if status == 404 and context.body is not None and _names_a_missing_item(reply):
        return NotFoundError(_refusal_text(reply, context))
    if status in {404, 405, 501}:
        return UnsupportedError(
            f"{service} has no {context.operation.method} {context.operation.path} ({status}), "
            f"needed to {in_plain_words(context.operation)}. If it should have one, check the "
            f"setting {service.base_url_setting}."
        )
    if 400 <= status < 500:
        return InvalidRequestError(_refusal_text(reply, context))
    redirect = " and a redirect, which is not followed" if 300 <= status < 400 else ""
    return context.wrong_answer(context.answered(f"with the status {status}{redirect}"))


def vendor_reason(reply: Reply, context: RequestContext) -> str:
    """Return the service's own reason for a temporary refusal; empty without an error body."""
    if reply.is_page or not reply.body.lstrip().startswith(b"{"):
        return ""
    message, _ = _vendor_message(reply)
    return context.service.quote(message, context.secrets).rstrip(".")


def _names_a_missing_item(reply: Reply) -> bool:
    """Return whether a 404 is about an item in the request; an unknown path has fewer words."""
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
        # A 507 proves that nothing was written.
        return OperatorError(
            f"{service} cannot write (507): the disk of its data directory (setting "
            "local.data_dir) is full or not writable. Nothing was stored. Ask the administrator to "
            f"free space; then call {tool_of(operation)} again."
        )
    return TokenRefusedError(_token_advice(service, status))


def _token_advice(service: Service, status: int) -> str:
    if service.token is None:
        return (
            f"{service} requires a token ({status}), but none is configured: set "
            f"{service.token_setting}, then restart this server."
        )
    if service.remedy is not None:
        return f"{service} does not accept the key ({status}): {service.remedy}."
    return (
        f"{service} does not accept the configured token ({status}): put a valid one into "
        f"{service.token_setting}, then restart this server."
    )


def _refusal_text(reply: Reply, context: RequestContext) -> str:
    """Return the service's message after the tools' name of the field that it is about."""
    message, param = _vendor_message(reply)
    reason = context.service.quote(message, context.secrets)
    start = f"{context.service} refused to {in_plain_words(context.operation)} ({reply.status}): "
    reason = re.sub(r"\bparameters\.(?=\w)", "", reason)
    if param:
        path = context.service.quote(param, context.secrets)[:80].removeprefix("parameters.")
        reason = re.sub(rf"^{re.escape(path)}(, |: )", "", reason)
        start += f"`{tool_field(path, context.body)}`: "
    given = quoted(reason.rstrip("."), QUOTED_CHARACTERS) if reason else "no reason given"
    return f"{start}{given}.{_advice(reply.status, context)}"


def _advice(status: int, context: RequestContext) -> str:
    """Return advice for a status that says what to do, as a further sentence; else empty."""
    if status == 409:
        return f" Call {id_kind_of(context.operation).list_tool} to see its current state."
    return " The request is too large for the service: send less." if status == 413 else ""


def _vendor_message(reply: Reply) -> tuple[str, str | None]:
    """Return message and field of an error body: `{"error": …}` as in the contract, or `detail`.

    Some frameworks answer a 422 with a list of `{"loc": …, "msg": …}`; its first item counts.
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
