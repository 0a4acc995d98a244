"""Limits on the requests of one principal, and of all principals together."""

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
"""Most principals whose recent use is remembered; the one not seen for longest is dropped."""

BUSY_SECONDS = 5
"""Seconds after which to call a busy server again; a tool call takes a second or two."""


@dataclass(frozen=True)
class Limits:
    """The configured limits."""

    calls_per_minute: int
    """Requests of one principal in a minute, on average; twice as many in a burst."""
    calls_at_once: int
    """Requests of one principal that are being answered at once."""
    total_at_once: int
    """Requests of all principals that are being answered at once; no request is queued."""


@dataclass
class _Use:
    """The use of one principal: calls that it may still make, which grow with time, and calls now.

    Principals that no service has confirmed share one.
    """

    allowance: float
    updated: float
    in_flight: int = 0


class CallLimits:
    """Answers 429 to a principal at its limit, and 503 when the whole server is at its limit."""

    def __init__(
        self, app: ASGIApp, limits: Limits, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.app = app
        self.limits = limits
        self.clock = clock
        self.in_flight = 0
        self._uses: OrderedDict[str, _Use] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer when to call again."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        principal: Principal = scope[SCOPE]
        use = self._use_of(principal)
        if problem := self._refused(use):
            await _busy(*problem)(scope, receive, send)
            return
        use.allowance -= 1
        use.in_flight += 1
        self.in_flight += 1
        try:
            await self.app(scope, receive, send)
        finally:
            use.in_flight -= 1
            self.in_flight -= 1

    def _use_of(self, principal: Principal) -> _Use:
        """Return the principal's use, with the allowance of the time since its last request."""
        now, burst = self.clock(), 2.0 * self.limits.calls_per_minute
        name = principal.limited_as or principal.id
        use = self._uses.setdefault(name, _Use(burst, now))
        self._uses.move_to_end(name)
        refilled = use.allowance + max(0.0, now - use.updated) * self.limits.calls_per_minute / 60
        use.allowance, use.updated = min(burst, refilled), now
        while len(self._uses) > PRINCIPALS:
            self._uses.popitem(last=False)
        return use

    def _refused(self, use: _Use) -> tuple[int, str, int] | None:
        """Return status, reason and seconds to wait; None if the request is within the limits."""
        limits = self.limits
        if self.in_flight >= limits.total_at_once:
            reason = f"The server answers {self.in_flight} calls at once (http.total_at_once)"
            return 503, reason, BUSY_SECONDS
        if use.in_flight >= limits.calls_at_once:
            reason = f"{use.in_flight} calls of yours run at once (http.calls_at_once)"
            return 429, reason, BUSY_SECONDS
        if use.allowance < 1:
            wait = (1 - use.allowance) * 60 / limits.calls_per_minute
            per_minute = f"{limits.calls_per_minute} a minute, http.calls_per_minute"
            return 429, f"Too many calls ({per_minute})", max(1, math.ceil(wait))
        return None


def _busy(status: int, reason: str, seconds: int) -> Response:
    message = f"{reason}: try again in {seconds} s, or ask the administrator to raise the limit."
    return rpc_error(status, message, {"Retry-After": str(seconds)})


class HeaderLimit:
    """Answers 431 to a request whose headers are larger than those of any client."""

    def __init__(self, app: ASGIApp, most: int) -> None:
        self.app = app
        self.most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] == "http":
            length = sum(len(name) + len(value) for name, value in scope["headers"])
            if length > self.most:
                refusal = rpc_error(431, f"The headers are longer than {self.most} bytes.", {})
                await refusal(scope, receive, send)
                return
        await self.app(scope, receive, send)
