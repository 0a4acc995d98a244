"""Reads the earlier evaluations that creates name, once in each call."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncGenerator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from anyio import to_thread

from evals_mcp.cleaning import quoted
from evals_mcp.datasets.profiles import read_file_profile
from evals_mcp.derivations.earlier_rows import (
    Chosen,
    EarlierResults,
    EarlierRows,
    choose_rows,
)
from evals_mcp.derivations.originals import save
from evals_mcp.derivations.requested import SENT_FIELD, beside, file_of
from evals_mcp.errors import InvalidRequestError, NotFoundError, OperatorError
from evals_mcp.launching.earlier.arguments import retried_arguments, reusing_arguments
from evals_mcp.launching.earlier.continuing import (
    is_same_judging,
    refuse_reached,
    stopped_record,
)
from evals_mcp.providers.rest.ids import own_id_of
from evals_mcp.providers.same_request import ANSWERS_OF, RETRY_OF
from evals_mcp.results.number_text import counted
from evals_mcp.results.rows import OUTPUTS, answer_columns_of
from evals_mcp.results.sequential import judged_rows
from evals_mcp.results.types.table import type_spec
from evals_mcp.tools.calls.session import ToolSession, result_file_of
from evals_schemas.evaluation_api.evaluations import EvaluationJob
from evals_schemas.sequential.record import Sequential
from evals_schemas.sequential.stop_when import STOP_WHEN
from evals_schemas.tools.inputs import CreateEvaluationInput


@dataclass
class EarlierEvaluations:
    """The earlier evaluations of one call, and their rows in a folder that ends with the call."""

    session: ToolSession
    _files: ExitStack
    """Removes the folders."""
    _rows: dict[tuple[str, str], EarlierRows] = field(
        default_factory=dict[tuple[str, str], EarlierRows]
    )

    async def completed(
        self, arguments: CreateEvaluationInput
    ) -> tuple[CreateEvaluationInput, EarlierRows | None]:
        """Return the arguments with what they take over, and the rows of the earlier evaluation.

        A call that names no earlier evaluation is returned as it is, without rows.

        Raises:
            InvalidRequestError: the evaluation has not ended or has no such rows, or an argument
                does not fit it.
            EvalsMCPError: the evaluation does not exist, or its rows cannot be read.
        """
        named = {ANSWERS_OF: arguments.answers_of, RETRY_OF: arguments.retry_of}
        earlier_ids = {name: value for name, value in named.items() if value is not None}
        if not earlier_ids:
            return arguments, None
        if len(earlier_ids) > 1:
            raise InvalidRequestError(
                "`answers_of` and `retry_of` exclude each other: the first judges all answers "
                "anew, the second only the rows without a verdict."
            )
        ((argument, text),) = earlier_ids.items()
        evaluation_id = await self.session.evaluation_id(text, argument)
        job = await self.session.evaluation(evaluation_id)
        if type_spec(job.type).own_rows is not None:
            raise InvalidRequestError(
                f"`{argument}`: {job.workflow_id} is a benchmark evaluation, which asks models its "
                "own questions. Start it again with type benchmark; `again` true if it just ran."
            )
        result_file_of(job)
        complete = retried_arguments if argument == RETRY_OF else reusing_arguments
        completed = complete(arguments, job, self.session.settings.credentials)
        completed = completed.model_copy(update={STOP_WHEN: arguments.stop_when})
        rows = await self._rows_of(argument, job)
        return completed, rows if argument == ANSWERS_OF else self._continued(rows, arguments, job)

    def _continued(
        self, rows: EarlierRows, arguments: CreateEvaluationInput, job: EvaluationJob
    ) -> EarlierRows:
        """Return the rows of a retry; of one that goes on with a sequence, with its file.

        Raises:
            InvalidRequestError: `stop_when` is given and there is no sequence to go on with, or
                its rows meet a rule already.
        """
        service = self.session.provider.service_of(job.workflow_id)
        record = stopped_record(job, stops_early=service.capabilities.stops_early)
        if record is None or not is_same_judging(arguments.changes, job):
            if arguments.stop_when is None:
                return rows
            reason = (
                "did not stop early at a service that can go on with its order"
                if record is None
                else "was judged by other models, and the verdicts of both are no one sequence"
            )
            raise InvalidRequestError(
                f"`retry_of` and `stop_when` exclude each other here: {job.workflow_id} {reason}. "
                "Leave `stop_when` out, and all rows without a verdict are judged."
            )
        refuse_reached(arguments.stop_when, record, job)
        sent = job.parameters.get(SENT_FIELD) or file_of(job)
        sentence = _continuing_sentence(rows, record, job)
        return replace(rows, continued_file=sent, sentence=sentence)

    async def _rows_of(self, argument: str, job: EvaluationJob) -> EarlierRows:
        key = argument, job.workflow_id
        if key not in self._rows:
            self._rows[key] = await self._read(argument, job)
        return self._rows[key]

    async def _read(self, argument: str, job: EvaluationJob) -> EarlierRows:
        """Write the chosen rows to the folder."""
        columns = answer_columns_of(job.parameters)
        if argument == RETRY_OF:
            # Answers that were generated are generated again for the rows that failed.
            columns = tuple(name for name in columns if name in job.parameters.values())
        answers = [name for name in columns if name in OUTPUTS]
        files = tempfile.TemporaryDirectory(prefix="evals-mcp-", ignore_cleanup_errors=True)
        folder = Path(self._files.enter_context(files))
        try:
            chosen = await self._chosen(job, folder, answers, with_verdict=argument == ANSWERS_OF)
        except OSError as error:
            raise OperatorError(
                f"The rows to send cannot be written ({error.strerror or error}). Ask the "
                "administrator to free space or to set TMPDIR to another folder."
            ) from None
        if not chosen.numbers:
            raise InvalidRequestError(_no_row(argument, job, chosen))
        profile = await read_file_profile(chosen.path, self.session.planning.clock)
        own_id = own_id_of(job.workflow_id)
        sentence = _sentence(argument, job, chosen, columns)
        return EarlierRows(argument, own_id, chosen, profile, answers, sentence)

    async def _chosen(
        self, job: EvaluationJob, folder: Path, answers: list[str], *, with_verdict: bool
    ) -> Chosen:
        session, original_id = self.session, file_of(job) or ""
        original = folder / "original"
        try:
            async with session.provider.dataset_content(original_id) as chunks:
                await save(original, chunks)
        except NotFoundError:
            raise NotFoundError(
                f"The data set {original_id} of {job.workflow_id} does not exist any more, so its "
                "rows cannot be sent again. Store it with upload_dataset and start an evaluation "
                "of all rows."
            ) from None
        first = await self._first_try(job)
        derived = await session.derived.file_of(first)
        async with session.result_rows(job) as index:
            earlier = EarlierResults(
                original,
                index.results(),
                was_sent=derived.was_sent() if derived else lambda _: True,
                keys=derived.recipe.keys if derived else None,
                answers=answers,
            )
            choose = partial(choose_rows, earlier, folder, with_verdict=with_verdict)
            return await to_thread.run_sync(choose)

    async def _first_try(self, job: EvaluationJob) -> EvaluationJob:
        """Return the evaluation whose rows a retry of a retry, and so on, goes back to."""
        seen = {job.workflow_id}
        while isinstance(earlier := job.parameters.get(RETRY_OF), str):
            job = await self.session.provider.get_evaluation(beside(job.workflow_id, earlier))
            if job.workflow_id in seen:
                break
            seen.add(job.workflow_id)
        return job


@asynccontextmanager
async def earlier_evaluations(session: ToolSession) -> AsyncGenerator[EarlierEvaluations]:
    """Open the earlier evaluations of one call."""
    with ExitStack() as files:
        yield EarlierEvaluations(session, files)


def _no_row(argument: str, job: EvaluationJob, chosen: Chosen) -> str:
    if argument == RETRY_OF and not chosen.without_answer:
        return (
            f"Every row of {job.workflow_id} has a verdict, so there is nothing to retry: read it "
            "with get_evaluation."
        )
    return (
        f"No row of {job.workflow_id} has an answer to judge: read_results with `show` failed has "
        "the reasons. Start an evaluation of all rows instead."
    )


def _continuing_sentence(rows: EarlierRows, record: Sequential, job: EvaluationJob) -> str:
    total = record.rows_not_judged + judged_rows(record)
    count = len(rows.chosen.numbers)
    return (
        f"{counted(count, 'row')} of {job.workflow_id} are judged, in the random order that it "
        f"began (seed {record.order_seed}). Its other {total - count:,} verdicts are taken over "
        "and cost nothing; the evidence goes on and holds, and what was decided stays in the "
        "record."
    )


def _sentence(argument: str, job: EvaluationJob, chosen: Chosen, columns: tuple[str, ...]) -> str:
    rows, left_out = counted(len(chosen.numbers), "row"), ""
    if chosen.without_answer:
        left_out = f"; {counted(chosen.without_answer, 'row')} without an answer left out"
    if argument == RETRY_OF:
        return (
            f"Sent: {rows} of {job.workflow_id} without a verdict{left_out}. The other rows are "
            "taken over from it and cost nothing."
        )
    if not columns:
        return f"The rows of {job.workflow_id}, which are judged without an answer: {rows}."
    names = ", ".join(quoted(name, 60) for name in columns)
    return (
        f"{rows} with the answers of {job.workflow_id} ({names}){left_out}. Nothing is generated "
        "again."
    )
