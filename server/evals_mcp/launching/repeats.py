"""Never twice: finds the evaluation that an identical create has started, here or elsewhere.

This process remembers what it has started; for others, and for creates whose answer was lost, the
service's list is searched. Times of creation are the service's own.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar
from weakref import WeakValueDictionary

import anyio

from evals_mcp.errors import AmbiguousCreateError, EvalsMCPError, UnavailableError, UnsupportedError
from evals_mcp.launching.codes import Code
from evals_mcp.launching.launch import Launch, parameters_of
from evals_mcp.providers.same_request import CLOCK_SKEW, SEARCHED_JOBS, created_at, same_request
from evals_mcp.providers.several.provider import evaluations_of
from evals_schemas.evaluation_api.evaluations import EvaluationJob

UNCERTAIN_SECONDS = 60.0
"""How long an evaluation that a lost create may have started is waited for."""

REMEMBERED = 1_000
"""How many creates are remembered; the oldest is forgotten."""

_FAILED = frozenset({"error", "user_error"})
_Entry = TypeVar("_Entry")


@dataclass(frozen=True)
class Started:
    """An evaluation, as far as a create needs to know."""

    evaluation_id: str
    status: str
    at: datetime
    """When it was created or, of an earlier one, found."""
    note: str | None = None
    """What the service says of its progress, such as that it is being cancelled."""


@dataclass(frozen=True)
class _Lost:
    """A create that was sent and whose end is not known."""

    since: datetime
    sent: datetime
    key: str


class Repeats:
    """What this process has started, by the fingerprint of the request."""

    def __init__(self, repeat_seconds: float, now: Callable[[], datetime]) -> None:
        """Begin with nothing started.

        Args:
            repeat_seconds: for how long an identical create is taken for a repetition; 0 never.
            now: the time, with its zone.
        """
        self._window = timedelta(seconds=repeat_seconds)
        self._now = now
        self._started: OrderedDict[str, Started] = OrderedDict()
        self._by_code: OrderedDict[str, tuple[str, Started]] = OrderedDict()
        self._known: OrderedDict[str, None] = OrderedDict()
        self._lost: OrderedDict[str, _Lost] = OrderedDict()
        self._locks: WeakValueDictionary[str, anyio.Lock] = WeakValueDictionary()

    def lock(self, launch: Launch) -> anyio.Lock:
        """Held by one of several identical creates at a time."""
        return self._locks.setdefault(launch.fingerprint, anyio.Lock())

    def started_under(self, code: Code, fingerprint: str) -> Started | None:
        """What this process has started for this request under a code, however old that is."""
        by, started = self._by_code.get(code.text, ("", None))
        return started if by == fingerprint else None

    async def earlier(self, launch: Launch) -> Started | None:
        """The evaluation that an identical create has started, which makes this one a repetition.

        Raises:
            AmbiguousCreateError: an identical one may have been started a moment ago; says for how
                long to wait.
            EvalsMCPError: the service's list cannot be read.
        """
        mark = launch.fingerprint
        if launch.code and (own := self.started_under(launch.code, mark)):
            return own
        lost = self._lost_one(launch)
        within = self._window and not launch.again
        if not (within or lost or launch.code):
            return None
        jobs = same_request(
            await _listed(launch), launch.request.type, parameters_of(launch.request)
        )
        if job := self._found(jobs, launch, lost):
            found = _known(job, created_at(job))
            self._remember(launch, found)
            return found
        if lost and (left := self._seconds_left(lost)) > 0:
            raise AmbiguousCreateError(_still_unknown(left))
        remembered = self._started.get(mark) if within else None
        if remembered and self._now() - remembered.at <= self._window:
            return await _unless_failed(remembered, launch)
        return None

    async def create(self, launch: Launch, key: str | None) -> Started:
        """Start it; whoever calls holds the lock, and `earlier` has found nothing.

        Args:
            launch: what to start.
            key: idempotency key; one is drawn if absent.

        Raises:
            AmbiguousCreateError: it may have been started; the next identical create finds out.
            EvalsMCPError: it was not.
        """
        lost, now = self._lost_one(launch), self._now()
        key = key or (lost.key if lost else secrets.token_hex(16))
        # Noted before it is sent: a call that is cancelled half-way leaves the note behind.
        _note(self._lost, _errand(launch), _Lost(lost.since if lost else now, now, key))
        try:
            created = await launch.provider.create_evaluation(launch.request, key)
        except AmbiguousCreateError:
            raise
        except EvalsMCPError:
            self._lost.pop(_errand(launch), None)
            raise
        started = Started(created.workflow_id, created.status, self._now())
        self._remember(launch, started)
        return started

    def _remember(self, launch: Launch, started: Started) -> None:
        self._lost.pop(_errand(launch), None)
        _note(self._known, started.evaluation_id, None)
        _note(self._started, launch.fingerprint, started)
        if launch.code:
            _note(self._by_code, launch.code.text, (launch.fingerprint, started))

    def _lost_one(self, launch: Launch) -> _Lost | None:
        """The create of the same errand whose end is not known; `again` by itself is a new one."""
        if launch.again and not launch.code:
            return None
        return self._lost.get(_errand(launch))

    def _found(
        self, jobs: list[EvaluationJob], launch: Launch, lost: _Lost | None
    ) -> EvaluationJob | None:
        """The newest one that is a repetition, or that a code or a lost create has started."""
        origins = [launch.code.issued] if launch.code else []
        origins += [lost.since - CLOCK_SKEW] if lost else []
        window = None if launch.again or not self._window else self._now() - self._window
        for job in jobs:
            created = created_at(job)
            if window and created >= window and job.status not in _FAILED:
                return job
            if job.workflow_id not in self._known and any(created >= origin for origin in origins):
                return job
        return None

    def _seconds_left(self, lost: _Lost) -> float:
        return UNCERTAIN_SECONDS - (self._now() - lost.sent).total_seconds()


def _errand(launch: Launch) -> str:
    """What a create and its repetitions share: the request or, for another one, its code."""
    if launch.again and launch.code:
        return launch.code.text
    return launch.fingerprint


async def _listed(launch: Launch) -> list[EvaluationJob]:
    """The service's newest evaluations; none where it has no such list."""
    try:
        jobs, failures = await evaluations_of(launch.provider, limit=SEARCHED_JOBS)
    except UnsupportedError:
        return []
    service = launch.service
    for failure in failures:
        if service in {launch.provider.name, failure.service}:
            raise UnavailableError(
                f"Whether the same evaluation was just started cannot be told. {failure.message}"
            )
    return jobs


async def _unless_failed(started: Started, launch: Launch) -> Started | None:
    """A remembered evaluation with its status now; None once it has failed."""
    try:
        job = await launch.provider.get_evaluation(started.evaluation_id)
    except EvalsMCPError:
        return started
    return None if job.status in _FAILED else _known(job, started.at)


def _known(job: EvaluationJob, at: datetime) -> Started:
    return Started(job.workflow_id, job.status, at, job.progress.note if job.progress else None)


def _still_unknown(seconds: float) -> str:
    return (
        "The same evaluation was sent a moment ago, its answer was lost, and the service does not "
        "list it yet: it may still appear. Nothing new was started. Call create_evaluation again "
        f"in {seconds:.0f} s, which looks for it first, or with `again` true to start one all the "
        "same."
    )


def _note(notes: OrderedDict[str, _Entry], name: str, entry: _Entry) -> None:
    notes[name] = entry
    notes.move_to_end(name)
    if len(notes) > REMEMBERED:
        notes.popitem(last=False)
