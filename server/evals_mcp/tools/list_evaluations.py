"""`list_evaluations`: pages of the newest evaluations, cut here because services have no pages."""

from __future__ import annotations

from evals_mcp.cleaning import inert
from evals_mcp.errors import InvalidRequestError
from evals_mcp.providers.rest.ids import own_id_of
from evals_mcp.tools.calls.cursors import read_cursor, write_cursor
from evals_mcp.tools.calls.session import ToolSession
from evals_mcp.tools.evaluation_summary import headlines_of
from evals_mcp.tools.job_text import STATUS_SHOWN, failure_reason
from evals_schemas.evaluation_api.evaluations import EvaluationJob
from evals_schemas.tools.inputs import ListEvaluationsInput
from evals_schemas.tools.outputs import EvaluationLine, ListEvaluationsOutput

_REASON = 80
"""Characters of an evaluation's failure in the list; get_evaluation shows more."""

_SERVICE_LIMIT = 100
"""Evaluations that a service lists at most; older ones cannot be listed."""

_OLDER = (
    f"The service lists its newest {_SERVICE_LIMIT} only; older ones can be read by id with "
    "get_evaluation."
)


async def list_evaluations(
    arguments: ListEvaluationsInput, session: ToolSession
) -> ListEvaluationsOutput:
    """Return one page; the type and the cursor are applied here to all that the service lists."""
    everything = bool(arguments.type or arguments.cursor)
    limit = _SERVICE_LIMIT if everything else arguments.limit + 1
    listed, failures = await session.provider.evaluations_with_failures(arguments.status, limit)
    matching = [job for job in listed if arguments.type in (None, job.type)]
    rest = matching[_start(arguments, matching) :]
    page = rest[: arguments.limit]
    more = len(rest) > len(page)
    full = len(listed) >= _SERVICE_LIMIT
    notes = [failure.message for failure in failures]
    notes += [_OLDER] if full and not more else []
    headlines = await headlines_of(page, session)
    return ListEvaluationsOutput(
        evaluations=[_line(job, headlines[job.workflow_id]) for job in page],
        next_cursor=write_cursor(_query(arguments), page[-1].workflow_id) if more else None,
        note=" ".join(notes) or None,
        next_step=_next_step(more) if page else _when_empty(arguments, session),
    )


def _line(job: EvaluationJob, headline: str | None) -> EvaluationLine:
    return EvaluationLine(
        evaluation_id=job.workflow_id,
        type=job.type,
        status=inert(job.status, STATUS_SHOWN),
        created_at=job.created_at,
        headline=headline,
        error=failure_reason(job, _REASON),
    )


def _when_empty(arguments: ListEvaluationsInput, session: ToolSession) -> str:
    filtered = arguments.status or arguments.type
    if session.settings.server.read_only:
        return "No match: drop a filter." if filtered else "There are no evaluations yet."
    advice = "No match: drop a filter" if filtered else "There are no evaluations: upload_dataset"
    return f"{advice}, or start one with create_evaluation."


def _next_step(more: bool) -> str:
    text = "Call get_evaluation with an evaluation_id for its results."
    return text + (" For more, call list_evaluations with next_cursor as cursor." if more else "")


def _query(arguments: ListEvaluationsInput) -> list[str | None]:
    return [arguments.status, arguments.type]


def _start(arguments: ListEvaluationsInput, matching: list[EvaluationJob]) -> int:
    """Return the index at which the page begins.

    Raises:
        InvalidRequestError: the cursor is not valid, belongs to another query, or its evaluation
            is no longer listed.
    """
    if arguments.cursor is None:
        return 0
    after = own_id_of(str(read_cursor(_query(arguments), arguments.cursor)))
    ids = [own_id_of(job.workflow_id) for job in matching]
    if after not in ids:
        raise InvalidRequestError(
            "`cursor` points to an evaluation that the service no longer lists: leave it out to "
            "start from the newest."
        )
    return ids.index(after) + 1
