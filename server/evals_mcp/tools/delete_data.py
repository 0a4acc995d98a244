"""`delete_data`: deletes a data set or an ended evaluation, once the user has agreed."""

from __future__ import annotations

from contextlib import suppress

from evals_mcp.cleaning import quoted
from evals_mcp.errors import InvalidRequestError, NotFoundError, OperatorError
from evals_mcp.marks.subjects import subjects_of
from evals_mcp.providers.rest.ids import noun_of, own_id_of
from evals_mcp.providers.same_request import RETRY_OF
from evals_mcp.results.number_text import counted
from evals_mcp.spending.settling import cost_of_job
from evals_mcp.state.names import NAME_CHARS
from evals_mcp.tools.calls.evaluation_ids import checked_evaluation_id
from evals_mcp.tools.calls.naming import item_of
from evals_mcp.tools.calls.session import ToolSession
from evals_mcp.tools.labelling.other_labels import forget_labelled
from evals_schemas.evaluation_api.evaluations import ENDED, EvaluationJob
from evals_schemas.sequential.stop_when import CONTINUES
from evals_schemas.tools.inputs import DeleteDataInput
from evals_schemas.tools.outputs import DeleteDataOutput

_LISTED = 100
"""Evaluations that are searched for one that still needs a data set, the newest first."""

_FILES = ("file-", "benchmark-")


async def delete_data(arguments: DeleteDataInput, session: ToolSession) -> DeleteDataOutput:
    """Delete a data set or an evaluation; without `confirm`, say what would be deleted.

    Raises:
        InvalidRequestError: the data is in use.
        UnsupportedError: the service cannot delete the data.
        EvalsMCPError: the data could not be deleted.
    """
    data_id = arguments.id.strip()
    is_file = own_id_of(data_id).startswith(_FILES)
    what = await (_data_set(data_id, session) if is_file else _evaluation(data_id, session))
    if not arguments.confirm:
        return DeleteDataOutput(
            id=data_id,
            what=what,
            deleted=False,
            next_step="Nothing was deleted. Show the user what would go, for good; if the user "
            "agrees, call delete_data with this id and confirm true.",
        )
    if is_file:
        await session.derived.delete_copies(data_id)
        await session.provider.delete_dataset(data_id)
    else:
        await _record_cost(data_id, session)
        await _forget_labelled(data_id, session)
        await session.provider.delete_evaluation(data_id)
    await _forget_name(data_id, session)
    return DeleteDataOutput(
        id=data_id, what=what, deleted=True, next_step="Tell the user what was deleted."
    )


async def _record_cost(evaluation_id: str, session: ToolSession) -> None:
    """Record what an evaluation has cost, which nothing tells after it is deleted."""
    job = await session.provider.get_evaluation(evaluation_id)
    await cost_of_job(job, session.provider, session.launches.spending)


async def _forget_labelled(evaluation_id: str, session: ToolSession) -> None:
    """Forget that the evaluation has labels, which say nothing of a judge without its verdicts."""
    job = await session.provider.get_evaluation(evaluation_id)
    with suppress(OperatorError):
        await forget_labelled(job, session)


async def _forget_name(data_id: str, session: ToolSession) -> None:
    with suppress(OperatorError):  # the data is gone, and a name without data is not shown
        item = item_of(session.provider, data_id)
        await session.names.forget(item)
        await session.labels.forget_column(item.record)


async def _data_set(file_id: str, session: ToolSession) -> str:
    """Return a description of a data set that no unfinished evaluation needs."""
    files = await session.provider.list_datasets()
    file = next((file for file in files if file.id == file_id), None)
    if file is None:
        raise NotFoundError(
            f"No data set {quoted(file_id, 80)} exists. Call list_datasets for the existing ids."
        )
    for job in await session.provider.list_evaluations(limit=_LISTED):
        if job.status not in ENDED and _needs(job, file_id):
            raise InvalidRequestError(
                f"The data set is in use: evaluation {job.workflow_id} has not ended. Nothing was "
                "deleted. Wait for its end or call cancel_evaluation, then delete_data again."
            )
    rows = f"{file.LineCount:,} rows, " if file.LineCount else ""
    name = await session.name_of(file_id) or file.filename
    what = f"data set {quoted(name, 80)}: {rows}{file.bytes:,} bytes"
    if copies := len(await session.derived.copies_of(file_id)):
        what += (
            f", with {counted(copies, 'file')} made from it for evaluations; their results then "
            "lack the columns that were not sent"
        )
    return what


async def _evaluation(data_id: str, session: ToolSession) -> str:
    """Return a description of an ended evaluation."""
    try:
        job = await session.evaluation(checked_evaluation_id(data_id, "id"))
    except NotFoundError:
        if noun_of(data_id) is not None:
            raise
        raise NotFoundError(
            f"No data set or evaluation {quoted(data_id, 80)} exists. Call list_datasets or "
            "list_evaluations for the existing ids."
        ) from None
    if job.status not in ENDED:
        raise InvalidRequestError(
            f"The evaluation {job.workflow_id} has not ended. Nothing was deleted. Call "
            "cancel_evaluation or wait for its end, then delete_data again."
        )
    for other in await session.provider.list_evaluations(limit=_LISTED):
        if other.parameters.get(RETRY_OF) == own_id_of(job.workflow_id):
            raise InvalidRequestError(
                f"{other.workflow_id} is a retry of this evaluation and takes over its rows. "
                f"Nothing was deleted. Delete {other.workflow_id} first, or keep both."
            )
        unfinished = other.status not in ENDED
        if unfinished and other.parameters.get(CONTINUES) == own_id_of(job.workflow_id):
            raise InvalidRequestError(
                f"{other.workflow_id} goes on with the rows of this evaluation. Nothing was "
                "deleted. Wait for its end, then delete either."
            )
    file = " with its result file" if (job.results or {}).get("result_file_id") else ""
    name = await session.name_of(job.workflow_id)
    named = f" {quoted(name, NAME_CHARS)}" if name else ""
    return f"{job.type or ''} evaluation{named}{file}{await _marks(job, session)}".strip()


async def _marks(job: EvaluationJob, session: ToolSession) -> str:
    """Return what becomes of the marks and labels of an evaluation; empty without any.

    They are of the answers, so they outlive the evaluation; they hold no text of a row.
    """
    item = item_of(session.provider, job.workflow_id).record
    with suppress(OperatorError):
        verdicts = subjects_of(job).verdicts
        marks = (await session.marks.all_of(verdicts)).values()
        labels = (await session.labels.all_of(verdicts)).values()
        kept = list[str]()
        if marked := sum(mark.evaluation == item for mark in marks):
            kept.append(f"what people said about {counted(marked, 'verdict')} of it")
        given = (label for each in labels for label in each if label.evaluation == item)
        if labelled := sum(label.value is not None for label in given):
            kept.append(f"{counted(labelled, 'label')} by people")
        if kept:
            return (
                "; kept for other evaluations of the same answers, without any text of a row: "
                + " and ".join(kept)
            )
    return ""


def _needs(job: EvaluationJob, file_id: str) -> bool:
    names = ("input_data_file_path", "benchmark_id")
    return file_id in {job.parameters.get(name) for name in names}
