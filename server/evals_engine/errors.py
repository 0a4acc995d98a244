"""Errors on the wire: a status and the vendor's error body."""

from __future__ import annotations

import logging
import traceback
from typing import cast

from evals_schemas.errors import ErrorBody, ErrorDetail

log = logging.getLogger(__name__)


class ApiError(Exception):
    """Ends a request with a status and an error body."""

    def __init__(
        self, status: int, message: str, *, param: str | None = None, code: str | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body = ErrorBody(
            error=ErrorDetail(message=message, type=_kind(status), param=param, code=code)
        )


def not_found(what: str, value: str) -> ApiError:
    """The answer for an id that does not exist, or is not this caller's: the two look the same."""
    return ApiError(404, f"No {what} with id {value[:80]!r}.", param="id", code="not_found")


def _kind(status: int) -> str:
    if status >= 500:
        return "server_error"
    return {401: "authentication_error", 404: "not_found_error"}.get(
        status, "invalid_request_error"
    )


def log_bug(where: str, error: BaseException) -> None:
    """Log where an unexpected exception came from, not its text: that may quote a row or a key."""
    frames: list[str] = []
    pending: list[BaseException] = [error]
    while pending:
        one = pending.pop()
        frames += [f"{type(one).__qualname__}\n", *traceback.format_tb(one.__traceback__)]
        if isinstance(one, BaseExceptionGroup):
            pending += cast("BaseExceptionGroup[BaseException]", one).exceptions
    log.error("internal error in %s: %s", where, "".join(frames))
