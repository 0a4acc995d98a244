"""Reads JSON bodies of requests."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import ValidationError
from starlette.requests import Request

from evals_engine.cleaning import cleaned
from evals_engine.errors import ApiError, InvalidFieldsError, Problem
from evals_engine.http.file_forms import limited
from evals_engine.http.strict_json import decoded

MAX_BODY_BYTES = 1024 * 1024
JSON = "application/json"


async def json_body(request: Request) -> object:
    """Return the decoded body. A body without a content type is read as JSON.

    Raises:
        ApiError: 413 if the body is too large, 408 if it arrives too slowly, 415 if its content
            type is not JSON, 400 if it is not JSON or JSON that readers interpret differently.
    """
    kind = request.headers.get("content-type", JSON).partition(";")[0].strip().lower()
    if kind != JSON and not (kind.startswith("application/") and kind.endswith("+json")):
        raise ApiError(415, f"Send the body with Content-Type: {JSON}.")
    too_large = ApiError(413, f"The request is larger than {MAX_BODY_BYTES} bytes.")
    body = bytearray()
    async for chunk in limited(request, MAX_BODY_BYTES, too_large).stream():
        body += chunk
    try:
        return decoded(bytes(body))
    except ValueError as error:
        raise ApiError(400, str(error)) from error


def invalid(error: ValidationError, source: str) -> InvalidFieldsError:
    """Return the error for an invalid body or query, in the benchmark contract's form."""
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    return InvalidFieldsError(
        [_problem(problem["loc"], problem["msg"], problem["type"], source) for problem in problems]
    )


def _problem(loc: Sequence[str | int], message: str, kind: str, source: str) -> Problem:
    # The name of an unknown field is text of the caller.
    path = [part if isinstance(part, int) else cleaned(part, 80) for part in loc]
    return Problem(loc=[source, *path], msg=message.removeprefix("Value error, "), type=kind)
