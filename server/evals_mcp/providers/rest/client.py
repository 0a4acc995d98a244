"""A client for one service: retries reads, sends changes once, turns failures into our errors."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import anyio
import httpx2

from evals_mcp.cleaning import quoted
from evals_mcp.errors import BadAnswerError, DatasetFaultError, UnavailableError
from evals_mcp.principals import NAMED_OWNER, OWNER
from evals_mcp.providers.rest.echoed_keys import KeyRedactor
from evals_mcp.providers.rest.ids import path_of
from evals_mcp.providers.rest.refusals import refusal, vendor_reason
from evals_mcp.providers.rest.replies import LostAnswerError, Reply, RequestContext, read
from evals_mcp.providers.rest.retrying import (
    RETRIED_STATUSES,
    TRIES,
    Patience,
    Timing,
    http_date,
    pause_after,
    retry_advice,
    retry_after_seconds,
)
from evals_mcp.providers.rest.service import QUOTED_CHARACTERS, Service
from evals_schemas.contract import Operation
from evals_schemas.evaluation_api.operations import UPLOAD_FILE
from evals_schemas.reasons import Reason

_CERTAIN = frozenset({501, 507})
"""Failure statuses that prove that nothing was done: not implemented, and no space left."""

_NEVER_LEFT = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.ProxyError,
    httpx2.LocalProtocolError,
    httpx2.UnsupportedProtocol,
)

_T = TypeVar("_T")


@dataclass(frozen=True)
class _Trouble:
    """A failed try that may succeed later."""

    what: str
    """What happened, as the end of a sentence that begins with the service's name."""
    may_have_arrived: bool
    retried: bool = True
    """Whether a read is sent again."""
    retry_after: float | None = None
    unreached: bool = False
    """Whether no connection could be opened."""
    reason: str = ""
    """The service's own reason, without a full stop; empty without one."""


_USER_AGENT = f"evals-mcp/{version('evals-mcp')}"


class _TooLongError(Exception):
    """A body is longer than the limit."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"longer than {limit // 2**20} MiB")


class RestClient:
    """The operations of one service, over an HTTP client that its owner closes."""

    def __init__(
        self,
        client: httpx2.AsyncClient,
        service: Service,
        timing: Timing | None = None,
        patience: Patience | None = None,
    ) -> None:
        self._client = client
        self._service = service
        self._echoes = KeyRedactor(service.token)
        self._timing = timing or Timing()
        self._patience = patience or Patience()

    @property
    def service(self) -> Service:
        """The service, for messages."""
        return self._service

    @property
    def timing(self) -> Timing:
        """The clocks and the sleep of the retries."""
        return self._timing

    @property
    def patience(self) -> Patience:
        """The time limits."""
        return self._patience

    async def call(
        self,
        operation: Operation,
        *,
        item_id: str | None = None,
        params: Mapping[str, str | int] | None = None,
        json: object = None,
        idempotency_key: str | None = None,
    ) -> Any:
        """Run an operation and return its answer, as `operation.answers` or a list of it.

        Args:
            operation: The operation.
            item_id: The id that replaces `{id}` in its path.
            params: Its query.
            json: Its body.
            idempotency_key: Sent as `Idempotency-Key`, to services that accept one: they answer a
                second request with the same key like the first.

        Raises:
            LostAnswerError: a change may have arrived, but its answer is lost.
            EvalsMCPError: any other failure, as the class that says who must act.
        """
        context = RequestContext(self._service, operation, item_id, json)
        patience = self._patience
        silence = patience.read if operation.method == "GET" else patience.send
        timeout = self._timeout(silence)
        request = self._request(operation, item_id, timeout=timeout, params=params, json=json)
        if idempotency_key is not None:
            request.headers["Idempotency-Key"] = idempotency_key
        return await self._answer(request, context, patience.budget)

    async def upload(
        self,
        path: Path,
        filename: str,
        fields: Mapping[str, str],
        operation: Operation = UPLOAD_FILE,
    ) -> Any:
        """Send a file from disk as a multipart form, once, without holding it in memory.

        Raises:
            DatasetFaultError: the file cannot be opened.
            LostAnswerError: the file may have been stored; the answer is lost.
            EvalsMCPError: any other failure, as the class that says who must act.
        """
        context = RequestContext(self._service, operation)
        try:
            opened = await anyio.open_file(path, "rb")
        except OSError as error:
            raise DatasetFaultError(
                f"{path} cannot be read ({error.strerror}); name a file this user can read"
            ) from None
        async with opened as file:
            # The form reads 64 KiB between two writes to the network.
            form = {"file": (filename, file.wrapped, "application/octet-stream")}
            timeout = self._timeout(self._patience.file)
            request = self._request(operation, None, timeout=timeout, data=fields, files=form)
            return await self._answer(request, context, self._patience.upload)

    @asynccontextmanager
    async def stream(
        self, operation: Operation, item_id: str
    ) -> AsyncGenerator[AsyncIterator[bytes]]:
        """Stream a file's bytes; leaving the context ends the transfer.

        Opening is retried. A transfer that breaks off is not retried: it raises UnavailableError.
        """
        context = RequestContext(self._service, operation, item_id)
        timeout = self._timeout(self._patience.file)
        request = self._request(operation, item_id, timeout=timeout)
        response = await self._tried(request, context, self._patience.budget, _left_open)
        try:
            if "text/html" in response.headers.get("content-type", ""):
                raise context.wrong_answer(context.answered("with a web page instead of a file"))
            async with aclosing(self._blocks(response)) as blocks:
                yield blocks
        finally:
            await response.aclose()

    async def _blocks(self, response: httpx2.Response) -> AsyncGenerator[bytes]:
        try:
            async for block in self._echoes.removed_from(response.aiter_bytes()):
                yield block
        except httpx2.HTTPError as error:
            problem = self._plain(error)
        else:
            return
        raise UnavailableError(
            f"{self._service} broke off in the middle of a file ({problem}). Read it again."
        )

    def _timeout(self, silence: float) -> httpx2.Timeout:
        """Return the time limits; waiting for a free connection has none, nobody is at fault."""
        return httpx2.Timeout(silence, connect=self._patience.connect, pool=None)

    def _request(self, operation: Operation, item_id: str | None, **content: Any) -> httpx2.Request:
        """Build a request with the token in it: the client may be shared and never holds it."""
        headers = {
            "Accept": "application/json" if operation.answers else "*/*",
            "User-Agent": _USER_AGENT,
        }
        if token := self._service.token:
            headers["Authorization"] = f"Bearer {token.get_secret_value()}"
        url = self._service.base_url + path_of(operation, item_id)
        request = self._client.build_request(operation.method, url, headers=headers, **content)
        if self._service.owner is not None:
            # For an embedded service; over a network, extensions are not sent.
            request.extensions[OWNER] = self._service.owner
            if self._service.names_owner:
                request.headers[NAMED_OWNER] = quote(self._service.owner, safe="")
        return request

    async def _answer(
        self, request: httpx2.Request, context: RequestContext, seconds: float
    ) -> Any:
        reply = await self._tried(request, context, seconds, self._whole)
        try:
            return read(reply, context)
        except BadAnswerError as error:
            if request.method == "GET":
                raise
            problem = str(error)
        raise LostAnswerError(problem)

    async def _tried(
        self,
        request: httpx2.Request,
        context: RequestContext,
        seconds: float,
        take: Callable[[httpx2.Response], Awaitable[_T]],
    ) -> _T:
        """Retry until `take` succeeds or the time is up."""
        timing, tries = self._timing, 0
        started = timing.monotonic()
        while True:
            tries += 1
            remaining = seconds - (timing.monotonic() - started)
            trouble: _Trouble | None = None
            with anyio.move_on_after(remaining):
                result = await self._attempt(request, context, take)
                if not isinstance(result, _Trouble):
                    return result
                trouble = result
            trouble = trouble or _Trouble("did not answer in time", may_have_arrived=True)
            pause = pause_after(tries, trouble.retry_after, timing.chance())
            spent = timing.monotonic() - started
            again = request.method == "GET" and trouble.retried and tries < TRIES
            if not again or spent + pause >= seconds:
                raise self._given_up(request, trouble, tries, spent)
            await timing.sleep(pause)

    async def _attempt(
        self,
        request: httpx2.Request,
        context: RequestContext,
        take: Callable[[httpx2.Response], Awaitable[_T]],
    ) -> _T | _Trouble:
        """Send once; raise errors that no further try would change."""
        try:
            # A redirect or a .netrc could send the token to another host.
            response = await self._client.send(
                request, stream=True, auth=None, follow_redirects=False
            )
            if response.is_success:
                self._service.token_accepted()
                return await take(response)
            reply = await self._whole(response)
        except _NEVER_LEFT as error:
            what = f"could not be reached ({self._plain(error)})"
            return _Trouble(what, may_have_arrived=False, unreached=True)
        except httpx2.TimeoutException:
            return _Trouble("did not answer in time", may_have_arrived=True)
        except httpx2.TransportError as error:
            return _Trouble(f"dropped the connection ({self._plain(error)})", may_have_arrived=True)
        except (httpx2.HTTPError, _TooLongError) as error:
            what = f"sent an answer that cannot be read ({self._plain(error)})"
            return _Trouble(what, may_have_arrived=True, retried=False)
        return self._trouble_of(reply, context)

    def _trouble_of(self, reply: Reply, context: RequestContext) -> _Trouble:
        """Return the trouble of a status that may pass; raise the error of any other status."""
        failing = reply.status >= 500 and reply.status not in _CERTAIN
        if reply.status not in {408, 425, 429} and not failing:
            raise refusal(reply, context)
        return _Trouble(
            context.answered(f"{reply.status}{_meaning(reply.status)}"),
            reason=vendor_reason(reply, context) if reply.status == 429 else "",
            may_have_arrived=failing,
            retried=reply.status in RETRIED_STATUSES | context.operation.also_retried,
            retry_after=retry_after_seconds(
                reply.headers.get("retry-after"),
                # Both headers come from the service's clock; ours may be wrong.
                http_date(reply.headers.get("date")) or self._timing.now(),
            ),
        )

    def _given_up(
        self, request: httpx2.Request, trouble: _Trouble, tries: int, spent: float
    ) -> UnavailableError:
        again = f"Try again {retry_advice(trouble.retry_after)}."
        if trouble.unreached:
            again += f" If this persists, check the setting {self._service.base_url_setting}."
        start = f"{self._service} {trouble.what}"
        if trouble.reason:
            start += f": {quoted(trouble.reason, QUOTED_CHARACTERS)}"
        if request.method == "GET":
            count = f"{tries} times in {spent:.0f} s" if tries > 1 else "once"
            return UnavailableError(f"{start}; it was tried {count}. {again}")
        if trouble.may_have_arrived:
            return LostAnswerError(f"{start}; it was sent once and may have arrived.")
        return UnavailableError(
            f"{start}; nothing was started or changed. {again}", Reason.NOTHING_STARTED
        )

    async def _whole(self, response: httpx2.Response) -> Reply:
        """Read the body up to the limit, and always close the response."""
        body = bytearray()
        try:
            async for block in response.aiter_bytes():
                body += block
                if len(body) > self._patience.body_bytes:
                    raise _TooLongError(self._patience.body_bytes)
        finally:
            await response.aclose()
        return Reply(response.status_code, response.headers, self._echoes.removed(bytes(body)))

    def _plain(self, error: Exception) -> str:
        return self._service.quote(str(error)) or type(error).__name__


async def _left_open(response: httpx2.Response) -> httpx2.Response:
    return response


def _meaning(status: int) -> str:
    if status == 429:
        return " (too many requests)"
    return " (overloaded)" if status == 503 else ""
