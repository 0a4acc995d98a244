"""Runs one evaluation from pending to its end, and resumes it from the ledger."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from anyio import to_thread

from evals_engine.compute.pool import ComputePool, OwnerPool
from evals_engine.config import EngineConfig
from evals_engine.errors import log_bug
from evals_engine.faults import RequestError
from evals_engine.models.access import ModelAccess
from evals_engine.models.request_keys import Keys, missing_key, without_marks
from evals_engine.results.result_file import MAX_FAILED_SHARE, write_result_file
from evals_engine.results.totals import Totals
from evals_engine.rows.evaluators import Evaluator, column_problem
from evals_engine.rows.taken_answers import taking_answers
from evals_engine.runs.earlier_answers import answers_file
from evals_engine.runs.evaluation_types import TypedParameters, typed_parameters
from evals_engine.runs.row_queue import RowQueue
from evals_engine.runs.row_workers import RowCounts, RowWorkers
from evals_engine.store.database import StorageError
from evals_engine.store.private_files import put_in_place
from evals_engine.store.records import (
    FinishedRow,
    ProcessId,
    StatusChange,
    StoredEvaluation,
    StoredFile,
)
from evals_engine.store.store import Store
from evals_schemas.datasets.reader import DatasetError, Kind, Row, read_rows
from evals_schemas.evaluation_api.evaluations import ANSWERS_FROM
from evals_schemas.reasons import Reason

MAX_CLAIMS = 3
"""How often an evaluation may be claimed without being released in good order."""


class LeaseLostError(Exception):
    """Another process runs this evaluation now."""


@dataclass(frozen=True)
class RunContext:
    """The collaborators that all runs of a process share."""

    store: Store
    config: EngineConfig
    models: ModelAccess
    pool: ComputePool
    """Renders templates and computes rules in worker processes."""
    clock: Callable[[], float]
    """Unix seconds."""
    process_id: ProcessId
    """The id under which this process holds its leases."""


class Run:
    """The run of one evaluation, on which this process has the lease."""

    def __init__(self, evaluation: StoredEvaluation, context: RunContext, keys: Keys) -> None:
        self.evaluation = evaluation
        self.context = context
        self.keys = keys
        self._workers: RowWorkers | None = None
        self._answers: str | None = None
        """The result file with the answers to judge; None if they are not those of another run."""
        self._stopping = evaluation.cancel_requested
        self._pausing = False

    def stop(self) -> None:
        """Start no further row; the evaluation ends as cancelled, with the rows judged so far."""
        self._stopping = True
        if self._workers is not None:
            self._workers.stop()

    def pause(self) -> None:
        """Start no further row; another process goes on once the rows in flight are stored."""
        self._pausing = True
        if self._workers is not None:
            self._workers.stop()

    @property
    def is_paused(self) -> bool:
        """Whether the run was paused, so that another process may go on with it."""
        return self._pausing

    @property
    def note(self) -> str | None:
        """Why the run makes no progress, or soon will not; None without such a reason."""
        if self._workers and self._workers.storage_problem:
            return f"The evaluation waits and resumes by itself: {self._workers.storage_problem}"
        if self._stopping:
            seconds = self.context.config.stop_seconds
            return (
                f"The evaluation is being cancelled; rows in flight have {seconds:.0f} s to finish."
            )
        return None

    async def run(self) -> None:
        """Run to the end, or until the run is paused.

        Raises:
            LeaseLostError: another process has taken over; nothing was written since.
            StorageError: the database or the result file cannot be written; a later run resumes.
        """
        if self.evaluation.claims > MAX_CLAIMS:
            await self.give_up(
                f"The process that ran the evaluation has ended {MAX_CLAIMS} times before the "
                "evaluation did, so it is not tried again. The operator looks into the logs."
            )
            return
        try:
            file, evaluator = await self._prepare(self._parameters())
        except (RequestError, DatasetError) as fault:
            reason = fault.reason if isinstance(fault, RequestError) else None
            change = StatusChange("user_error", str(fault), self.context.clock(), reason)
            await self._end_early(change)
            return
        await self._set_status("running", "Rows are being judged", file.line_count)
        if problem := await self._judge_rows(evaluator, file):
            await self.give_up(f"The data set cannot be read any further: {problem}.")
        elif not self._pausing:
            await self._conclude(file)

    async def give_up(self, message: str) -> None:
        """End the evaluation as `error`, with a result file of the rows that are judged."""
        await self._end_early(StatusChange("error", message, self.context.clock()))

    async def _end_early(self, change: StatusChange) -> None:
        """End with a reason, and with the rows of the ledger if there are any."""
        store = self.context.store
        file = await to_thread.run_sync(
            store.get_file, self.evaluation.file_id, self.evaluation.owner
        )
        if file is not None:
            try:
                await self._conclude(file, change)
            except (LeaseLostError, StorageError):
                raise
            except Exception as error:  # noqa: BLE001 - a bug here must not hide the reason
                log_bug(f"the result file of evaluation {self.evaluation.id}", error)
            else:
                return
        await self._end(change, {}, None)

    def _parameters(self) -> TypedParameters:
        stored = without_marks(self.evaluation.parameters)
        return typed_parameters(self.evaluation.type, stored)

    async def _prepare(self, parameters: TypedParameters) -> tuple[StoredFile, Evaluator]:
        """Check everything that can be refused before the first model call."""
        if self.evaluation.total_rows is None:
            await self._set_status("queued", "The data set is being checked", None)
        if field := missing_key(self.evaluation.parameters, self.keys):
            raise RequestError(
                f"The key of the external model in {field} is not stored, and the process that had "
                "it has ended. Use a named credential, or create the evaluation again.",
                param=field,
            )
        pool = OwnerPool(self.context.pool, self.evaluation.owner)
        evaluator = await parameters.evaluator(self.context.models, pool, self.keys)
        file = await to_thread.run_sync(
            self.context.store.get_file, self.evaluation.file_id, self.evaluation.owner
        )
        if file is None:
            raise RequestError("The data set was deleted.", param="input_data_file_path")
        columns = await to_thread.run_sync(self._columns, file)
        if problem := column_problem(evaluator, columns):
            raise RequestError(problem, param="input_data_file_path")
        self._answers = await to_thread.run_sync(
            answers_file, self.context.store, self.evaluation, file.line_count
        )
        if self._answers is not None:
            evaluator = taking_answers(evaluator, self.evaluation.parameters[ANSWERS_FROM])
        return file, evaluator

    def _columns(self, file: StoredFile) -> list[str]:
        try:
            with self.context.store.path_of(file.id).open("rb") as stream:
                return list(next(read_rows(stream, file.kind)))
        except FileNotFoundError:
            raise RequestError(
                "The bytes of the data set are gone from the data directory; upload it again.",
                param="input_data_file_path",
            ) from None
        except OSError as error:
            raise StorageError(f"The data set cannot be read ({error.strerror}).") from error

    async def _judge_rows(self, evaluator: Evaluator, file: StoredFile) -> str | None:
        """Judge the rows that are left; return why the data set cannot be read on, else None."""
        store = self.context.store
        finished = await to_thread.run_sync(
            store.ledger.finished_flags, self.evaluation.id, file.line_count
        )
        earlier = None if self._answers is None else store.path_of(self._answers)
        queue = RowQueue(store.path_of(file.id), file.kind, finished, earlier)
        counts = RowCounts(file.line_count, self.evaluation.failed_rows)
        seconds = self.context.config.stop_seconds
        self._workers = RowWorkers(evaluator, queue, counts, self._commit, seconds)
        if self._stopping or self._pausing:
            self._workers.stop()
        try:
            if not await self._workers.run():
                raise LeaseLostError
        finally:
            queue.close()
        return queue.problem

    def _commit(self, batch: list[FinishedRow]) -> bool:
        context = self.context
        return context.store.ledger.add_rows(
            self.evaluation.id, context.process_id, batch, context.clock()
        )

    async def _conclude(self, file: StoredFile, failure: StatusChange | None = None) -> None:
        """Write the result file and end the evaluation.

        Args:
            file: the data set.
            failure: why the evaluation ends early; None if its rows decide how it ends.
        """
        parameters = self._parameters()
        # A new id for each attempt: a process that slept may not write over another one's file.
        result_id = f"file-{uuid.uuid4()}"
        totals = parameters.totals()
        size = await to_thread.run_sync(self._write_results, totals, file, result_id)
        judged = totals.valid + totals.failed
        if failure and not judged:
            self.context.store.path_of(result_id).unlink(missing_ok=True)
            await self._end(failure, {}, None)
            return
        results = totals.results() | {"result_file_id": result_id}
        change = _final_status(totals, file.line_count, self.context.clock())
        if failure:
            rows = f"{judged:,} of {file.line_count:,} rows"
            change = replace(failure, message=f"{failure.message} The results of {rows} are kept.")
        record = StoredFile(
            id=result_id,
            owner=self.evaluation.owner,
            filename=f"{self.evaluation.id}-results.jsonl",
            purpose=parameters.spec.output_purpose,
            kind="jsonl",
            bytes=size,
            line_count=totals.valid + totals.failed,
            created_at=self.context.clock(),
            upload_key=None,
        )
        try:
            await self._end(change, results, record)
        except (LeaseLostError, StorageError):
            self.context.store.path_of(result_id).unlink(missing_ok=True)
            raise
        await to_thread.run_sync(self.context.store.ledger.clear, self.evaluation.id)

    def _write_results(self, totals: Totals, file: StoredFile, result_id: str) -> int:
        """Write the result file, add its rows to the totals, and return its size in bytes."""
        store = self.context.store
        path = store.path_of(result_id)
        part = path.with_suffix(".part")
        try:
            rows = _rows_of(store.path_of(file.id), file.kind)
            with closing(rows):
                write_result_file(part, rows, store.ledger.rows(self.evaluation.id), totals)
            put_in_place(part, path)
            return path.stat().st_size
        except OSError as error:
            raise StorageError(f"The result file cannot be written ({error.strerror}).") from error
        finally:
            part.unlink(missing_ok=True)

    async def _set_status(self, status: str, message: str, total: int | None) -> None:
        context = self.context
        change = StatusChange(status, message, context.clock())
        if not await to_thread.run_sync(
            context.store.set_status, self.evaluation.id, context.process_id, change, total
        ):
            raise LeaseLostError

    async def _end(
        self, change: StatusChange, results: dict[str, Any], file: StoredFile | None
    ) -> None:
        """End the evaluation; if it has not completed, its results say why."""
        if change.status != "completed":
            results = {**results, **change.failure}
        if not await to_thread.run_sync(
            self.context.store.finish,
            self.evaluation.id,
            self.context.process_id,
            change,
            results,
            file,
        ):
            raise LeaseLostError


def _rows_of(path: Path, kind: Kind) -> Generator[Row]:
    """Yield the rows of a data set. Raises DatasetError or OSError where reading fails."""
    with path.open("rb") as stream:
        yield from read_rows(stream, kind)


def _final_status(totals: Totals, total: int, now: float) -> StatusChange:
    """Return the status that the evaluation ends with, and why."""
    judged = totals.valid + totals.failed
    if totals.failed > MAX_FAILED_SHARE * total:
        message = (
            f"{totals.failed} of {total} rows failed, more than {MAX_FAILED_SHARE:.0%}; most "
            f"often: {totals.most_frequent_failure}"
        )
        if (text := totals.unreadable_text) is not None:
            written = f'"{text}"' if text else "nothing"
            message += f". In one such row the judge wrote: {written}"
        return StatusChange("error", message, now, totals.most_frequent_reason)
    if judged < total:
        message = f"Cancelled after {judged} of {total} rows; the results are partial"
        return StatusChange("user_error", message, now, Reason.CANCELLED)
    return StatusChange("completed", "Every row has been judged", now)
