"""Calls models behind OpenAI-compatible APIs, with bounds, retries, and errors that name a remedy.

It uses aiohttp, which had the lowest measured cost at 64 calls in flight. aiohttp is imported when
a session is opened, so that importing this module is fast.
"""

from __future__ import annotations

import json
import random
import ssl
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol, Self
from urllib.parse import urlsplit

import anyio

from evals_engine.cleaning import cleaned
from evals_engine.config import ModelEndpoint
from evals_engine.faults import ModelCallError, StoppingError
from evals_engine.models.addresses import AddressRefusedError, is_literal, refusal
from evals_engine.models.completions import Completion, Failure, Received, read_completion
from evals_engine.models.model_list import read_models
from evals_schemas.evaluation_api.models import Model
from evals_schemas.reasons import Reason

if TYPE_CHECKING:
    from aiohttp import ClientResponse, ClientSession
    from aiohttp.abc import AbstractResolver

MAX_BODY = 16 * 1024 * 1024
"""The longest answer read, in bytes."""

LIST_SECONDS = 10.0
"""Seconds that an endpoint may take to list its models."""


class Admission(Protocol):
    """Holds the rate of calls to each endpoint over several processes."""

    async def admit(self, endpoint: ModelEndpoint) -> None:
        """Return when one more call may be made."""
        ...

    async def pause(self, endpoint: ModelEndpoint, seconds: float) -> None:
        """Let no process call an endpoint for some seconds, because it has asked for that."""
        ...


class ModelClient:
    """Makes the model calls of a process. Leaving its async context closes the connections."""

    def __init__(
        self,
        max_retries: int,
        call_timeout: float,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
        jitter: Callable[[], float] = random.random,
        resolver: Callable[[], AbstractResolver] | None = None,
    ) -> None:
        """Set the limits; connections are opened by the first calls.

        Args:
            max_retries: further tries after a failure that may be temporary.
            call_timeout: seconds after which one try fails.
            sleep: waits between tries.
            jitter: returns a random number from 0 to 1, to vary the waits.
            resolver: makes the resolver of host names; None uses the system's. Addresses that an
                endpoint must not have are removed from its answers.
        """
        self._max_retries = max_retries
        self._call_timeout = call_timeout
        self._sleep = sleep
        self._jitter = jitter
        self._resolver = resolver
        self._sessions: dict[tuple[str, bool], ClientSession] = {}
        self._tls: ssl.SSLContext | None = None
        self._unsupported: dict[tuple[str, str], frozenset[str]] = {}
        self._last_call = float("inf")
        self.admission: Admission | None = None
        """What each call waits for; None in an engine that is alone."""

    def stop_calls(self, seconds: float) -> None:
        """Start no call later than a number of seconds from now. Calls in flight go on."""
        self._last_call = min(self._last_call, anyio.current_time() + seconds)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        sessions, self._sessions = self._sessions, {}
        for session in sessions.values():
            await session.close()

    def open(self, endpoint: ModelEndpoint) -> None:
        """Open the session of an endpoint, so that the first call does not wait for it.

        Must be called on the event loop that will make the calls. Errors are ignored here, because
        the calls report them.
        """
        with suppress(AddressRefusedError, ValueError):
            self._session(endpoint)

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
        """Return one completion.

        429, 5xx, lost connections and timeouts are retried with exponential back-off, and not
        before `Retry-After`.

        Args:
            endpoint: where the model is.
            model: its name at the endpoint.
            messages: the conversation.
            max_tokens: the longest answer, in tokens.
            temperature: 0 to 2.
            extra: further fields of the body, such as `response_format`.

        Raises:
            ModelCallError: no try gave a usable answer; `status` is the last HTTP status.
            StoppingError: the process stops, so the call is not made.
        """
        body = {"model": model, "messages": messages, "max_tokens": max_tokens}
        body |= {"temperature": temperature} | dict(extra or {})
        waits = 0
        while True:
            if self.admission is not None:
                await self.admission.admit(endpoint)
            if anyio.current_time() > self._last_call:
                raise StoppingError
            unsupported = self._unsupported.get((endpoint.base_url, model), frozenset())
            result = await self._try(endpoint, _without(body, unsupported))
            if isinstance(result, Completion):
                return result
            if self._learn_unsupported(endpoint, model, result, unsupported):
                continue
            if not result.retried or waits >= self._max_retries:
                raise _call_error(result, waits + 1, endpoint)
            if self.admission is not None and result.retry_after > 0:
                await self.admission.pause(endpoint, result.retry_after)
            await self._sleep(self._wait(waits, result.retry_after))
            waits += 1

    def _wait(self, waits: int, retry_after: float) -> float:
        """Return the seconds to wait: 0.5, 1, 2, … up to 20, each varied by up to 25 %.

        Five waits last at least 11.6 s, longer than a rate limit of ten seconds.
        """
        backoff: float = min(0.5 * 2**waits, 20.0) * (0.75 + 0.5 * self._jitter())
        return max(backoff, retry_after)

    def _learn_unsupported(
        self, endpoint: ModelEndpoint, model: str, failure: Failure, before: frozenset[str]
    ) -> bool:
        """Remember the parameters that a refusal calls unsupported; return whether any is new."""
        if failure.status != 400:
            return False
        text = failure.endpoint_message
        refused = {name for name in ("max_tokens", "temperature") if f"'{name}'" in text}
        if "nsupported" not in text or refused <= before:
            return False
        key = endpoint.base_url, model
        self._unsupported[key] = self._unsupported.get(key, before) | refused
        return True

    async def list_models(self, endpoint: ModelEndpoint) -> list[Model]:
        """Return the models that an endpoint lists. Tries once, for at most ten seconds.

        Raises:
            ModelCallError: the endpoint gives no answer or no list.
        """
        with anyio.move_on_after(LIST_SECONDS):
            received = await self._send(endpoint, "GET", "/models", None)
            models = received if isinstance(received, Failure) else read_models(received, endpoint)
            if isinstance(models, Failure):
                raise _call_error(models, 1, endpoint)
            return models
        raise _call_error(_unreachable(f"no answer within {LIST_SECONDS:g} s"), 1, endpoint)

    async def _try(self, endpoint: ModelEndpoint, body: dict[str, Any]) -> Completion | Failure:
        data = json.dumps(body).encode()
        received = await self._send(endpoint, "POST", "/chat/completions", data)
        return received if isinstance(received, Failure) else read_completion(received, endpoint)

    async def _send(
        self, endpoint: ModelEndpoint, method: str, path: str, data: bytes | None
    ) -> Received | Failure:
        from aiohttp import ClientError  # noqa: PLC0415 - heavy; see the module's docstring

        headers = {"Content-Type": "application/json"}
        if endpoint.token is not None:
            headers["Authorization"] = f"Bearer {endpoint.token.get_secret_value()}"
        url = endpoint.base_url.rstrip("/") + path
        try:
            async with self._session(endpoint).request(
                method, url, data=data, headers=headers, allow_redirects=False
            ) as response:
                content = await _bounded_body(response)
        except (ClientError, OSError, ValueError) as error:
            return self._connection_failure(error)
        if content is None:
            too_long = f"the endpoint answered more than {MAX_BODY // 2**20} MiB"
            return Failure(too_long, response.status)
        return Received(response.status, response.headers, content)

    def _connection_failure(self, error: Exception) -> Failure:
        if isinstance(refused := getattr(error, "os_error", error), AddressRefusedError):
            return Failure(
                f"its base URL leads to {refused}, which is not called. Ask the administrator "
                "to set a base URL with an address instead of a name, or with a name of that "
                "network (for local.models and local.dedicated, local.allow_private = true allows "
                "any name)",
                reason=Reason.ENDPOINT_MISCONFIGURED,
            )
        if isinstance(error, TimeoutError):
            return _unreachable(f"no answer within {self._call_timeout:g} s")
        if isinstance(error, ssl.SSLCertVerificationError):
            return _unreachable("the endpoint's TLS certificate is not trusted", retried=False)
        messages = {
            "ClientConnectorDNSError": "the endpoint's host name cannot be resolved",
            "ClientConnectorError": "connection refused",
            "ClientConnectorSSLError": "the endpoint offers no TLS (is it http rather than https?)",
            "ServerDisconnectedError": "connection lost",
        }
        kind = type(error).__name__
        if isinstance(error, ValueError) or kind.endswith("UrlClientError"):
            message = "the endpoint's base URL or token is malformed"
            return Failure(message, reason=Reason.ENDPOINT_MISCONFIGURED)
        return _unreachable(messages.get(kind, f"connection lost ({kind})"))

    def _session(self, endpoint: ModelEndpoint) -> ClientSession:
        """Return the session of a base URL; the callers limit the calls in flight.

        Raises:
            AddressRefusedError: the base URL has an address that is not allowed.
            ValueError: the base URL is malformed.
        """
        key = endpoint.base_url, endpoint.allow_private
        if (session := self._sessions.get(key)) is None:
            _refuse_literal(endpoint)
            import aiohttp  # noqa: PLC0415 - heavy; see the module's docstring

            from evals_engine.models.guarded_resolver import GuardedResolver  # noqa: PLC0415 - likewise

            inner = (self._resolver or aiohttp.ThreadedResolver)()
            resolver = GuardedResolver(inner, allow_private=endpoint.allow_private)
            tls = self._tls_for(endpoint.base_url)
            session = self._sessions[key] = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, ssl=tls, resolver=resolver),
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
            import truststore  # noqa: PLC0415 - needed only for TLS

            self._tls = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        return self._tls


def _refuse_literal(endpoint: ModelEndpoint) -> None:
    """Raise AddressRefusedError if the base URL has an address that is not allowed."""
    from yarl import URL  # noqa: PLC0415 - from aiohttp, which reads hosts the same way

    host = URL(endpoint.base_url).raw_host or ""
    if is_literal(host) and (kind := refusal(host, host, allow_private=endpoint.allow_private)):
        raise AddressRefusedError(kind)


def _without(body: dict[str, Any], unsupported: frozenset[str]) -> dict[str, Any]:
    """Return the body for newer models, some of which lack `max_tokens` or fix the temperature."""
    if not unsupported:
        return body
    supported = {name: value for name, value in body.items() if name not in unsupported}
    if "max_tokens" in unsupported:
        supported["max_completion_tokens"] = body["max_tokens"]
    return supported


async def _bounded_body(response: ClientResponse) -> bytes | None:
    """Return the whole body; None if it is longer than `MAX_BODY`."""
    chunks: list[bytes] = []
    size = 0
    while chunk := await response.content.readany():
        size += len(chunk)
        if size > MAX_BODY:
            response.close()
            return None
        chunks.append(chunk)
    return b"".join(chunks)


def _call_error(failure: Failure, tries: int, endpoint: ModelEndpoint) -> ModelCallError:
    after = f" after {tries} tries" if tries > 1 else ""
    try:
        host = urlsplit(endpoint.base_url).netloc.rpartition("@")[2]
    except ValueError:
        host = ""
    return ModelCallError(
        f"{cleaned(failure.message, 300)}{after} ({cleaned(host, 80)})",
        failure.status,
        failure.reason,
        failure.usage,
    )


def _unreachable(message: str, *, retried: bool = True) -> Failure:
    return Failure(message, retried=retried, reason=Reason.ENDPOINT_UNREACHABLE)
