"""The promise for each fault at each operation, computed by rules."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from evals_mcp.errors import (
    AmbiguousCreateError,
    BadAnswerError,
    EvalsMCPError,
    NotFoundError,
    UnavailableError,
    UnsupportedError,
)
from evals_mcp.providers.rest.retrying import TRIES
from evals_mcp.providers.together.provider import RESENT
from tests.faults.catalog import ANSWER, Effect, Fault
from tests.faults.operations import Operation

Mode = Literal["once", "always"]
"""Whether the fault is injected into the first request or into every request."""
MODES: tuple[Mode, ...] = ("once", "always")


@dataclass(frozen=True)
class Outcome:
    """The end of a call."""

    error: type[EvalsMCPError] | None
    """None for a success."""
    asked: int = 1
    """Number of requests that the fault is aimed at and that were sent."""
    things: int | None = None
    """Number of evaluations or files that exist afterwards; None if the call creates none."""


_RETRIED = frozenset({Effect.UNREACHED, Effect.LOST, Effect.BUSY})
_CERTAIN = frozenset(
    {Effect.UNREACHED, Effect.BUSY, Effect.BUSY_FOR_LONG, Effect.REFUSED, Effect.REDIRECTED}
)
"""Effects after which the request was certainly not carried out."""


def promised(fault: Fault, operation: Operation, mode: Mode) -> Outcome:
    """Return how a call ends if the fault is injected once, or always."""
    if fault.address:
        # No request reaches the proxy.
        return replace(_outcome(fault, operation, "always"), asked=0)
    return _outcome(fault, operation, mode)


def promised_after_three_calls(fault: Fault, operation: Operation) -> int:
    """Return how many evaluations three identical calls start, with a fault in one of them."""
    if fault.address:
        return 0
    if fault.effect in _CERTAIN or fault.carried_out or operation.contract == "local":
        return 1
    # It is not in the list, and for a minute no other is started.
    return 0


def _outcome(fault: Fault, operation: Operation, mode: Mode) -> Outcome:
    match operation.kind:
        case "create":
            return _create(fault, operation, mode)
        case "upload":
            things = int(fault.carried_out)
            return replace(_change(fault, operation), things=things)
        case "cancel":
            return _change(fault, operation)
        case "read" | "stream" | "rows":
            return _read(fault, operation, mode)


def _change(fault: Fault, operation: Operation) -> Outcome:
    """Return the outcome of a change, which is sent only once."""
    if fault.effect is Effect.HARMLESS:
        return Outcome(None)
    if fault.effect in _CERTAIN:
        return Outcome(_certain_error(fault, operation))
    return Outcome(UnavailableError)


def _create(fault: Fault, operation: Operation, mode: Mode) -> Outcome:
    done = int(fault.carried_out)
    if fault.effect is Effect.HARMLESS or fault.effect in _CERTAIN:
        return replace(_change(fault, operation), things=done)
    if operation.contract == "local":
        return _sent_with_a_key(fault, mode)
    if mode == "always":
        listed = 1 if fault.then else _read(fault, operation, mode).asked
        return Outcome(AmbiguousCreateError, 1 + listed, done)
    return Outcome(None if _is_found(fault, operation) else AmbiguousCreateError, 2, done)


def _is_found(fault: Fault, operation: Operation) -> bool:
    """Return whether the list contains the evaluation, with a time that is new by both clocks."""
    by_both_clocks = operation.contract == "benchmark"
    return fault.carried_out and not (by_both_clocks and fault.jump.total_seconds() < 0)


def _sent_with_a_key(fault: Fault, mode: Mode) -> Outcome:
    if mode == "once":
        return Outcome(None, 2, 1)
    resent = 1 if fault.effect is Effect.OUT_OF_TIME or fault.then else RESENT
    return Outcome(AmbiguousCreateError, 1 + resent, int(fault.carried_out))


def _read(fault: Fault, operation: Operation, mode: Mode) -> Outcome:
    if operation.kind in {"stream", "rows"} and fault.stage == ANSWER:
        return Outcome(_stream_error(fault, operation))
    server_error = fault.effect is Effect.FAILING and operation.contract == "benchmark"
    if fault.effect in _RETRIED or server_error:
        if mode == "once":
            return Outcome(None, 2)
        return Outcome(fault.error, 2) if fault.then else Outcome(UnavailableError, TRIES)
    return Outcome(_read_error(fault, operation))


def _read_error(fault: Fault, operation: Operation) -> type[EvalsMCPError] | None:
    match fault.effect:
        case Effect.HARMLESS:
            return None
        case Effect.GARBLED:
            forgiven = operation.lenient and fault.name == "JSON without its fields"
            return None if forgiven else BadAnswerError
        case Effect.REFUSED | Effect.REDIRECTED:
            return _certain_error(fault, operation)
        case _:
            return UnavailableError


def _stream_error(fault: Fault, operation: Operation) -> type[EvalsMCPError] | None:
    """Return the error of a stream, whose bytes are passed on as they come, however slowly."""
    if fault.effect is Effect.LOST:
        return UnavailableError
    reads_json = operation.kind == "rows" or fault.name == "web page, 200"
    return BadAnswerError if fault.effect is Effect.GARBLED and reads_json else None


def _certain_error(fault: Fault, operation: Operation) -> type[EvalsMCPError] | None:
    if fault.effect is Effect.REDIRECTED:
        return BadAnswerError
    if fault.effect is not Effect.REFUSED:
        return UnavailableError
    if fault.name in map(str, operation.forgives):
        return None
    named = operation.by_id or operation.kind == "create"
    if fault.error is NotFoundError and not named:
        return UnsupportedError
    return fault.error
