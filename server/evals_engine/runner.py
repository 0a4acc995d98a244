"""Takes one evaluation from pending to an end state, row by row, and resumes it.

`num_workers` rows are in flight. A finished row goes to one writer, which commits whatever has
arrived while its last commit ran: rows wait for no commit, commits are few, and a crash loses the
rows in flight and the few that were on their way to the disk.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, cast

import anyio
from anyio import to_thread
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from evals_engine.config import EngineConfig
from evals_engine.evaluate import Evaluator, Outcome, Secrets, column_problem, make_evaluator
from evals_engine.faults import RequestFault
from evals_engine.feed import RowFeed
from evals_engine.models import ModelClient
from evals_engine.results import MAX_FAILED_SHARE, Tally, aggregate, write_result_file
from evals_engine.store import FinishedRow, Step, Store, StoredEvaluation, StoredFile
from evals_schemas.datasets import DatasetError, Kind, kind_of, read_rows
from evals_schemas.evaluations import AnyParameters, parse_evaluation_request

REDACTED = "[redacted]"
"""Stands in a stored request where an external model's key was."""

COMMIT_SECONDS = 0.02
"""How long finished rows are gathered for one commit: fewer commits, and few rows to lose."""

RAMP_SECONDS = 0.05
"""Over which the workers start: calls in lockstep would queue at both ends, round after round."""


class LeaseLostError(Exception):
    """Another process runs this evaluation now."""


@dataclass(frozen=True)
class Tools:
    """What every run of a process shares."""

    store: Store
    config: EngineConfig
    client: ModelClient
    clock: Callable[[], float]
    """Unix seconds."""
    owner: str
    """How this process signs its leases."""


class Run:
    """One evaluation, owned by this process through a lease."""

    def __init__(self, evaluation: StoredEvaluation, tools: Tools, secrets: Secrets) -> None:
        self.evaluation = evaluation
        self.tools = tools
        self.secrets = secrets
        self.failed = evaluation.failed_rows
        self.stopping = evaluation.cancel_requested
        """Whether to start no further row."""
        self._lease_lost = False
        self._judged = anyio.Event()

    def stop(self) -> None:
        """Start no further row; those in flight finish, and the evaluation ends as cancelled."""
        self.stopping = True

    async def run(self) -> None:
        """Run to the end.

        Raises:
            LeaseLostError: another process has taken over; nothing was written since.
            StorageError: the disk does not take what must be written; a later run resumes.
        """
        try:
            parameters = parse_evaluation_request(
                {"type": self.evaluation.type, "parameters": without_keys(self.evaluation)}
            ).parameters
            file, evaluator = await self._prepare(parameters)
        except (RequestFault, DatasetError) as fault:
            await self._end("user_error", str(fault), {"error": str(fault)}, None)
            return
        await self._step("running", "Rows are being judged", file.line_count)
        await self._judge_rows(evaluator, file)
        await self._conclude(parameters, file)

    async def give_up(self) -> None:
        """End an evaluation that met a bug: resuming it would meet the same one."""
        message = "Internal error of the engine, logged there; nothing to change in the request."
        await self._end("error", message, {"error": message}, None)

    async def _prepare(self, parameters: AnyParameters) -> tuple[StoredFile, Evaluator]:
        """Everything that can be refused before the first call."""
        if self.evaluation.total_rows is None:
            await self._step("queued", "The data set is being checked", None)
        if missing := self._missing_keys():
            raise RequestFault(
                f"The key of the external model in {missing} is not stored, and the process that "
                "was given it has ended. Use a named credential, or create the evaluation again.",
                param=missing,
            )
        evaluator = make_evaluator(parameters, self.tools.config, self.tools.client, self.secrets)
        file = await to_thread.run_sync(
            self.tools.store.get_file, self.evaluation.file_id, self.evaluation.owner
        )
        if file is None:
            raise RequestFault("The data set was deleted.", param="input_data_file_path")
        columns = await to_thread.run_sync(self._columns, file)
        if problem := column_problem(evaluator, columns):
            raise RequestFault(problem, param="input_data_file_path")
        return file, evaluator

    def _missing_keys(self) -> str | None:
        """The first field whose key was given with the request and is not in this process."""
        for field, value in self.evaluation.parameters.items():
            redacted = isinstance(value, dict) and "external_api_token" in value
            if redacted and field not in self.secrets:
                return field
        return None

    def _columns(self, file: StoredFile) -> list[str]:
        with self.tools.store.path_of(file.id).open("rb") as stream:
            return list(next(read_rows(stream, kind(file))))

    async def _judge_rows(self, evaluator: Evaluator, file: StoredFile) -> None:
        store, total = self.tools.store, file.line_count
        done = await to_thread.run_sync(store.done_rows, self.evaluation.id, total)
        feed = RowFeed(store.path_of(file.id), kind(file), done)
        finished, arriving = anyio.create_memory_object_stream[FinishedRow](evaluator.workers)
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._write, arriving, tasks.cancel_scope)
                async with finished, anyio.create_task_group() as workers:
                    count = min(evaluator.workers, total)
                    for number in range(count):
                        delay = RAMP_SECONDS * number / count
                        workers.start_soon(self._work, evaluator, feed, finished, total, delay)
                self._judged.set()
        finally:
            feed.close()
        if self._lease_lost:
            raise LeaseLostError

    async def _work(
        self,
        evaluator: Evaluator,
        feed: RowFeed,
        finished: MemoryObjectSendStream[FinishedRow],
        total: int,
        delay: float,
    ) -> None:
        await anyio.sleep(delay)
        while not self.stopping and self.failed <= MAX_FAILED_SHARE * total:
            item = await feed.next()
            if item is None:
                return
            number, row = item
            outcome = await evaluator.outcome(row)
            self.failed += outcome.state != "ok"
            await finished.send(FinishedRow(number, outcome.state, _ledger_json(outcome)))

    async def _write(
        self, arriving: MemoryObjectReceiveStream[FinishedRow], workers: anyio.CancelScope
    ) -> None:
        """Commit rows as they arrive; the last ones also when the run is cancelled."""
        with anyio.CancelScope(shield=True):
            async with arriving:
                async for first in arriving:
                    with anyio.move_on_after(COMMIT_SECONDS):
                        await self._judged.wait()
                    batch = [first, *_waiting(arriving)]
                    if not await to_thread.run_sync(self._commit, batch):
                        self._lease_lost = True
                        workers.cancel()
                        return

    def _commit(self, batch: list[FinishedRow]) -> bool:
        tools = self.tools
        return tools.store.add_rows(self.evaluation.id, tools.owner, batch, tools.clock())

    async def _conclude(self, parameters: AnyParameters, file: StoredFile) -> None:
        """Write the result file and end the evaluation as what it turned out to be."""
        result_id = f"file-{uuid.uuid5(uuid.NAMESPACE_OID, self.evaluation.id)}"
        tally, size = await to_thread.run_sync(self._write_results, parameters, file, result_id)
        results = aggregate(tally, parameters) | {"result_file_id": result_id}
        status, error = self._verdict(tally, file.line_count)
        if error:
            results["error"] = error
        record = StoredFile(
            id=result_id,
            owner=self.evaluation.owner,
            filename=f"{self.evaluation.id}-results.jsonl",
            purpose="eval-output",
            kind="jsonl",
            bytes=size,
            line_count=tally.valid + tally.failed,
            created_at=self.tools.clock(),
            upload_key=None,
        )
        await self._end(status, error or "Every row has been judged", results, record)

    def _verdict(self, tally: Tally, total: int) -> tuple[str, str | None]:
        judged = tally.valid + tally.failed
        if tally.failed > MAX_FAILED_SHARE * total:
            return "error", (
                f"{tally.failed} of {total} rows failed, more than {MAX_FAILED_SHARE:.0%}; most "
                f"often: {tally.commonest_failure}"
            )
        if judged < total:
            return (
                "user_error",
                f"Cancelled after {judged} of {total} rows; the results are partial",
            )
        return "completed", None

    def _write_results(
        self, parameters: AnyParameters, file: StoredFile, result_id: str
    ) -> tuple[Tally, int]:
        store = self.tools.store
        path = store.path_of(result_id)
        part = path.with_suffix(".part")
        with store.path_of(file.id).open("rb") as stream:
            ledger = store.ledger(self.evaluation.id)
            tally = write_result_file(part, read_rows(stream, kind(file)), ledger, parameters)
        part.replace(path)
        return tally, path.stat().st_size

    async def _step(self, status: str, message: str, total: int | None) -> None:
        tools = self.tools
        step = Step(status, message, tools.clock())
        if not await to_thread.run_sync(
            tools.store.set_status, self.evaluation.id, tools.owner, step, total
        ):
            raise LeaseLostError

    async def _end(
        self, status: str, message: str, results: dict[str, Any], file: StoredFile | None
    ) -> None:
        tools = self.tools
        step = Step(status, message, tools.clock())
        if not await to_thread.run_sync(
            tools.store.finish, self.evaluation.id, tools.owner, step, results, file
        ):
            raise LeaseLostError


def kind(file: StoredFile) -> Kind:
    """The format of a stored data set."""
    return "csv" if file.kind == "csv" else kind_of(file.filename)


def without_keys(evaluation: StoredEvaluation) -> dict[str, Any]:
    """The stored parameters without the marks that stand for keys."""
    return {
        field: _without_marks(cast("dict[str, Any]", value)) if isinstance(value, dict) else value
        for field, value in evaluation.parameters.items()
    }


def _without_marks(model: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in model.items() if value != REDACTED}


def _waiting(arriving: MemoryObjectReceiveStream[FinishedRow]) -> Iterator[FinishedRow]:
    """What has arrived already."""
    with suppress(anyio.WouldBlock, anyio.EndOfStream):
        while True:
            yield arriving.receive_nowait()


def _ledger_json(outcome: Outcome) -> str:
    tokens = {"input_tokens": outcome.input_tokens, "output_tokens": outcome.output_tokens}
    return json.dumps(outcome.fields | tokens)
