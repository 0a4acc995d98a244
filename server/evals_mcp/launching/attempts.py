"""Sends a create to a service that starts one evaluation for each idempotency key.

The key is derived from the request's digest and from the attempt: the newest identical evaluation
before it, whose repetition is allowed. Servers that share an engine but no data folder derive the
same key, so their identical creates start one evaluation. When that one has failed or is old enough
to be repeated, it becomes the evaluation before the next attempt, and the key is another one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime

from evals_mcp.errors import InvalidRequestError, UnavailableError, UnsupportedError
from evals_mcp.launching.launch import Launch, parameters_of
from evals_mcp.providers.same_request import SEARCHED_JOBS, same_request
from evals_mcp.providers.times import created_at
from evals_schemas.digests import value_digest
from evals_schemas.evaluation_api.evaluations import ENDED, EvaluationCreated, EvaluationJob

MOST_ATTEMPTS = 1_000
"""Most creates that are sent to pass by earlier attempts that the service no longer lists."""

Send = Callable[[str], Awaitable[EvaluationCreated]]
"""Sends the create with this idempotency key."""


class Attempts:
    """The attempts at one request, as far as the service's list shows them."""

    def __init__(
        self,
        launch: Launch,
        listed: list[EvaluationJob],
        oldest_repeated: datetime,
        *,
        is_complete: bool,
    ) -> None:
        """Start from the service's list.

        Args:
            launch: the evaluation to start.
            listed: the identical evaluations in the list, newest first; all of them have failed or
                are old enough to be repeated.
            oldest_repeated: the time before which an evaluation may be repeated.
            is_complete: whether the list has all evaluations, and not only the newest.
        """
        self._launch = launch
        self._listed_ids = {job.workflow_id for job in listed}
        self._newest_id = listed[0].workflow_id if listed else ""
        self._may_be_unlisted = not listed and not is_complete
        self._oldest_repeated = oldest_repeated

    async def create(self, send: Send) -> EvaluationCreated:
        """Return the evaluation of the first attempt that may not be repeated, started if needed.

        Raises:
            InvalidRequestError: the service refuses the request.
            EvalsMCPError: as `send` raises it.
        """
        try:
            return await self._walk(send, "")
        except InvalidRequestError:
            if not self._may_be_unlisted:
                raise
        # An unlisted attempt may have come with other fields that do not change what is measured,
        # such as num_workers; the service refuses its key.
        return await self._walk(
            send, value_digest("body", parameters_of(self._launch.sent_request))
        )

    async def _walk(self, send: Send, body: str) -> EvaluationCreated:
        previous_id = self._newest_id
        for _ in range(MOST_ATTEMPTS):
            created = await send(attempt_key(self._launch.digest, previous_id, body))
            if not await self._may_repeat(created.workflow_id):
                return created
            previous_id = created.workflow_id
        raise UnavailableError(
            f"More than {MOST_ATTEMPTS:,} identical evaluations were started before and are not "
            "listed any more. Call create_evaluation with `again` true."
        )

    async def _may_repeat(self, evaluation_id: str) -> bool:
        """Return whether an evaluation is an earlier attempt whose repetition is allowed."""
        if evaluation_id in self._listed_ids:
            return True
        if not self._may_be_unlisted:
            return False  # an attempt after the newest one in the list was started just now
        job = await self._launch.provider.get_evaluation(evaluation_id)
        return job.status in ENDED and created_at(job) < self._oldest_repeated


def attempt_key(digest: str, previous_id: str, body: str = "") -> str:
    """Return the idempotency key of a request's attempt after an evaluation; "" for the first."""
    # The id without the name of its service, which only some configurations show.
    own_id = previous_id.rpartition(":")[2]
    return value_digest("attempt", [digest, own_id, body])


def identical_evaluations(listed: list[EvaluationJob], launch: Launch) -> list[EvaluationJob]:
    """Return the evaluations in a list that measure what the launch would measure.

    One that another server has started, with its own state, is known by the file that it was sent.
    """
    kind = launch.request.type
    requested = same_request(listed, kind, launch.parameters)
    sent = same_request(listed, kind, parameters_of(launch.sent_request)) if launch.sent else []
    ids = {job.workflow_id for job in (*requested, *sent)}
    return [job for job in listed if job.workflow_id in ids]


async def newest_evaluations(launch: Launch) -> list[EvaluationJob]:
    """Return the service's newest evaluations; none if the service has no such list.

    Raises:
        UnavailableError: the list cannot be read, so an identical evaluation may be running.
    """
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
