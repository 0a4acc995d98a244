"""Reads the answer of an OpenAI-compatible API: a completion, or why there is not one."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, cast

from evals_engine.cleaning import cleaned, well_formed
from evals_engine.config import ModelEndpoint
from evals_schemas.evaluation_api.usage import NO_USAGE, Usage
from evals_schemas.reasons import Reason

MAX_RETRY_AFTER = 60.0
"""The longest wait that an endpoint may ask for, in seconds; a longer one is cut to this."""

SHORTEST_KEY = 16
"""Characters of the shortest token that is removed from answers: a shorter one is a placeholder
such as `ollama`, which may be a word of any answer."""

_URL_REST = re.compile(r"(https?://[^\s?#\"'<>]*)[?#][^\s\"'<>]*", re.IGNORECASE)
"""A URL with its query or fragment, which may contain a signature."""

_RETRIED = frozenset({429, 500, 502, 503, 504, 529})
_TOKEN_PROBLEMS = {
    401: "the token of this endpoint is missing or wrong",
    402: "the account behind this endpoint has no credit left",
    403: "the token of this endpoint may not use this model",
}


@dataclass(frozen=True)
class Completion:
    """One answer of a model."""

    text: str
    """The content, the arguments of a tool call, or the text of a refusal."""
    truncated: bool
    """Whether the answer was cut at `max_tokens`."""
    input_tokens: int | None
    """None if the endpoint does not report them."""
    output_tokens: int | None
    """None if the endpoint does not report them."""

    @property
    def usage(self) -> Usage:
        """The one call with its tokens."""
        unreported = self.input_tokens is None or self.output_tokens is None
        return Usage(1, self.input_tokens or 0, self.output_tokens or 0, int(unreported))


@dataclass(frozen=True)
class Failure:
    """One try that gave no answer."""

    message: str
    status: int | None = None
    retried: bool = False
    retry_after: float = 0.0
    endpoint_message: str = ""
    """The endpoint's own message, cleaned and cut."""
    reason: Reason | None = None
    """What is wrong with the endpoint; None if the endpoint is not at fault."""
    usage: Usage = NO_USAGE
    """What an answer without a completion has used, as far as it reports that."""


@dataclass(frozen=True)
class Received:
    """One HTTP answer."""

    status: int
    headers: Mapping[str, str]
    content: bytes


def read_completion(received: Received, endpoint: ModelEndpoint) -> Completion | Failure:
    """Return the completion in an answer to `/chat/completions`."""
    answer = read_object(received, endpoint)
    return answer if isinstance(answer, Failure) else _completion(answer, endpoint)


def read_object(received: Received, endpoint: ModelEndpoint) -> dict[str, Any] | Failure:
    """Return the JSON object in an answer, or the failure if the answer has none."""
    answer = read_json(received, endpoint)
    if isinstance(answer, list):
        return _not_json(received)
    return answer


def read_json(received: Received, endpoint: ModelEndpoint) -> dict[str, Any] | list[Any] | Failure:
    """Return the JSON object or list in an answer, or the failure if the answer has none."""
    answer = _decoded(_without_token(received.content, endpoint))
    if not 200 <= received.status < 300:
        return _refusal(received, answer, endpoint)
    if isinstance(answer, dict | list):
        return cast("dict[str, Any] | list[Any]", answer)
    return _not_json(received)


def _without_token(content: bytes, endpoint: ModelEndpoint) -> bytes:
    """Replace the token, which an endpoint may repeat; answers are stored and shown."""
    token = endpoint.token.get_secret_value().encode() if endpoint.token else b""
    return content.replace(token, b"[token]") if len(token) >= SHORTEST_KEY else content


def _decoded(content: bytes) -> object:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _not_json(received: Received) -> Failure:
    kind = "HTML" if received.content.lstrip()[:1] == b"<" else "something else"
    return Failure(
        f"the endpoint answered {kind}, not JSON (check that the base URL ends in /v1)",
        received.status,
        reason=Reason.ENDPOINT_MISCONFIGURED,
    )


def _refusal(received: Received, answer: object, endpoint: ModelEndpoint) -> Failure:
    status = received.status
    if 300 <= status < 400:
        message = "a redirect, which is not followed; set the base URL to where it leads"
        return Failure(f"{status}: {message}", status, reason=Reason.ENDPOINT_MISCONFIGURED)
    if status in _RETRIED:
        return Failure(str(status), status, True, _retry_after(received.headers.get("Retry-After")))
    text = "" if status in _TOKEN_PROBLEMS else _error_text(answer, endpoint)
    message = _TOKEN_PROBLEMS.get(status) or text
    reason = Reason.ENDPOINT_REFUSED if status in _TOKEN_PROBLEMS else None
    if status == 404:
        message = f"no such model, or the base URL is wrong (does it end in /v1?) {text}".rstrip()
        reason = Reason.MODEL_MISSING
    message = f"{status}: {message or 'the endpoint refused the request'}"
    return Failure(message, status, endpoint_message=text, reason=reason)


def _error_text(answer: object, endpoint: ModelEndpoint) -> str:
    """Return the message of an error body: `{error: {message}}` and its usual variants."""
    value: object = answer
    for key in ("error", "detail", "message"):
        if isinstance(value, dict):
            value = cast("dict[str, object]", value).get(key, cast("object", value))
    if not isinstance(value, str):
        return ""
    token = endpoint.token.get_secret_value() if endpoint.token else ""
    text = _URL_REST.sub(r"\1", value)
    return cleaned(text.replace(token, "[token]") if token else text)


def _retry_after(value: str | None) -> float:
    """Return the seconds of a `Retry-After`, a number or an HTTP date; 0 without a valid one."""
    if not value:
        return 0.0
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = (
                parsedate_to_datetime(value).astimezone(UTC) - datetime.now(UTC)
            ).total_seconds()
        except (ValueError, OverflowError):
            return 0.0
    return min(max(seconds, 0.0), MAX_RETRY_AFTER) if seconds == seconds else 0.0  # noqa: PLR0124


def _completion(answer: dict[str, Any], endpoint: ModelEndpoint) -> Completion | Failure:
    usage = answer.get("usage")
    counts = cast("dict[str, Any]", usage) if isinstance(usage, dict) else {}
    read, written = _count(counts.get("prompt_tokens")), _count(counts.get("completion_tokens"))
    used = NO_USAGE if read is None and written is None else Usage(1, read or 0, written or 0)
    try:
        choice = answer["choices"][0]
        message = choice["message"]
        truncated = choice.get("finish_reason") == "length"
        text = _text(message, truncated)
    except (KeyError, IndexError, TypeError, AttributeError):
        text = _error_text(answer, endpoint)
        message = f"the endpoint answered without a completion {text}".rstrip()
        return Failure(message, 200, usage=used)
    if text is None:
        return Failure("the model answered with no content", 200, usage=used)
    return Completion(text, truncated, read, written)


def _text(message: dict[str, Any], truncated: bool) -> str | None:
    """Return the text of a message, wherever its API puts it; None if there is no text."""
    if calls := message.get("tool_calls"):
        arguments = calls[0]["function"]["arguments"]
        return well_formed(arguments if isinstance(arguments, str) else json.dumps(arguments))
    content = message.get("content")
    if isinstance(content, list):
        parts = cast("list[dict[str, Any]]", content)
        content = "".join(part.get("text") or "" for part in parts)
    if content is None:
        # Some servers put the whole answer into the reasoning; cut reasoning is not an answer.
        reasoning = message.get("reasoning_content") or message.get("reasoning")
        content = message.get("refusal") or ("" if truncated else reasoning)
    return well_formed(content) if isinstance(content, str) else None


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
