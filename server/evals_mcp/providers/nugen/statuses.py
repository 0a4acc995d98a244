"""From the service's status words to the states of an evaluation, with a deadline for all."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from evals_mcp.cleaning import clean
from evals_mcp.providers.endings import ending_reason
from evals_mcp.providers.nugen.times import aware
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
"""By the words of all generations, in lower case."""

_COUNTS = re.compile(r"\s*([0-9]{1,15})\s*/\s*([0-9]{1,15})")


@dataclass(frozen=True)
class EvaluationState:
    """Where an evaluation is."""

    status: str
    """A `State`, or a word that is none as the service wrote it; that one counts as running."""
    error: str | None = None
    """Why it failed or was given up."""
    reason: Reason | None = None
    """The code for `error`; None where there is none."""

    @property
    def ended(self) -> bool:
        """Whether it is over."""
        return self.status in ENDED


class Deadline:
    """How long an evaluation may be without an end."""

    def __init__(self, limit: timedelta | None, clock: Callable[[], datetime]) -> None:
        """Count from an evaluation's creation; None waits for ever."""
        self._limit = limit
        self._clock = clock

    @property
    def exists(self) -> bool:
        """Whether the time of a creation matters."""
        return self._limit is not None

    def applied(
        self, standing: EvaluationState, said: str, created_at: datetime | None
    ) -> EvaluationState:
        """The standing, or an error where it has been unfinished for too long."""
        if standing.ended or self._limit is None or created_at is None:
            return standing
        age = self._clock() - aware(created_at)
        if age <= self._limit:
            return standing
        return EvaluationState(
            "error",
            f"The service has said {clean(said, 40)!r} for {_in_words(age)}, longer than "
            "nugen.deadline_hours allows. It may still go on there, and cost. Raise "
            "nugen.deadline_hours to go on waiting, or call create_evaluation to start anew.",
        )


def _in_words(age: timedelta) -> str:
    """To the minute below an hour, with one decimal below ten hours."""
    seconds = age.total_seconds()
    if seconds < 60:
        return "less than a minute"
    if seconds < 3600:
        return f"{seconds // 60:.0f} min"
    return f"{seconds / 3600:.{0 if seconds >= 36_000 else 1}f} h"


def state_of(said: str) -> str:
    """The state that a status word means, read without regard to case; an unknown word as it is."""
    word = re.sub(r"[\s-]+", "_", said.strip().casefold())
    return _STATES.get(word) or clean(said, 40) or "unknown"


def waits_for_results(said: str) -> bool:
    """Whether the word leaves open if the results are there: judged, perhaps not summed up."""
    return said.strip().casefold() == "evaluated"


def evaluation_state(said: str, error: str | None, code: str | None = None) -> EvaluationState:
    """Return the state that a status word and the error beside it mean, whatever the time.

    The embedded engine's word for a cancelled evaluation is `failed`; the code tells it apart.
    """
    state = state_of(said)
    if state not in ENDED or state == "completed":
        return EvaluationState(state)
    error = clean(error or "", 300)
    reason = ending_reason("user_error", error, code)
    return EvaluationState(
        "user_error" if reason is Reason.CANCELLED else "error",
        error or f"The service says {clean(said, 40)!r} and gives no reason.",
        reason,
    )


def progress_of(told: BenchmarkStatus) -> Progress | None:
    """Questions done of questions times models; None where the service does not tell."""
    done, total = told.questions_completed, told.total_questions
    if done is None and (counts := _COUNTS.match(told.progress or "")):
        done = int(counts[1])
        total = int(counts[2]) if total is None else total
    if done is None:
        return None
    return Progress(done=done, total=total, note=clean(told.note, 300) if told.note else None)
