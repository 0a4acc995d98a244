"""The faults, as data: where each strikes, how it is injected, and what may be known after it."""

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
    """What a client can know after a fault. The promises are made by this, not by the fault."""

    UNREACHED = auto()
    """Nothing has left: certain, and time may mend it."""
    LOST = auto()
    """The request may have been carried out; time may mend it."""
    FAILING = auto()
    """As LOST, and the service says that it failed, not that it is busy."""
    OUT_OF_TIME = auto()
    """As LOST, and the time for the whole call is used up."""
    GARBLED = auto()
    """A success that is not the contract: it may have been carried out, and stays as it is."""
    TOO_LONG = auto()
    """A success that is not read to its end; another try would be as long."""
    BUSY = auto()
    """Refused before anything was done; time mends it, soon."""
    BUSY_FOR_LONG = auto()
    """Refused before anything was done, for longer than a call may take."""
    REFUSED = auto()
    """Refused before anything was done; `Fault.error` says who acts."""
    REDIRECTED = auto()
    """Sent somewhere else, which is not followed."""
    HARMLESS = auto()
    """Slow or odd, and within what is allowed."""


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong."""

    name: str
    stage: str
    """A heading of the table: when it strikes."""
    effect: Effect
    inject: Injection | None = None
    """What the proxy does to a request; None where the address is at fault."""
    then: Injection | None = None
    """What it does to the requests after the first one, where that is something else."""
    carried_out: bool = False
    """Whether the service did what it was asked."""
    error: type[EvalsMCPError] | None = None
    """The error of a REFUSED one, and of what `then` refuses."""
    address: Callable[[str], str] | None = None
    """From the proxy's address to the one that is configured."""
    clock_off: timedelta = timedelta()
    """How wrong this machine's clock is from the beginning."""
    jump: timedelta = timedelta()
    """How far this machine's clock jumps once a request is there."""

    @property
    def waits(self) -> bool:
        """Whether it takes its time."""
        return self.inject in _SLOW


_SLOW = (inject.silent, inject.silent_after, inject.endless_answer, inject.slow_out_of_time)

HOUR = timedelta(hours=1)

CONNECT, REQUEST, WAIT, ANSWER = (
    "before the connection",
    "while it is sent",
    "while it is awaited",
    "in the answer",
)
REFUSAL, CLOCK = "instead of the answer", "the clock of this machine"

_NO_SUCH_HOST = f"http://{'.'.join(['no-such-host'] * 24)}.invalid"
"""Longer than a name may be: no resolver asks anybody else for it."""

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
