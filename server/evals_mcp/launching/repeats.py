"""Finds the evaluation that an identical create has started, so that none is started twice.

This process remembers what it has started. For other processes, and for creates without an answer,
the service's list is searched, by the creation times that the service reports.
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
from evals_mcp.providers.same_request import CLOCK_SKEW, SEARCHED_JOBS, same_request
from evals_mcp.providers.times import created_at
from evals_schemas.evaluation_api.evaluations import EvaluationJob

UNCERTAIN_SECONDS = 60.0
"""Seconds after a create without an answer in which its evaluation may still appear."""

REMEMBERED = 1_000
"""Most creates that are remembered; the oldest is forgotten."""

_FAILED = frozenset({"error", "user_error"})
_Entry = TypeVar("_Entry")


@dataclass(frozen=True)
class StartedEvaluation:
    """What a create needs to know of an evaluation that was started."""

    evaluation_id: str
    status: str
    at: datetime
    """Time when the evaluation was created or, if it is an earlier one, was found."""
    note: str | None = None
    """What the service reports about the progress, such as that it is being cancelled."""


@dataclass(frozen=True)
class _UnansweredCreate:
    """A create that was sent and has no answer."""

    first_sent: datetime
    last_sent: datetime
    key: str
    """Idempotency key."""


class Repeats:
    """The evaluations that this process has started, by the fingerprint of the request."""

    def __init__(self, repeat_seconds: float, now: Callable[[], datetime]) -> None:
        """Start without any evaluation.

        Args:
            repeat_seconds: seconds in which an identical create counts as a repetition; 0 for none.
            now: returns the time, with its zone.
        """
        self._window = timedelta(seconds=repeat_seconds)
        self._now = now
        self._started: OrderedDict[str, StartedEvaluation] = OrderedDict()
        self._by_code: OrderedDict[str, tuple[str, StartedEvaluation]] = OrderedDict()
        self._remembered_ids: OrderedDict[str, None] = OrderedDict()
        self._unanswered: OrderedDict[str, _UnansweredCreate] = OrderedDict()
        self._locks: WeakValueDictionary[str, anyio.Lock] = WeakValueDictionary()

    def lock(self, launch: Launch) -> anyio.Lock:
        """Return a lock that one of several identical creates holds at a time."""
        return self._locks.setdefault(launch.fingerprint, anyio.Lock())

    def started_under(self, code: Code, fingerprint: str) -> StartedEvaluation | None:
        """Return what this process has started for a request under a code, at any time."""
        request, started = self._by_code.get(code.text, ("", None))
        return started if request == fingerprint else None

    async def find_earlier(self, launch: Launch) -> StartedEvaluation | None:
        """Return the evaluation that an identical create has started; None if no create has.

        Raises:
            AmbiguousCreateError: an identical create may have started one a moment ago; the message
                says how long to wait.
            EvalsMCPError: the service's list cannot be read.
        """
        if launch.code and (started := self.started_under(launch.code, launch.fingerprint)):
            return started
        unanswered = self._unanswered_create(launch)
        may_repeat = self._window and not launch.again
        if not (may_repeat or unanswered or launch.code):
            return None
        jobs = same_request(
            await _newest_evaluations(launch), launch.request.type, parameters_of(launch.request)
        )
        if job := self._repeated_job(jobs, launch, unanswered):
            earlier = _started_from_job(job, created_at(job))
            self._remember(launch, earlier)
            return earlier
        if unanswered and (seconds := self._seconds_to_wait(unanswered)) > 0:
            raise AmbiguousCreateError(_may_still_appear(seconds))
        remembered = self._started.get(launch.fingerprint) if may_repeat else None
        if remembered and self._now() - remembered.at <= self._window:
            return await _unless_failed(remembered, launch)
        return None

    async def create(self, launch: Launch, key: str | None) -> StartedEvaluation:
        """Start the evaluation; call this with the lock, after `find_earlier` has found none.

        Args:
            launch: the evaluation to start.
            key: idempotency key; a random one if None.

        Raises:
            AmbiguousCreateError: the evaluation may have started; the next identical create finds
                out.
            EvalsMCPError: the evaluation was not started.
        """
        earlier, now = self._unanswered_create(launch), self._now()
        key = key or (earlier.key if earlier else secrets.token_hex(16))
        create = _UnansweredCreate(earlier.first_sent if earlier else now, now, key)
        # Recorded before it is sent, so that the record remains if this call is cancelled.
        _record(self._unanswered, _repetition_key(launch), create)
        try:
            created = await launch.provider.create_evaluation(launch.request, key)
        except AmbiguousCreateError:
            raise
        except EvalsMCPError:
            self._unanswered.pop(_repetition_key(launch), None)
            raise
        started = StartedEvaluation(created.workflow_id, created.status, self._now())
        self._remember(launch, started)
        return started

    def _remember(self, launch: Launch, started: StartedEvaluation) -> None:
        self._unanswered.pop(_repetition_key(launch), None)
        _record(self._remembered_ids, started.evaluation_id, None)
        _record(self._started, launch.fingerprint, started)
        if launch.code:
            _record(self._by_code, launch.code.text, (launch.fingerprint, started))

    def _unanswered_create(self, launch: Launch) -> _UnansweredCreate | None:
        """Return the unanswered create that this launch repeats; `again` without a code is new."""
        if launch.again and not launch.code:
            return None
        return self._unanswered.get(_repetition_key(launch))

    def _repeated_job(
        self, jobs: list[EvaluationJob], launch: Launch, unanswered: _UnansweredCreate | None
    ) -> EvaluationJob | None:
        """Return the newest job that this launch repeats.

        This is a job within the time for repetitions, or a job that this process does not know and
        that was created after the launch's code or after the unanswered create.
        """
        earliest_times = [launch.code.issued] if launch.code else []
        earliest_times += [unanswered.first_sent - CLOCK_SKEW] if unanswered else []
        window_start = None if launch.again or not self._window else self._now() - self._window
        for job in jobs:
            created = created_at(job)
            if window_start and created >= window_start and job.status not in _FAILED:
                return job
            is_remembered = job.workflow_id in self._remembered_ids
            if not is_remembered and any(created >= earliest for earliest in earliest_times):
                return job
        return None

    def _seconds_to_wait(self, create: _UnansweredCreate) -> float:
        return UNCERTAIN_SECONDS - (self._now() - create.last_sent).total_seconds()


def _repetition_key(launch: Launch) -> str:
    """Return what a create and its repetitions share: the request or, with `again`, the code."""
    if launch.again and launch.code:
        return launch.code.text
    return launch.fingerprint


async def _newest_evaluations(launch: Launch) -> list[EvaluationJob]:
    """Return the service's newest evaluations; none if the service has no such list."""
    try:
        jobs, failures = await launch.provider.evaluations_with_failures(limit=SEARCHED_JOBS)
    except UnsupportedError:
        return []
    service = launch.service
    for failure in failures:
        if service in {launch.provider.name, failure.service}:
            raise UnavailableError(
                "The list of evaluations cannot be read, so an identical evaluation may be running "
                f"already. {failure.message}"
            )
    return jobs


async def _unless_failed(started: StartedEvaluation, launch: Launch) -> StartedEvaluation | None:
    """Return a remembered evaluation with its present status; None if it has failed."""
    try:
        job = await launch.provider.get_evaluation(started.evaluation_id)
    except EvalsMCPError:
        return started
    return None if job.status in _FAILED else _started_from_job(job, started.at)


def _started_from_job(job: EvaluationJob, at: datetime) -> StartedEvaluation:
    return StartedEvaluation(
        job.workflow_id, job.status, at, job.progress.note if job.progress else None
    )


def _may_still_appear(seconds: float) -> str:
    return (
        "The same evaluation was sent a moment ago, the answer was lost, and the service does not "
        "list the evaluation yet: it may still appear. Nothing new was started. Call "
        f"create_evaluation again in {seconds:.0f} s, which looks for it first, or with `again` "
        "true to start one anyway."
    )


def _record(entries: OrderedDict[str, _Entry], name: str, entry: _Entry) -> None:
    """Add an entry; drop the oldest if there are more than `REMEMBERED`."""
    entries[name] = entry
    entries.move_to_end(name)
    if len(entries) > REMEMBERED:
        entries.popitem(last=False)
