"""Translates the service's status words into states of an evaluation, with a deadline."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from evals_mcp.cleaning import clean, inert, quoted
from evals_mcp.providers.endings import ending_reason
from evals_mcp.providers.times import aware
from evals_schemas.benchmark_api.benchmarks import BenchmarkStatus
from evals_schemas.evaluation_api.evaluations import ENDED, Progress
from evals_schemas.reasons import Reason

_STATES = {
    "pending": "pending",
    "created": "pending",
    "queued": "queued",
    "in_progress": "running",
    "running": "running",
    "processing": "running",
    "evaluating": "running",
    "evaluated": "running",
    "ready": "completed",
    "completed": "completed",
    "failed": "error",
    "error": "error",
}
"""States by the status words of all generations, in lower case."""

_COUNTS = re.compile(r"\s*([0-9]{1,15})\s*/\s*([0-9]{1,15})")


@dataclass(frozen=True)
class EvaluationState:
    """The state of an evaluation, and why it failed."""

    status: str
    """A `State`, or the service's own unknown word, which counts as running."""
    error: str | None = None
    """Why the evaluation failed or was given up; None otherwise."""
    reason: Reason | None = None
    """The code for `error`; None without a code."""

    @property
    def ended(self) -> bool:
        """Whether the evaluation has ended."""
        return self.status in ENDED


class Deadline:
    """The time after which an unfinished evaluation is reported as failed."""

    def __init__(self, limit: timedelta | None, clock: Callable[[], datetime]) -> None:
        """Set the limit, counted from an evaluation's creation; None sets no limit."""
        self._limit = limit
        self._clock = clock

    @property
    def exists(self) -> bool:
        """Whether there is a limit."""
        return self._limit is not None

    def applied(
        self, state: EvaluationState, word: str, created_at: datetime | None
    ) -> EvaluationState:
        """Return the state, or an error if the evaluation has been unfinished for too long.

        Args:
            state: The state without a deadline.
            word: The service's status word, for the message.
            created_at: When the evaluation was created; None if unknown, then no deadline applies.
        """
        if state.ended or self._limit is None or created_at is None:
            return state
        age = self._clock() - aware(created_at)
        if age <= self._limit:
            return state
        return EvaluationState(
            "error",
            f"The service has reported {quoted(word, 40)} for {_in_words(age)}, longer than "
            "nugen.deadline_hours allows. The evaluation may still run there, and cost. Raise "
            "nugen.deadline_hours to keep waiting, or call create_evaluation to start anew.",
        )


def _in_words(age: timedelta) -> str:
    """Return the age in minutes below an hour, and with one decimal below ten hours."""
    seconds = age.total_seconds()
    if seconds < 60:
        return "less than a minute"
    if seconds < 3600:
        return f"{seconds // 60:.0f} min"
    return f"{seconds / 3600:.{0 if seconds >= 36_000 else 1}f} h"


def state_of(word: str) -> str:
    """Return the `State` that a status word means in any case; an unknown word cleaned."""
    normal = re.sub(r"[\s-]+", "_", word.strip().casefold())
    return _STATES.get(normal) or inert(word, 40) or "unknown"


def waits_for_results(word: str) -> bool:
    """Return whether only the results tell if the evaluation has ended: all rows are judged."""
    return word.strip().casefold() == "evaluated"


def evaluation_state(word: str, error: str | None, code: str | None = None) -> EvaluationState:
    """Return the state that a status word and the error beside it mean, without a deadline.

    The embedded engine's word for a cancelled evaluation is `failed`; the code tells it apart.
    """
    state = state_of(word)
    if state not in ENDED or state == "completed":
        return EvaluationState(state)
    error = clean(error or "", 300)
    reason = ending_reason("user_error", error, code)
    return EvaluationState(
        "user_error" if reason is Reason.CANCELLED else "error",
        error or f"The service reports {quoted(word, 40)} without a reason.",
        reason,
    )


def progress_of(status: BenchmarkStatus) -> Progress | None:
    """Return the answered questions, counted once per model; None if not reported."""
    done, total = status.questions_completed, status.total_questions
    if done is None and (counts := _COUNTS.match(status.progress or "")):
        done = int(counts[1])
        total = int(counts[2]) if total is None else total
    if done is None:
        return None
    note = inert(status.note, 300) if status.note else None
    return Progress(done=done, total=total, note=note)
