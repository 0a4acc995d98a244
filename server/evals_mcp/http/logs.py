"""JSON lines on stderr: one a request, one a tool call. No argument, key or body is in any."""

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
_GIVEN_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
"""The id of the request that is being answered; None outside of any."""


class JsonLines(logging.Formatter):
    """A record as one line of JSON: time, level, logger, message, and what `fields` adds."""

    def format(self, record: logging.LogRecord) -> str:
        """See the class. A traceback becomes part of the message."""
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
    """Write every record as a line of JSON, access and audit lines whatever the level is."""
    for handler in logging.getLogger().handlers:
        handler.setFormatter(JsonLines())
    for logger in (access, audit):
        logger.setLevel(logging.INFO)


class AccessLog:
    """Gives each request an id, answers with it, and logs how it went."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and log it when it has been answered or has broken off."""
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
    """One access line. The path is left out: it may hold anything."""
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
    """One audit line: who called which tool, and how it ended."""
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
    """The id that a proxy gave, where it looks like one, else a new one."""
    given = dict(scope["headers"]).get(REQUEST_ID.lower().encode(), b"").decode("latin-1")
    return given if _GIVEN_ID.fullmatch(given) else secrets.token_hex(8)
