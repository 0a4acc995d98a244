"""`list_evaluations`: pages over the newest, although the services have none."""

from __future__ import annotations

from evals_mcp.cleaning import clean
from evals_mcp.errors import InvalidRequestError
from evals_mcp.providers.several.provider import evaluations_of
from evals_mcp.results.summaries.summary import headline
from evals_mcp.tools.calls.cursors import read_cursor, write_cursor
from evals_mcp.tools.calls.session import ToolSession
from evals_mcp.tools.job_text import STATUS_SHOWN, failure_reason
from evals_schemas.evaluation_api.evaluations import EvaluationJob
from evals_schemas.tools.inputs import ListEvaluationsInput
from evals_schemas.tools.outputs import EvaluationLine, ListEvaluationsOutput

_REASON = 80
"""Characters of why an evaluation failed; get_evaluation has the rest."""

_SERVICE_LIMIT = 100
"""The most that a service lists; it has no way to ask for what comes after."""

_OLDER = (
    f"The service lists its newest {_SERVICE_LIMIT} only; older ones can be read by id with "
    "get_evaluation."
)


async def list_evaluations(
    arguments: ListEvaluationsInput, session: ToolSession
) -> ListEvaluationsOutput:
    """One page. A filter by type and a cursor are applied here, over all that the service lists."""
    everything = bool(arguments.type or arguments.cursor)
    asked = _SERVICE_LIMIT if everything else arguments.limit + 1
    listed, failures = await evaluations_of(session.provider, arguments.status, asked)
    found = [job for job in listed if arguments.type in (None, job.type)]
    rest = found[_start(arguments, found) :]
    page = rest[: arguments.limit]
    more = len(rest) > len(page)
    full = len(listed) >= _SERVICE_LIMIT
    notes = [failure.message for failure in failures]
    notes += [_OLDER] if full and not more else []
    return ListEvaluationsOutput(
        evaluations=[_line(job) for job in page],
        next_cursor=write_cursor(_query(arguments), page[-1].workflow_id) if more else None,
        note=" ".join(notes) or None,
        next_step=_next_step(more) if page else _none(arguments, session),
    )


def _line(job: EvaluationJob) -> EvaluationLine:
    reason = failure_reason(job)
    return EvaluationLine(
        evaluation_id=job.workflow_id,
        type=job.type,
        status=clean(job.status, STATUS_SHOWN),
        created_at=job.created_at,
        headline=clean(reason, _REASON) if reason else headline(job),
    )


def _none(arguments: ListEvaluationsInput, session: ToolSession) -> str:
    filtered = arguments.status or arguments.type
    if session.settings.server.read_only:
        return "None fits: drop a filter." if filtered else "There is none yet."
    there = "None fits: drop a filter" if filtered else "There is none yet: upload_dataset"
    return f"{there}, or start one with create_evaluation."


def _next_step(more: bool) -> str:
    text = "Call get_evaluation with an evaluation_id for its results."
    return text + (" For more, call list_evaluations with next_cursor as cursor." if more else "")


def _query(arguments: ListEvaluationsInput) -> list[str | None]:
    return [arguments.status, arguments.type]


def _start(arguments: ListEvaluationsInput, found: list[EvaluationJob]) -> int:
    """Where the page begins.

    Raises:
        InvalidRequestError: the cursor is none, is another query's, or has gone out of reach.
    """
    if arguments.cursor is None:
        return 0
    after = read_cursor(_query(arguments), arguments.cursor)
    ids = [job.workflow_id for job in found]
    if after not in ids:
        raise InvalidRequestError(
            "`cursor` points at an evaluation that is no longer listed: leave it out and start "
            "from the newest."
        )
    return ids.index(after) + 1
