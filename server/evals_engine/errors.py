"""Errors on the wire: a status, and the error body of the contract that the path belongs to."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Mapping, Sequence
from typing import Any, TypedDict, cast

from evals_schemas.evaluation_api.errors import ErrorBody, ErrorDetail

BENCHMARK_ROOT = "/api/v3"
"""What the paths of the benchmark contract begin with."""

log = logging.getLogger(__name__)


class Problem(TypedDict):
    """One field at fault. What was sent is not repeated."""

    loc: list[str | int]
    """Where: `body` or `query`, then the path to the field."""
    msg: str
    type: str


class ApiError(Exception):
    """Ends a request with a status and an error body."""

    def __init__(
        self, status: int, message: str, *, param: str | None = None, code: str | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers: Mapping[str, str] = {}
        """Sent along, such as `Retry-After`."""
        self.detail: str | Sequence[Problem] = message
        """What the benchmark contract answers."""
        self.body = ErrorBody(
            error=ErrorDetail(message=message, type=_kind(status), param=param, code=code)
        )


class InvalidFieldsError(ApiError):
    """Ends a request of the benchmark contract with a 422 that names every field at fault."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(422, problems[0]["msg"])
        self.detail = problems


def body_of(error: ApiError, path: str) -> dict[str, Any]:
    """The error body as the contract of this path has it."""
    if path == BENCHMARK_ROOT or path.startswith(f"{BENCHMARK_ROOT}/"):
        return {"detail": error.detail}
    return error.body.model_dump()


def not_found(what: str, value: str) -> ApiError:
    """The answer for an id that does not exist, or is not this caller's: the two look the same."""
    return ApiError(404, f"No {what} with id {value[:80]!r}.", param="id", code="not_found")


def _kind(status: int) -> str:
    if status >= 500:
        return "server_error"
    kinds = {401: "authentication_error", 404: "not_found_error", 429: "rate_limit_error"}
    return kinds.get(status, "invalid_request_error")


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
