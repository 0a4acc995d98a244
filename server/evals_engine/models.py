"""Calls models behind OpenAI-compatible APIs: bounded, retried, and with errors that say who acts.

aiohttp, because its cost at 64 calls in flight was the lowest measured. It is imported when a
session is opened, so that importing this module costs nothing.
"""

from __future__ import annotations

import json
import random
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Self, cast
from urllib.parse import urlsplit

import anyio

from evals_engine.config import ModelEndpoint
from evals_engine.faults import ModelCallFailed, cleaned
from evals_engine.verdicts import well_formed

if TYPE_CHECKING:
    from aiohttp import ClientResponse, ClientSession

MAX_BODY = 16 * 1024 * 1024
"""The longest answer read, in bytes."""

MAX_RETRY_AFTER = 60.0
"""The longest wait an endpoint may ask for, in seconds; a longer one is cut to this."""

_RETRIED = frozenset({429, 500, 502, 503, 504, 529})
_WHO_ACTS = {
    401: "the token of this endpoint is missing or wrong",
    402: "the account behind this endpoint has no credit left",
    403: "the token of this endpoint may not use this model",
}


@dataclass(frozen=True)
class Completion:
    """One answer of a model."""

    text: str
    """The content; of a tool call its arguments, of a refusal its wording."""
    truncated: bool
    """Whether it was cut at `max_tokens`."""
    input_tokens: int | None
    """None where the endpoint does not tell."""
    output_tokens: int | None
    """None where the endpoint does not tell."""


@dataclass(frozen=True)
class _Failure:
    """One try that gave no answer."""

    reason: str
    status: int | None = None
    retried: bool = False
    retry_after: float = 0.0
    said: str = ""
    """The endpoint's own message, cleaned and cut."""


class ModelClient:
    """Every model call of one run. An async context manager: leaving it closes the connections."""

    def __init__(
        self,
        max_retries: int,
        call_timeout: float,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """Open nothing yet.

        Args:
            max_retries: further tries after a failure that time may heal.
            call_timeout: seconds until one try is given up.
            sleep: waits between tries.
            jitter: numbers from 0 to 1 that spread the waits.
        """
        self._max_retries = max_retries
        self._call_timeout = call_timeout
        self._sleep = sleep
        self._jitter = jitter
        self._sessions: dict[str, ClientSession] = {}
        self._tls: ssl.SSLContext | None = None
        self._unsupported: dict[tuple[str, str], frozenset[str]] = {}
        self.output_rungs: dict[tuple[str, str], int] = {}
        """Which way of asking for JSON works, by base URL and model; see `judge`."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        sessions, self._sessions = self._sessions, {}
        for session in sessions.values():
            await session.close()

    async def chat(  # noqa: PLR0913 - the fields of a chat request
        self,
        endpoint: ModelEndpoint,
        model: str,
        messages: list[dict[str, Any]],
        *,
        max_tokens: int,
        temperature: float,
        extra: Mapping[str, Any] | None = None,
    ) -> Completion:
        """Ask for one completion.

        429, 5xx, lost connections and timeouts are tried again, with exponential back-off and no
        sooner than `Retry-After`.

        Args:
            endpoint: where the model is.
            model: its name there.
            messages: the conversation.
            max_tokens: the longest answer.
            temperature: 0 to 2.
            extra: further fields of the body, such as `response_format`.

        Raises:
            ModelCallFailed: no usable answer after every try; `status` is the last HTTP status.
        """
        body = {"model": model, "messages": messages, "max_tokens": max_tokens}
        body |= {"temperature": temperature} | dict(extra or {})
        waits = 0
        while True:
            unsupported = self._unsupported.get((endpoint.base_url, model), frozenset())
            found = await self._try(endpoint, _without(body, unsupported))
            if isinstance(found, Completion):
                return found
            if self._learns(endpoint, model, found, unsupported):
                continue
            if not found.retried or waits >= self._max_retries:
                raise _given_up(found, waits + 1, endpoint)
            await self._sleep(self._wait(waits, found.retry_after))
            waits += 1

    def _wait(self, waits: int, retry_after: float) -> float:
        """Seconds to wait: 0.5, 1, 2, … up to 20, each 25 % more or less.

        Five waits are 11.6 s at least, so that a limit that lasts ten seconds is outlived.
        """
        backoff: float = min(0.5 * 2**waits, 20.0) * (0.75 + 0.5 * self._jitter())
        return max(backoff, retry_after)

    def _learns(
        self, endpoint: ModelEndpoint, model: str, found: _Failure, known: frozenset[str]
    ) -> bool:
        """Whether a refusal names a parameter that this model does without; remembers it."""
        if found.status != 400:
            return False
        refused = {name for name in ("max_tokens", "temperature") if f"'{name}'" in found.said}
        if "nsupported" not in found.said or refused <= known:
            return False
        key = endpoint.base_url, model
        self._unsupported[key] = self._unsupported.get(key, known) | refused
        return True

    async def _try(self, endpoint: ModelEndpoint, body: dict[str, Any]) -> Completion | _Failure:
        from aiohttp import ClientError  # noqa: PLC0415 - heavy; see the module's docstring

        session = self._session(endpoint.base_url)
        headers = {"Content-Type": "application/json"}
        if endpoint.token is not None:
            headers["Authorization"] = f"Bearer {endpoint.token.get_secret_value()}"
        try:
            async with session.post(
                f"{endpoint.base_url.rstrip('/')}/chat/completions",
                data=json.dumps(body).encode(),
                headers=headers,
                allow_redirects=False,
            ) as response:
                content = await _bounded_body(response)
        except (ClientError, OSError, ValueError) as error:
            return self._lost(error)
        return _read(response, content, endpoint)

    def _lost(self, error: Exception) -> _Failure:
        if isinstance(error, TimeoutError):
            return _Failure(f"no answer within {self._call_timeout:g} s", retried=True)
        if isinstance(error, ssl.SSLCertVerificationError):
            return _Failure("the endpoint's TLS certificate is not trusted")
        known = {
            "ClientConnectorDNSError": "the endpoint's host name cannot be resolved",
            "ClientConnectorError": "connection refused",
            "ServerDisconnectedError": "connection lost",
        }
        kind = type(error).__name__
        if isinstance(error, ValueError) or kind.endswith("UrlClientError"):
            return _Failure("the endpoint's base URL or token is malformed")
        return _Failure(known.get(kind, f"connection lost ({kind})"), retried=True)

    def _session(self, base_url: str) -> ClientSession:
        """The one session of a base URL; the callers bound how many calls are in flight."""
        if (session := self._sessions.get(base_url)) is None:
            import aiohttp  # noqa: PLC0415 - heavy; see the module's docstring

            session = self._sessions[base_url] = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, ssl=self._tls_for(base_url)),
                timeout=aiohttp.ClientTimeout(
                    total=self._call_timeout, sock_connect=min(30.0, self._call_timeout)
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
            )
        return session

    def _tls_for(self, base_url: str) -> ssl.SSLContext | bool:
        if not base_url.lower().startswith("https:"):
            return True
        if self._tls is None:
            import truststore  # noqa: PLC0415 - of no use without TLS

            self._tls = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        return self._tls


def _without(body: dict[str, Any], unsupported: frozenset[str]) -> dict[str, Any]:
    """The body in the words of newer models: some know no `max_tokens` or fix the temperature."""
    if not unsupported:
        return body
    kept = {name: value for name, value in body.items() if name not in unsupported}
    if "max_tokens" in unsupported:
        kept["max_completion_tokens"] = body["max_tokens"]
    return kept


async def _bounded_body(response: ClientResponse) -> bytes | None:
    """The whole body; None when it is longer than `MAX_BODY`."""
    chunks: list[bytes] = []
    size = 0
    while chunk := await response.content.readany():
        size += len(chunk)
        if size > MAX_BODY:
            response.close()
            return None
        chunks.append(chunk)
    return b"".join(chunks)


def _read(
    response: ClientResponse, content: bytes | None, endpoint: ModelEndpoint
) -> Completion | _Failure:
    status = response.status
    if content is None:
        return _Failure(f"the endpoint answered more than {MAX_BODY // 2**20} MiB", status)
    answer = _decoded(content)
    if 200 <= status < 300 and isinstance(answer, dict):
        return _completion(cast("dict[str, Any]", answer), endpoint)
    if 200 <= status < 300:
        return _Failure(_not_json(content), status)
    return _refusal(status, answer, response.headers, endpoint)


def _decoded(content: bytes) -> object:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _not_json(content: bytes) -> str:
    kind = "HTML" if content.lstrip()[:1] == b"<" else "something else"
    return f"the endpoint answered {kind}, not JSON (check that the base URL ends in /v1)"


def _refusal(
    status: int, answer: object, headers: Mapping[str, str], endpoint: ModelEndpoint
) -> _Failure:
    if 300 <= status < 400:
        reason = "a redirect, which is not followed; set the base URL to where it leads"
        return _Failure(f"{status}: {reason}", status)
    if status in _RETRIED:
        return _Failure(str(status), status, True, _retry_after(headers.get("Retry-After")))
    said = "" if status in _WHO_ACTS else _said(answer, endpoint)
    reason = _WHO_ACTS.get(status) or said
    if status == 404:
        reason = f"no such model, or the base URL is wrong (does it end in /v1?) {said}".rstrip()
    return _Failure(f"{status}: {reason or 'the endpoint refused the request'}", status, said=said)


def _said(answer: object, endpoint: ModelEndpoint) -> str:
    """The endpoint's message in an error body: `{error: {message}}` and its usual variants."""
    found: object = answer
    for key in ("error", "detail", "message"):
        if isinstance(found, dict):
            found = cast("dict[str, object]", found).get(key, cast("object", found))
    if not isinstance(found, str):
        return ""
    token = endpoint.token.get_secret_value() if endpoint.token else ""
    return cleaned(found.replace(token, "[token]") if token else found)


def _retry_after(value: str | None) -> float:
    """Seconds that an endpoint asks to wait, as a number or an HTTP date; 0 when it does not."""
    if not value:
        return 0.0
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = (
                parsedate_to_datetime(value).astimezone(UTC) - datetime.now(UTC)
            ).total_seconds()
        except ValueError:
            return 0.0
    return min(max(seconds, 0.0), MAX_RETRY_AFTER) if seconds == seconds else 0.0  # noqa: PLR0124


def _completion(answer: dict[str, Any], endpoint: ModelEndpoint) -> Completion | _Failure:
    try:
        choice = answer["choices"][0]
        message = choice["message"]
        truncated = choice.get("finish_reason") == "length"
        text = _text(message, truncated)
    except (KeyError, IndexError, TypeError, AttributeError):
        said = _said(answer, endpoint)
        return _Failure(f"the endpoint answered without a completion {said}".rstrip(), 200)
    if text is None:
        return _Failure("the model answered with no content", 200)
    usage = answer.get("usage")
    counts = cast("dict[str, Any]", usage) if isinstance(usage, dict) else {}
    return Completion(
        text,
        truncated,
        _count(counts.get("prompt_tokens")),
        _count(counts.get("completion_tokens")),
    )


def _text(message: dict[str, Any], truncated: bool) -> str | None:
    """What the model said, wherever its API puts it; None when it said nothing."""
    if calls := message.get("tool_calls"):
        arguments = calls[0]["function"]["arguments"]
        return well_formed(arguments if isinstance(arguments, str) else json.dumps(arguments))
    content = message.get("content")
    if isinstance(content, list):
        parts = cast("list[dict[str, Any]]", content)
        content = "".join(part.get("text") or "" for part in parts)
    if content is None:
        # Some servers file the whole answer under reasoning; reasoning that was cut is no answer.
        reasoning = message.get("reasoning_content") or message.get("reasoning")
        content = message.get("refusal") or ("" if truncated else reasoning)
    return well_formed(content) if isinstance(content, str) else None


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _given_up(found: _Failure, tries: int, endpoint: ModelEndpoint) -> ModelCallFailed:
    after = f" after {tries} tries" if tries > 1 else ""
    try:
        host = urlsplit(endpoint.base_url).netloc.rpartition("@")[2]
    except ValueError:
        host = ""
    return ModelCallFailed(
        f"{cleaned(found.reason, 300)}{after} ({cleaned(host, 80)})", found.status
    )
