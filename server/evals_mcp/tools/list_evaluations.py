"""`list_evaluations`: pages of the newest evaluations, cut here because services have no pages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import anyio

from evals_mcp.cleaning import clean, inert
from evals_mcp.errors import InvalidRequestError
from evals_mcp.providers.protocol import ListFailure
from evals_mcp.providers.rest.ids import own_id_of
from evals_mcp.results.subjects import data_set_of, judge_of, judged_of, models_of
from evals_mcp.spending.settling import known_costs
from evals_mcp.tools.calls.cursors import read_cursor, write_cursor
from evals_mcp.tools.calls.naming import ListedNames, listed_names
from evals_mcp.tools.calls.session import ToolSession
from evals_mcp.tools.evaluation_summary import headlines_of
from evals_mcp.tools.job_text import STATUS_SHOWN, failure_reason, reason_code
from evals_schemas.evaluation_api.evaluations import EvaluationJob
from evals_schemas.tools.inputs import ListEvaluationsInput
from evals_schemas.tools.outputs import EvaluationLine, ListEvaluationsOutput

_REASON = 80
"""Characters of an evaluation's failure in the list; get_evaluation shows more."""

_ID_SHOWN = 80
_NAME_SHOWN = 60

_SERVICE_LIMIT = 100
"""Evaluations that a service lists at most; older ones cannot be listed."""

_OLDER = (
    f"The service lists its newest {_SERVICE_LIMIT} only; older ones can be read by id with "
    "get_evaluation."
)


async def list_evaluations(
    arguments: ListEvaluationsInput, session: ToolSession
) -> ListEvaluationsOutput:
    """Return one page; all filters but the status are applied here to all that is listed."""
    everything = bool(_filters(arguments) or arguments.cursor)
    limit = _SERVICE_LIMIT if everything else arguments.limit + 1
    listed, failures, names = await _listed(arguments, limit, session)
    matching = [job for job in listed if _matches(job, arguments, names)]
    rest = matching[_start(arguments, matching) :]
    page = rest[: arguments.limit]
    more = len(rest) > len(page)
    full = len(listed) >= _SERVICE_LIMIT
    notes = [failure.message for failure in failures]
    notes += [_OLDER] if full and not more else []
    notes += [names.problem] if names.problem else []
    headlines = await headlines_of(page, session, names.files)
    costs = await known_costs(page, session.provider, session.launches.spending)
    return ListEvaluationsOutput(
        evaluations=[_line(*headlines[job.workflow_id], names, costs) for job in page],
        next_cursor=write_cursor(_query(arguments), page[-1].workflow_id) if more else None,
        note=" ".join(notes) or None,
        next_step=_next_step(more) if page else _when_empty(arguments, session),
    )


async def _listed(
    arguments: ListEvaluationsInput, limit: int, session: ToolSession
) -> tuple[list[EvaluationJob], list[ListFailure], ListedNames]:
    """Return the evaluations, the failures of services, and the names; all read at once."""
    names: list[ListedNames] = []
    jobs, failures, failure = list[EvaluationJob](), list[ListFailure](), None

    async def add_names() -> None:
        names.append(await listed_names(session.names, session.provider))

    async with anyio.create_task_group() as group:
        group.start_soon(add_names)
        try:
            jobs, failures = await session.provider.evaluations_with_failures(
                arguments.status, limit
            )
        except Exception as error:  # noqa: BLE001 - raised below: a task group would wrap it
            failure = error
            group.cancel_scope.cancel()
    if failure is not None:
        raise failure
    return jobs, failures, names[0]


def _filters(arguments: ListEvaluationsInput) -> list[str]:
    """Return the filters that the service does not know."""
    texts = (arguments.type, arguments.name, arguments.model, arguments.data_set)
    return [text for text in texts if text is not None]


def _matches(job: EvaluationJob, arguments: ListEvaluationsInput, names: ListedNames) -> bool:
    """Return whether an evaluation matches all filters that the service does not know."""
    data_set = data_set_of(job.parameters)
    ids = [data_set] if data_set == arguments.data_set else []
    return (
        arguments.type in (None, job.type)
        and _contains(arguments.name, [names.of_evaluation(job.workflow_id)])
        and _contains(arguments.model, models_of(job.parameters))
        and (bool(ids) or _contains(arguments.data_set, [names.of_data_set(data_set)]))
    )


def _contains(part: str | None, texts: Iterable[str | None]) -> bool:
    """Return whether a text contains the part, ignoring case; true without a part."""
    if part is None:
        return True
    lower = part.strip().casefold()
    return any(lower in text.casefold() for text in texts if text)


def _line(
    job: EvaluationJob, headline: str | None, names: ListedNames, costs: Mapping[str, float]
) -> EvaluationLine:
    reason, data_set = reason_code(job), data_set_of(job.parameters)
    data_set_name = names.of_data_set(data_set)
    return EvaluationLine(
        evaluation_id=job.workflow_id,
        name=names.of_evaluation(job.workflow_id),
        type=job.type,
        status=inert(job.status, STATUS_SHOWN),
        created_at=job.created_at,
        judge=judge_of(job.parameters),
        judged=judged_of(job.parameters),
        data_set=inert(data_set, _ID_SHOWN) if data_set else None,
        data_set_name=clean(data_set_name, _NAME_SHOWN) if data_set_name else None,
        headline=headline,
        cost_usd=costs.get(job.workflow_id),
        error=failure_reason(job, _REASON),
        reason=reason.value if reason else None,
    )


def _when_empty(arguments: ListEvaluationsInput, session: ToolSession) -> str:
    filtered = arguments.status or _filters(arguments)
    empty = "No evaluation matches: drop a filter" if filtered else "There are no evaluations"
    if session.settings.server.read_only:
        return f"{empty}."
    return f"{empty}{'' if filtered else ': upload_dataset'}, or start one with create_evaluation."


def _next_step(more: bool) -> str:
    text = "Call get_evaluation with an evaluation_id for its results."
    return text + (" For more, call list_evaluations with next_cursor as cursor." if more else "")


def _query(arguments: ListEvaluationsInput) -> list[str | None]:
    texts = [arguments.name, arguments.model, arguments.data_set]
    return [arguments.status, arguments.type, *(texts if any(texts) else [])]


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
