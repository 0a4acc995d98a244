"""How fast running evaluations are, from the progress that was seen of late."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from evals_schemas.tools.outputs import StatusOutput
from evals_schemas.tools.page import StatusPage

WINDOW_SECONDS = 30.0
"""Seconds over which the speed is taken."""

LEAST_SECONDS = 2.0
"""Seconds of observation before there is a speed."""

MOST_EVALUATIONS = 64
"""Evaluations whose progress is remembered."""

Seen = deque[tuple[float, int]]
"""Times in seconds, and the units that were done then."""


class Paces:
    """The speeds of evaluations that are looked at."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        """Begin without any observation; `monotonic` returns seconds that never go back."""
        self._monotonic = monotonic
        self._seen: dict[str, Seen] = {}

    def page(self, answer: StatusOutput, *, may_stop: bool) -> StatusPage:
        """Return a status with its share done, its speed and the time left."""
        page = StatusPage(answer=answer, may_stop=may_stop)
        progress = answer.progress
        if progress is None or answer.finished:
            return page
        per_second = self._per_second(answer.evaluation_id, progress.done)
        if progress.total:
            page.percent = round(100 * progress.done / progress.total, 1)
        if per_second:
            page.per_second = round(per_second, 3)
            if progress.total is not None:
                page.seconds_left = round((progress.total - progress.done) / per_second, 1)
        return page

    def _per_second(self, evaluation_id: str, done: int) -> float | None:
        """Add an observation; return the units a second since the oldest of late, None if none."""
        now = self._monotonic()
        seen = self._seen.pop(evaluation_id, deque())
        self._seen[evaluation_id] = seen
        while len(self._seen) > MOST_EVALUATIONS:
            del self._seen[next(iter(self._seen))]
        seen.append((now, done))
        while len(seen) > 2 and seen[0][0] < now - WINDOW_SECONDS:
            seen.popleft()
        start, done_then = seen[0]
        if now - start < LEAST_SECONDS or done <= done_then:
            return None
        return (done - done_then) / (now - start)
