"""Limits on the requests of one principal and of all together."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from evals_mcp.http.modes.authentication import rpc_error
from evals_mcp.principals import SCOPE, Principal

PRINCIPALS = 10_000
"""Principals whose recent use is kept; the least recently seen is dropped first."""

BUSY_SECONDS = 5
"""Seconds after which to retry at a busy server; a tool call takes a second or two."""


@dataclass(frozen=True)
class Limits:
    """The configured limits."""

    calls_per_minute: int
    """Requests of one principal in a minute, on average; twice as many in a burst."""
    calls_at_once: int
    """Requests of one principal in progress at once."""
    total_at_once: int
    """Requests of all principals in progress at once; further requests do not queue."""


@dataclass
class _Use:
    """The use of one principal: a token bucket, and the requests in progress."""

    tokens: float
    refilled_at: float
    in_flight: int = 0


class CallLimits:
    """Answers 429 above a principal's limit and 503 above the limit of all principals."""

    def __init__(
        self, app: ASGIApp, limits: Limits, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.app = app
        self.limits = limits
        self.clock = clock
        self.in_flight = 0
        self._uses: OrderedDict[str, _Use] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer when to retry."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        principal: Principal = scope[SCOPE]
        use = self._use_of(principal)
        if problem := self._refused(use):
            await _busy(*problem)(scope, receive, send)
            return
        use.tokens -= 1
        use.in_flight += 1
        self.in_flight += 1
        try:
            await self.app(scope, receive, send)
        finally:
            use.in_flight -= 1
            self.in_flight -= 1

    def _use_of(self, principal: Principal) -> _Use:
        """Return the principal's use, with its bucket refilled until now."""
        now, burst = self.clock(), 2.0 * self.limits.calls_per_minute
        use = self._uses.setdefault(principal.id, _Use(burst, now))
        self._uses.move_to_end(principal.id)
        refilled = use.tokens + max(0.0, now - use.refilled_at) * self.limits.calls_per_minute / 60
        use.tokens, use.refilled_at = min(burst, refilled), now
        while len(self._uses) > PRINCIPALS:
            self._uses.popitem(last=False)
        return use

    def _refused(self, use: _Use) -> tuple[int, str, int] | None:
        """Return status, reason and seconds to wait; None if the request is within the limits."""
        if self.in_flight >= self.limits.total_at_once:
            return 503, "The server is busy", BUSY_SECONDS
        if use.in_flight >= self.limits.calls_at_once:
            return 429, f"{use.in_flight} of your calls are running", BUSY_SECONDS
        if use.tokens < 1:
            wait = (1 - use.tokens) * 60 / self.limits.calls_per_minute
            return 429, "Too many calls in the last minute", max(1, math.ceil(wait))
        return None


def _busy(status: int, reason: str, seconds: int) -> Response:
    message = f"{reason}: try again in {seconds} s."
    return rpc_error(status, message, {"Retry-After": str(seconds)})


class HeaderLimit:
    """Answers 431 if all headers together are too long."""

    def __init__(self, app: ASGIApp, most: int) -> None:
        self.app = app
        self.most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] == "http":
            length = sum(len(name) + len(value) for name, value in scope["headers"])
            if length > self.most:
                refusal = rpc_error(431, f"The headers exceed {self.most} bytes.", {})
                await refusal(scope, receive, send)
                return
        await self.app(scope, receive, send)
