"""JSON lines on stderr for each request and tool call, without arguments, keys or bodies."""

from __future__ import annotations

import json
import logging
import re
import secrets
import time
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from evals_mcp.principals import SCOPE, Principal
from evals_mcp.server import CallRecord

access = logging.getLogger("evals_mcp.access")
audit = logging.getLogger("evals_mcp.audit")

REQUEST_ID = "X-Request-Id"
_VALID_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
"""Id of the current request; None outside a request."""


class JsonLines(logging.Formatter):
    """Formats a record as one line of JSON: time, level, logger, message, and `fields`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line. A traceback becomes part of the message."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": super().format(record),
        }
        if (current := request_id.get()) is not None:
            line["request_id"] = current
        fields: Mapping[str, Any] | None = getattr(record, "fields", None)
        return json.dumps(line | dict(fields or {}), ensure_ascii=False, default=str)


def log_json_lines() -> None:
    """Write every record as a line of JSON; write access and audit lines at every level."""
    for handler in logging.getLogger().handlers:
        handler.setFormatter(JsonLines())
    for logger in (access, audit):
        logger.setLevel(logging.INFO)


class AccessLog:
    """Gives each request an id, returns the id in a header, and logs the request."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; log it after its answer or its abort."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        current = _id_of(scope)
        token = request_id.set(current)
        started, status = time.perf_counter(), 0

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *message.get("headers", []),
                    (REQUEST_ID.lower().encode(), current.encode()),
                ]
            await send(message)

        try:
            await self.app(scope, receive, watched)
        finally:
            log_request(scope, status, time.perf_counter() - started)
            request_id.reset(token)


def log_request(scope: Scope, status: int, seconds: float) -> None:
    """Log an access line without the path, which may contain secrets."""
    principal: Principal | None = scope.get(SCOPE)
    fields = {
        "event": "request",
        "method": scope["method"] if scope["method"] in _METHODS else "other",
        "status": status,
        "duration_ms": round(1000 * seconds, 1),
        "principal": principal.label if principal else None,
    }
    access.info("request", extra={"fields": fields})


def log_call(call: CallRecord) -> None:
    """Log an audit line: principal, tool and outcome."""
    fields = {
        "event": "tool",
        "tool": call.tool,
        "provider": call.provider,
        "principal": call.principal.label,
        "outcome": call.outcome,
        "duration_ms": round(1000 * call.seconds, 1),
    }
    audit.info("tool", extra={"fields": fields})


_METHODS = frozenset({"GET", "POST", "DELETE", "OPTIONS", "HEAD"})


def _id_of(scope: Scope) -> str:
    """Return the id that a proxy sent, if it is valid, else a new id."""
    sent = dict(scope["headers"]).get(REQUEST_ID.lower().encode(), b"").decode("latin-1")
    return sent if _VALID_ID.fullmatch(sent) else secrets.token_hex(8)
