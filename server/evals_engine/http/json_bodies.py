"""JSON bodies on their way in."""

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
    """The whole body, decoded. A body without a content type is taken for JSON.

    Raises:
        ApiError: 413, it is too large; 408, it comes too slowly; 415, it says that it is something
            else than JSON; 400, it is no JSON, or JSON that readers differ about.
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


def invalid(error: ValidationError, where: str) -> InvalidFieldsError:
    """The answer to a body or query that does not fit, in the benchmark contract's form."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return InvalidFieldsError(
        [_problem(one["loc"], one["msg"], one["type"], where) for one in found]
    )


def _problem(loc: Sequence[str | int], message: str, kind: str, where: str) -> Problem:
    # The name of an unknown field is the caller's own text.
    path = [part if isinstance(part, int) else cleaned(part, 80) for part in loc]
    return Problem(loc=[where, *path], msg=message.removeprefix("Value error, "), type=kind)
