"""The faults as data: when each occurs, how it is injected, and what a client knows after it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto

from evals_mcp.errors import (
    EvalsMCPError,
    InvalidRequestError,
    NotFoundError,
    OperatorError,
    TokenRefusedError,
)
from tests.faults import injections as inject
from tests.faults.proxy import Injection


class Effect(Enum):
    """What a client knows after a fault; the promises depend on this and not on the fault."""

    UNREACHED = auto()
    """The request was certainly not sent; a later attempt may succeed."""
    LOST = auto()
    """The request may have been carried out; a later attempt may succeed."""
    FAILING = auto()
    """As LOST, but the service reports a failure and not that it is busy."""
    OUT_OF_TIME = auto()
    """As LOST, and the time budget of the call is used up."""
    GARBLED = auto()
    """A success that breaks the contract: it may have been carried out; a retry would not help."""
    TOO_LONG = auto()
    """A success that is too long to be read; another attempt would be as long."""
    BUSY = auto()
    """Refused before anything was done; an attempt soon after may succeed."""
    BUSY_FOR_LONG = auto()
    """Refused before anything was done, for longer than a call may take."""
    REFUSED = auto()
    """Refused before anything was done; `Fault.error` determines who must act."""
    REDIRECTED = auto()
    """Redirected to another address, which the client must not follow."""
    HARMLESS = auto()
    """Slow or unusual, but within the limits."""


@dataclass(frozen=True)
class Fault:
    """One fault."""

    name: str
    stage: str
    """When the fault occurs; a heading of the page."""
    effect: Effect
    inject: Injection | None = None
    """What the proxy does to a request; None if the address is the fault."""
    then: Injection | None = None
    """What the proxy does to the requests after the first; None if it does the same."""
    carried_out: bool = False
    """Whether the service carried out the request."""
    error: type[EvalsMCPError] | None = None
    """The error after REFUSED, or after a refusal by `then`."""
    address: Callable[[str], str] | None = None
    """Returns the configured address for the proxy's address; None if they are the same."""
    clock_off: timedelta = timedelta()
    """Error of this machine's clock from the beginning."""
    jump: timedelta = timedelta()
    """How far this machine's clock jumps when the proxy receives a request."""

    @property
    def waits(self) -> bool:
        """Return whether the fault is a long wait."""
        return self.inject in _SLOW


_SLOW = (inject.silent, inject.silent_after, inject.endless_answer, inject.slow_out_of_time)

HOUR = timedelta(hours=1)

CONNECT, REQUEST, WAIT, ANSWER = (
    "before the connection",
    "while the request is sent",
    "while the answer is awaited",
    "in the answer",
)
REFUSAL, CLOCK = "instead of the answer", "the clock of this machine"

_NO_SUCH_HOST = f"http://{'.'.join(['no-such-host'] * 24)}.invalid"
"""A host name that is too long to be valid, so that no resolver sends it on."""

E = Effect
FAULTS = (
    Fault("name not resolved", CONNECT, E.UNREACHED, address=lambda _: _NO_SUCH_HOST),
    Fault("connection refused", CONNECT, E.UNREACHED, address=lambda _: "http://127.0.0.1:1"),
    Fault(
        "no TLS behind https",
        CONNECT,
        E.UNREACHED,
        address=lambda url: url.replace("http://", "https://"),
    ),
    Fault("reset before the body is read", REQUEST, E.LOST, inject.reset_unread),
    Fault("reset halfway through the body", REQUEST, E.LOST, inject.reset_half_sent),
    Fault("no answer, not carried out", WAIT, E.LOST, inject.silent),
    Fault("no answer, carried out", WAIT, E.LOST, inject.silent_after, carried_out=True),
    Fault("reset, carried out", WAIT, E.LOST, inject.reset_after, carried_out=True),
    Fault(
        "reset, carried out; then 401",
        WAIT,
        E.LOST,
        inject.reset_after,
        then=inject.status(401),
        carried_out=True,
        error=TokenRefusedError,
    ),
    Fault("reset in the answer", ANSWER, E.LOST, inject.reset_in_the_answer, carried_out=True),
    Fault("end in the answer", ANSWER, E.LOST, inject.ended_in_the_answer, carried_out=True),
    Fault("answer never ends", ANSWER, E.LOST, inject.endless_answer, carried_out=True),
    Fault("slow, within the time", ANSWER, E.HARMLESS, inject.slow_in_time, carried_out=True),
    Fault(
        "slow, beyond the time", ANSWER, E.OUT_OF_TIME, inject.slow_out_of_time, carried_out=True
    ),
    Fault("web page, 200", ANSWER, E.GARBLED, inject.page, carried_out=True),
    Fault("JSON cut short", ANSWER, E.GARBLED, inject.cut_json, carried_out=True),
    Fault("JSON of another shape", ANSWER, E.GARBLED, inject.other_shape, carried_out=True),
    Fault("JSON without its fields", ANSWER, E.GARBLED, inject.no_fields, carried_out=True),
    Fault("JSON over the limit", ANSWER, E.TOO_LONG, inject.over_long, carried_out=True),
    Fault("302 to another host", REFUSAL, E.REDIRECTED, inject.redirect(302)),
    Fault("307 to another host", REFUSAL, E.REDIRECTED, inject.redirect(307)),
    Fault("401", REFUSAL, E.REFUSED, inject.status(401), error=TokenRefusedError),
    Fault("402", REFUSAL, E.REFUSED, inject.status(402), error=OperatorError),
    Fault("403", REFUSAL, E.REFUSED, inject.status(403), error=TokenRefusedError),
    Fault("404", REFUSAL, E.REFUSED, inject.status(404), error=NotFoundError),
    Fault("409", REFUSAL, E.REFUSED, inject.status(409), error=InvalidRequestError),
    Fault("413", REFUSAL, E.REFUSED, inject.status(413), error=InvalidRequestError),
    Fault("429", REFUSAL, E.BUSY, inject.status(429)),
    Fault("429, Retry-After 1", REFUSAL, E.BUSY, inject.status(429, Retry_After="1")),
    Fault(
        "429, Retry-After 3600", REFUSAL, E.BUSY_FOR_LONG, inject.status(429, Retry_After="3600")
    ),
    Fault("500, not carried out", REFUSAL, E.FAILING, inject.status(500)),
    Fault("500, carried out", REFUSAL, E.FAILING, inject.status_after(500), carried_out=True),
    Fault("502, not carried out", REFUSAL, E.LOST, inject.status(502)),
    Fault("502, carried out", REFUSAL, E.LOST, inject.status_after(502), carried_out=True),
    Fault("503, Retry-After 1", REFUSAL, E.LOST, inject.status(503, Retry_After="1")),
    Fault("504, carried out", REFUSAL, E.LOST, inject.status_after(504), carried_out=True),
    Fault(
        "an hour behind, 429 until a date",
        CLOCK,
        E.BUSY,
        inject.busy_until_a_date,
        clock_off=-HOUR,
    ),
    Fault(
        "jumps ahead, reset, carried out",
        CLOCK,
        E.LOST,
        inject.reset_after,
        carried_out=True,
        jump=HOUR,
    ),
    Fault(
        "jumps back, reset, carried out",
        CLOCK,
        E.LOST,
        inject.reset_after,
        carried_out=True,
        jump=-HOUR,
    ),
)
