"""Runs one evaluation from pending to its end, and resumes it from the ledger."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from anyio import to_thread

from evals_engine.compute.pool import ComputePool
from evals_engine.config import EngineConfig
from evals_engine.errors import log_bug
from evals_engine.faults import RequestError
from evals_engine.models.access import ModelAccess
from evals_engine.models.request_keys import Keys
from evals_engine.results.result_file import write_result_file
from evals_engine.results.totals import Totals
from evals_engine.runs.continuing import earlier_decisions, rows_to_take_over
from evals_engine.runs.ending import last_change, result_file_record
from evals_engine.runs.preparation import Preparation, Prepared, stored_parameters
from evals_engine.runs.row_queue import RowQueue, RowRange
from evals_engine.runs.row_workers import Pace, RowCounts, RowWorkers
from evals_engine.runs.stopping.course import Course
from evals_engine.runs.stopping.opening import open_course, stored_rows
from evals_engine.runs.stopping.row_values import RowValues
from evals_engine.runs.stopping.seeded_rows import SeededRows
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
from evals_schemas.sequential.stop_when import CONTINUES, STOP_WHEN, EngineStopWhen

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
        self._course: Course | None = None
        """What the finished rows decide; None if the evaluation judges all rows."""
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
            prepared = await self._prepare()
        except (RequestError, DatasetError) as fault:
            reason = fault.reason if isinstance(fault, RequestError) else None
            change = StatusChange("user_error", str(fault), self.context.clock(), reason)
            await self._end_early(change)
            return
        file = prepared.file
        await self._set_status("running", "Rows are being judged", file.line_count)
        if problem := await self._judge_rows(prepared):
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

    async def _prepare(self) -> Prepared:
        """Check everything that can be refused before the first model call."""
        if self.evaluation.total_rows is None:
            await self._set_status("queued", "The data set is being checked", None)
        context = self.context
        preparation = Preparation(context.store, self._open_file, context.models, context.pool)
        return await preparation.prepare(self.evaluation, self.keys)

    def _open_file(self, file_id: str) -> BinaryIO:
        return self.context.store.path_of(file_id).open("rb")

    async def _judge_rows(self, prepared: Prepared) -> str | None:
        """Judge the rows that are left; return why the data set cannot be read on, else None."""
        try:
            queue = await to_thread.run_sync(self._open_rows, prepared)
        except (DatasetError, OSError, RequestError) as error:
            return str(error)
        counts = RowCounts(prepared.file.line_count, self.evaluation.failed_rows)
        pace = Pace(self.context.config.stop_seconds)
        self._workers = RowWorkers(prepared.evaluator, queue, counts, self._commit, pace)
        if self._stopping or self._pausing:
            self._workers.stop()
        try:
            if not await self._workers.run():
                raise LeaseLostError
        finally:
            queue.close()
        return queue.problem

    def _open_rows(self, prepared: Prepared) -> RowQueue | SeededRows:
        """Return the rows that are left: in the order of the data set, or in that of a seed.

        Raises:
            DatasetError: the rows of a run in random order cannot be read.
            OSError: likewise.
            RequestError: the evaluation that is continued is gone.
        """
        store, file, evaluation = self.context.store, prepared.file, self.evaluation
        earlier = None if prepared.answers is None else self._open_file(prepared.answers)
        dataset = self._open_file(file.id)
        rules = evaluation.parameters.get(STOP_WHEN)
        if rules is None:
            finished = store.ledger.finished_flags(evaluation.id, file.line_count)
            return RowQueue(dataset, file.kind, finished, RowRange(earlier=earlier))
        rows = stored_rows(store.files_dir, dataset, file.kind, earlier)
        values = stored_parameters(evaluation).row_values()
        continued = self._take_over(values, file.line_count)
        self._course = open_course(
            rows,
            EngineStopWhen.model_validate(rules),
            values,
            store.ledger.rows(evaluation.id),
            evaluation.sequential,
        )
        if continued is not None:
            self._course.earlier = earlier_decisions(continued)
            self._commit([])
        return SeededRows(rows, self._course, prepared.evaluator.workers)

    def _take_over(self, values: RowValues, rows: int) -> StoredEvaluation | None:
        """Store the verdicts of the evaluation that this one continues; return that evaluation.

        Return None if it continues none, or an earlier process has stored them: then the record of
        the evidence is stored, too.
        """
        store, evaluation = self.context.store, self.evaluation
        earlier_id = evaluation.parameters.get(CONTINUES)
        if earlier_id is None or evaluation.sequential is not None:
            return None
        earlier = store.get_evaluation(earlier_id, evaluation.owner)
        if earlier is None:
            raise RequestError(f"{earlier_id}, which is continued here, was deleted.", CONTINUES)
        finished = store.ledger.finished_flags(evaluation.id, rows)
        for page in rows_to_take_over(store.ledger.rows(earlier_id), values, finished):
            if not store.ledger.add_rows(
                evaluation.id, self.context.process_id, page, self.context.clock()
            ):
                raise LeaseLostError
        return earlier

    def _commit(self, batch: list[FinishedRow]) -> bool:
        context, sequential = self.context, None
        if self._course is not None:
            self._course.add(batch)
            self._course.look()
            sequential = self._course.record().model_dump_json(exclude_none=True)
        return context.store.ledger.add_rows(
            self.evaluation.id, context.process_id, batch, context.clock(), sequential
        )

    async def _conclude(self, file: StoredFile, failure: StatusChange | None = None) -> None:
        """Write the result file and end the evaluation.

        Args:
            file: the data set.
            failure: why the evaluation ends early; None if its rows decide how it ends.
        """
        parameters = stored_parameters(self.evaluation)
        # A new id for each attempt: a process that slept may not write over another one's file.
        result_id = f"file-{uuid.uuid4()}"
        totals = parameters.totals()
        size = await to_thread.run_sync(self._write_results, totals, file, result_id)
        judged = totals.valid + totals.failed
        if failure and not judged:
            self.context.store.path_of(result_id).unlink(missing_ok=True)
            await self._end(failure, {}, None)
            return
        results = totals.results() | {"result_file_id": result_id} | self._sequential_results()
        now = self.context.clock()
        stopped = self._course.stopped_by if self._course else None
        change = last_change(totals, file.line_count, now, failure, stopped)
        record = result_file_record(self.evaluation, parameters, totals, (result_id, size), now)
        try:
            await self._end(change, results, record)
        except (LeaseLostError, StorageError):
            self.context.store.path_of(result_id).unlink(missing_ok=True)
            raise
        if not self._may_be_continued():
            await to_thread.run_sync(self.context.store.ledger.clear, self.evaluation.id)

    def _may_be_continued(self) -> bool:
        """Return whether the rows are kept, so that another evaluation can go on with them."""
        return bool(self._course and self._course.record().rows_not_judged)

    def _sequential_results(self) -> dict[str, Any]:
        if self._course is None:
            return {}
        record = self._course.record(has_ended=True)
        return {"sequential": record.model_dump(mode="json", exclude_none=True)}

    def _write_results(self, totals: Totals, file: StoredFile, result_id: str) -> int:
        """Write the result file, add its rows to the totals, and return its size in bytes."""
        store = self.context.store
        path = store.path_of(result_id)
        part = path.with_suffix(".part")
        try:
            rows = _rows_of(store.path_of(file.id), file.kind)
            with closing(rows):
                finished = store.ledger.rows(self.evaluation.id)
                if self._course is not None:
                    finished = self._course.marked(finished)
                write_result_file(part, rows, finished, totals)
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
