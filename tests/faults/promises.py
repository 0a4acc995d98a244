"""What is promised for a fault at an operation, by rule."""

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
from evals_mcp.providers.together import RESENT
from tests.faults.catalog import ANSWER, Effect, Fault
from tests.faults.operations import Operation

Mode = Literal["once", "always"]
"""Whether the first request is struck, or every one."""
MODES: tuple[Mode, ...] = ("once", "always")


@dataclass(frozen=True)
class Outcome:
    """How a call ends."""

    error: type[EvalsMCPError] | None
    """None for a success."""
    asked: int = 1
    """Requests of the struck kind that left."""
    things: int | None = None
    """Evaluations or files that the service has of it; None for what makes none."""


_RETRIED = frozenset({Effect.UNREACHED, Effect.LOST, Effect.BUSY})
_CERTAIN = frozenset(
    {Effect.UNREACHED, Effect.BUSY, Effect.BUSY_FOR_LONG, Effect.REFUSED, Effect.REDIRECTED}
)
"""After these nothing was done."""


def promised(fault: Fault, operation: Operation, mode: Mode) -> Outcome:
    """How a call ends when the fault strikes it once, or always."""
    if fault.address:
        # No request gets as far as the proxy, this time or another.
        return replace(_outcome(fault, operation, "always"), asked=0)
    return _outcome(fault, operation, mode)


def promised_after_three_calls(fault: Fault, operation: Operation) -> int:
    """How many evaluations three identical tool calls have started, of which one was struck."""
    if fault.address:
        return 0
    if fault.effect in _CERTAIN or fault.carried_out or operation.contract == "local":
        return 1
    # Not in the list, and a minute is waited for it before another is started.
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
    """Sent once, whatever happens."""
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
    """Whether the list settles it: it is there, and of this moment by both clocks."""
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
    """Once the bytes come they are handed on; a file may be long, and slow."""
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
