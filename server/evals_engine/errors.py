"""Errors of the REST API: an HTTP status and the error body of the path's contract."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Mapping, Sequence
from typing import Any, TypedDict, cast

from evals_schemas.evaluation_api.errors import ErrorBody, ErrorDetail

BENCHMARK_ROOT = "/api/v3"
"""Start of the paths of the benchmark contract."""

log = logging.getLogger(__name__)


class Problem(TypedDict):
    """An invalid field of a request. The value that was sent is not repeated."""

    loc: list[str | int]
    """`body` or `query`, then the path to the field."""
    msg: str
    type: str


class ApiError(Exception):
    """An error that ends a request with a status and an error body."""

    def __init__(
        self, status: int, message: str, *, param: str | None = None, code: str | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers: Mapping[str, str] = {}
        """Headers of the answer, such as `Retry-After`."""
        self.detail: str | Sequence[Problem] = message
        """The `detail` of the error body of the benchmark contract."""
        self.body = ErrorBody(
            error=ErrorDetail(message=message, type=_kind(status), param=param, code=code)
        )


class InvalidFieldsError(ApiError):
    """Error 422 of the benchmark contract, which names all invalid fields."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(422, problems[0]["msg"])
        self.detail = problems


def body_of(error: ApiError, path: str) -> dict[str, Any]:
    """Return the error body in the form of the path's contract."""
    if path == BENCHMARK_ROOT or path.startswith(f"{BENCHMARK_ROOT}/"):
        return {"detail": error.detail}
    return error.body.model_dump()


def not_found(noun: str, value: str) -> ApiError:
    """Return the error for an unknown id, which is the same as for an id of another owner."""
    return ApiError(404, f"No {noun} with id {value[:80]!r}.", param="id", code="not_found")


def _kind(status: int) -> str:
    if status >= 500:
        return "server_error"
    kinds = {401: "authentication_error", 404: "not_found_error", 429: "rate_limit_error"}
    return kinds.get(status, "invalid_request_error")


def log_bug(activity: str, error: BaseException) -> None:
    """Log the traceback of a bug, but not its text, which may quote a row or a key."""
    frames: list[str] = []
    pending: list[BaseException] = [error]
    while pending:
        exception = pending.pop()
        frames += [
            f"{type(exception).__qualname__}\n",
            *traceback.format_tb(exception.__traceback__),
        ]
        if isinstance(exception, BaseExceptionGroup):
            pending += cast("BaseExceptionGroup[BaseException]", exception).exceptions
    log.error("internal error in %s: %s", activity, "".join(frames))
