"""Finds the evaluation that an identical create has started, so that none is started twice.

What was started, and what was sent without an answer, is recorded in the state, which all
processes of one data folder share. For other servers, and for creates without an answer, the
service's list is searched, by the creation times that the service reports.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from anyio import to_thread

from evals_mcp.errors import (
    AmbiguousCreateError,
    EvalsMCPError,
    InvalidRequestError,
    OperatorError,
)
from evals_mcp.launching.attempts import Attempts, identical_evaluations, newest_evaluations
from evals_mcp.launching.codes import Code
from evals_mcp.launching.launch import Launch
from evals_mcp.providers.same_request import CLOCK_SKEW, SEARCHED_JOBS
from evals_mcp.providers.times import created_at
from evals_mcp.state.kinds import STARTED, UNSETTLED
from evals_schemas.digests import value_digest
from evals_schemas.evaluation_api.evaluations import ENDED, EvaluationCreated, EvaluationJob

if TYPE_CHECKING:
    from evals_mcp.spending.records import Spending
    from evals_mcp.state.records import PrincipalRecords

UNCERTAIN_SECONDS = 60.0
"""Seconds after a create without an answer in which its evaluation may still appear."""

EVALUATIONS_OF_A_REQUEST = 50
"""Most evaluations of one request that are recorded; the oldest is forgotten."""

_FAILED = frozenset({"error", "user_error"})

log = logging.getLogger(__name__)


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
class EarlierCreates:
    """The result of a search for identical creates."""

    evaluation: StartedEvaluation | None = None
    """The evaluation that the create would repeat; None if it may start another one."""
    unsettled: _UnsettledCreate | None = None
    """The create without an answer that this one repeats."""
    jobs: list[EvaluationJob] = field(default_factory=list[EvaluationJob])
    """The identical evaluations in the service's list, newest first."""
    list_is_complete: bool = True
    """Whether the service has no more evaluations than it listed."""


@dataclass(frozen=True)
class _UnsettledCreate:
    """A create that was sent and has no answer."""

    first_sent: datetime
    last_sent: datetime
    key: str
    """Idempotency key."""


class Repeats:
    """The evaluations that were started for one principal, by the digests of their requests.

    Every method raises `StateError` if the state cannot be used.
    """

    def __init__(
        self,
        repeat_seconds: float,
        now: Callable[[], datetime],
        records: PrincipalRecords,
        spending: Spending,
    ) -> None:
        """Use the records of one principal.

        Args:
            repeat_seconds: seconds in which an identical create counts as a repetition; 0 for none.
            now: returns the time, with its zone.
            records: where creates are recorded.
            spending: where their costs are recorded, and what limits them.
        """
        self._window = timedelta(seconds=repeat_seconds)
        self._now = now
        self._records = records
        self._spending = spending

    async def started_under(self, code: Code, launch: Launch) -> StartedEvaluation | None:
        """Return what was started for a request under a code; None if nothing was."""
        name = _code_name(code)
        for evaluation in reversed(await self._started(launch)):
            if evaluation["code"] == name:
                return _from_record(evaluation)
        return None

    async def find_earlier(self, launch: Launch) -> StartedEvaluation | None:
        """Return the evaluation that an identical create has started; see `search`."""
        return (await self.search(launch)).evaluation

    async def search(self, launch: Launch) -> EarlierCreates:
        """Search the records and the service's list for identical creates.

        Raises:
            AmbiguousCreateError: an identical create may have started one a moment ago; the message
                says how long to wait.
            EvalsMCPError: the service's list cannot be read.
        """
        if launch.code and (started := await self.started_under(launch.code, launch)):
            return EarlierCreates(started)
        unsettled = await self._unsettled(launch)
        may_repeat = self._window and not launch.again
        if not (may_repeat or unsettled or launch.code):
            return EarlierCreates()
        listed = await newest_evaluations(launch)
        jobs = identical_evaluations(listed, launch)
        if job := await self._repeated_job(jobs, launch, unsettled):
            earlier = _started_from_job(job, created_at(job))
            await self._remember(launch, earlier, unsettled.key if unsettled else None)
            return EarlierCreates(earlier)
        if unsettled and (seconds := self._seconds_to_wait(unsettled)) > 0:
            raise AmbiguousCreateError(_may_still_appear(seconds))
        evaluation = await self._recorded(launch) if may_repeat else None
        return EarlierCreates(evaluation, unsettled, jobs, len(listed) < SEARCHED_JOBS)

    async def create(
        self, launch: Launch, earlier: EarlierCreates, code_key: str | None
    ) -> StartedEvaluation:
        """Start the evaluation; call this with the lock, after `search` has found none.

        Args:
            launch: the evaluation to start.
            earlier: the result of the search.
            code_key: the idempotency key of the launch's code; None without a code.

        Raises:
            AmbiguousCreateError: the evaluation may have started; the next identical create finds
                out.
            DailyLimitError: the day's limit has no room for the evaluation.
            EvalsMCPError: the evaluation was not started.
        """
        sent: list[str] = []

        async def send(key: str) -> EvaluationCreated:
            # Recorded before it is sent, so that the record remains if this call is cancelled.
            await self._note_sent(launch, earlier.unsettled, key, sent)
            sent.append(key)
            return await launch.provider.create_evaluation(launch.sent_request, key)

        try:
            created = await self._sent(launch, earlier, code_key, send)
        except AmbiguousCreateError:
            raise
        except EvalsMCPError as error:
            await to_thread.run_sync(self._forget_unsettled, launch, sent)
            if isinstance(error, InvalidRequestError) and launch.takes_keys:
                return await self._started_meanwhile(launch, error)
            raise
        started = StartedEvaluation(created.workflow_id, created.status, self._now())
        try:
            await self._remember(launch, started, sent[-1])
        except (OperatorError, InvalidRequestError) as error:
            # The evaluation runs. The record of the create stays, so the next one finds it.
            log.warning("%s was started but not recorded: %s", started.evaluation_id, error)
        return started

    async def _sent(
        self,
        launch: Launch,
        earlier: EarlierCreates,
        code_key: str | None,
        send: Callable[[str], Any],
    ) -> EvaluationCreated:
        """Send the create with the key that stands for this attempt."""
        if earlier.unsettled:
            return await send(earlier.unsettled.key)
        if launch.again or not self._window or not launch.takes_keys:
            return await send(code_key or secrets.token_hex(16))
        oldest = self._now() - max(self._window, CLOCK_SKEW)
        attempts = Attempts(launch, earlier.jobs, oldest, is_complete=earlier.list_is_complete)
        return await attempts.create(send)

    async def _started_meanwhile(
        self, launch: Launch, refused: InvalidRequestError
    ) -> StartedEvaluation:
        """Return the identical evaluation that another server has started a moment ago.

        Its create may have differed in fields that do not change what is measured, for which the
        service refuses the key. Without such an evaluation, raise the refusal.
        """
        jobs = identical_evaluations(await newest_evaluations(launch), launch)
        if launch.again or (job := await self._repeated_job(jobs, launch, None)) is None:
            raise refused
        started = _started_from_job(job, created_at(job))
        await self._remember(launch, started)
        return started

    async def _started(self, launch: Launch) -> list[dict[str, Any]]:
        """Return the recorded evaluations of a request, the newest last."""
        return await to_thread.run_sync(self._records.get, STARTED, launch.digest) or []

    async def _remember(
        self, launch: Launch, started: StartedEvaluation, key: str | None = None
    ) -> None:
        """Record an evaluation, at the latest time that any record of it has.

        The time of a start is by our clock, and the time in the list by the service's, which may
        be hours behind: an evaluation of a moment ago would count as old, and be started again.

        Args:
            launch: the create.
            started: the evaluation.
            key: the idempotency key under which it was sent; None if it was only found.
        """
        evaluation = {
            "id": started.evaluation_id,
            "status": started.status,
            "at": started.at.isoformat(),
            "code": _code_name(launch.code) if launch.code else None,
        }

        def add(recorded: list[dict[str, Any]] | None) -> list[dict[str, Any]]:
            of_it = [each for each in recorded or [] if each["id"] == evaluation["id"]]
            others = [
                each
                for each in recorded or []
                if each not in of_it or each["code"] != evaluation["code"]
            ]
            times = [datetime.fromisoformat(each["at"]) for each in of_it]
            latest = max([started.at, *times]).isoformat()
            return [*others, evaluation | {"at": latest}][-EVALUATIONS_OF_A_REQUEST:]

        def record() -> None:
            with self._records.together() as records:
                records.update(STARTED, launch.digest, add)
                records.delete(UNSETTLED, _repetition_name(launch))
                if key is not None:
                    service = launch.provider.service_of(started.evaluation_id).name
                    self._spending.started(records, key, service, started.evaluation_id)

        await to_thread.run_sync(record)

    async def _recorded(self, launch: Launch) -> StartedEvaluation | None:
        """Return the newest recorded evaluation that this launch repeats."""
        recorded = await self._started(launch)
        if not recorded:
            return None
        started = _from_record(recorded[-1])
        is_young = self._now() - started.at <= self._window
        try:
            job = await launch.provider.get_evaluation(started.evaluation_id)
        except EvalsMCPError:
            return started if is_young else None
        return _started_from_job(job, started.at) if _is_repeated(job, is_young) else None

    async def _unsettled(self, launch: Launch) -> _UnsettledCreate | None:
        """Return the unsettled create that this launch repeats; `again` without a code is new."""
        if launch.again and not launch.code:
            return None
        value = await to_thread.run_sync(self._records.get, UNSETTLED, _repetition_name(launch))
        if value is None:
            return None
        first, last = (datetime.fromisoformat(value[name]) for name in ("first_sent", "last_sent"))
        return _UnsettledCreate(first, last, value["key"])

    async def _note_sent(
        self, launch: Launch, earlier: _UnsettledCreate | None, key: str, sent: Sequence[str]
    ) -> None:
        """Record a create and its cost as one unit, in place of those that this call has sent.

        Raises:
            DailyLimitError: the day's limit has no room for it.
        """
        now = self._now().astimezone(UTC)
        value = {
            "first_sent": (earlier.first_sent if earlier else now).isoformat(),
            "last_sent": now.isoformat(),
            "key": key,
        }

        def record() -> None:
            with self._records.together() as records:
                for earlier_key in sent:
                    self._spending.release(records, earlier_key)
                if launch.plan.calls != 0:
                    self._spending.reserve(records, key, launch.plan.cost_usd)
                records.put(UNSETTLED, _repetition_name(launch), value)

        await to_thread.run_sync(record)

    def _forget_unsettled(self, launch: Launch, keys: Sequence[str]) -> None:
        """Forget a create that has started nothing, and what it would have cost."""
        with self._records.together() as records:
            records.delete(UNSETTLED, _repetition_name(launch))
            for key in keys:
                self._spending.release(records, key)

    async def _repeated_job(
        self, jobs: list[EvaluationJob], launch: Launch, unsettled: _UnsettledCreate | None
    ) -> EvaluationJob | None:
        """Return the newest job that this launch repeats.

        This is a job that still runs or is within the time for repetitions, or a job that is not
        recorded and that was created after the launch's code or after the unsettled create.
        """
        earliest_times = [launch.code.issued] if launch.code else []
        earliest_times += [unsettled.first_sent - CLOCK_SKEW] if unsettled else []
        window_start = None if launch.again or not self._window else self._now() - self._window
        recorded_ids: set[str] | None = None
        for job in jobs:
            created = created_at(job)
            if window_start and _is_repeated(job, created >= window_start):
                return job
            if any(created >= earliest for earliest in earliest_times):
                if recorded_ids is None:
                    recorded_ids = await self._recorded_ids()
                if job.workflow_id not in recorded_ids:
                    return job
        return None

    async def _recorded_ids(self) -> set[str]:
        records = await to_thread.run_sync(self._records.list, STARTED)
        return {evaluation["id"] for record in records for evaluation in record.value}

    def _seconds_to_wait(self, create: _UnsettledCreate) -> float:
        return UNCERTAIN_SECONDS - (self._now() - create.last_sent).total_seconds()


def _code_name(code: Code) -> str:
    """Return a name for a code, from which the code cannot be read."""
    return f"code-{sha256(code.text.encode()).hexdigest()[:32]}"


def _repetition_name(launch: Launch) -> str:
    """Return what a create and its repetitions share: the request and, with `again`, the code."""
    if launch.again and launch.code:
        # Several requests may start under one code.
        return value_digest("repetition", [_code_name(launch.code), launch.digest])
    return launch.digest


def _is_repeated(job: EvaluationJob, is_young: bool) -> bool:
    """Return whether an identical create repeats a job: it runs, or is young and has not failed."""
    return job.status not in ENDED or (is_young and job.status not in _FAILED)


def _started_from_job(job: EvaluationJob, at: datetime) -> StartedEvaluation:
    return StartedEvaluation(
        job.workflow_id, job.status, at, job.progress.note if job.progress else None
    )


def _from_record(evaluation: dict[str, Any]) -> StartedEvaluation:
    at = datetime.fromisoformat(evaluation["at"])
    return StartedEvaluation(evaluation["id"], evaluation["status"], at)


def _may_still_appear(seconds: float) -> str:
    return (
        "The same evaluation was sent a moment ago, the answer was lost, and the service does not "
        "list the evaluation yet: it may still appear. Nothing new was started. Call "
        f"create_evaluation again in {seconds:.0f} s, which looks for it first, or with `again` "
        "true to start one anyway."
    )
