"""The collaborators of a tool call: provider, settings, clock and progress reports."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Protocol

import anyio

from evals_mcp.derivations.requested import beside
from evals_mcp.errors import (
    InvalidRequestError,
    NotFoundError,
    TokenRefusedError,
    UnsupportedError,
)
from evals_mcp.exchange.uploads import Uploads
from evals_mcp.launching.ask_user import AskUser
from evals_mcp.launching.launches import Launches
from evals_mcp.planning.inputs.context import PlanningContext
from evals_mcp.providers.protocol import Provider
from evals_mcp.providers.rest.ids import EVALUATION, own_id_of
from evals_mcp.providers.same_request import RETRY_OF
from evals_mcp.results.types.table import row_reader
from evals_mcp.settings.schema import Settings
from evals_mcp.tools.calls.evaluation_ids import checked_evaluation_id
from evals_mcp.tools.calls.naming import hint, name_of
from evals_schemas.evaluation_api.evaluations import ENDED, EvaluationJob

if TYPE_CHECKING:
    from evals_mcp.datasets.file_task import PrepareFile
    from evals_mcp.derivations.derived_data import DerivedData
    from evals_mcp.derivations.earlier_try import EarlierTry, TriedRows
    from evals_mcp.labels.store import LabelStore
    from evals_mcp.marks.store import Marks
    from evals_mcp.result_files.cache import Download, ResultFile, ResultFiles
    from evals_mcp.result_files.index import ResultIndex
    from evals_mcp.state.names import Names


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Clock:
    """The time and a sleep function, replaceable in tests."""

    now: Callable[[], datetime] = _utc_now
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = anyio.sleep


class ReportProgress(Protocol):
    """A function that reports a call's progress, if the client has asked for reports."""

    async def __call__(
        self, progress: float, total: float | None = None, message: str | None = None
    ) -> None:
        """Report a progress that is not below the call's previous one."""
        ...


@dataclass(frozen=True)
class WrittenReport:
    """A report for people: one HTML file."""

    document: bytes
    rows: int
    """Rows in it."""
    left_out: list[str]
    """What it does not hold, a sentence each."""
    headline: str | None
    """Its main result; None without one."""


MakeReport = Callable[["ToolSession", str], Awaitable[WrittenReport]]
"""Returns the report of an ended evaluation by its id, see `evals_mcp.views.report`; raises
EvalsMCPError if the evaluation runs, does not exist, or cannot be read."""


async def _no_report(*_: object) -> WrittenReport:
    raise UnsupportedError("This server makes no reports: export the rows as csv.")


@dataclass(frozen=True)
class ToolSession:
    """The collaborators of one tool call."""

    provider: Provider
    """The services; evaluations on derived files are shown as they were requested."""
    derived: DerivedData
    """The principal's derived files."""
    settings: Settings
    report_progress: ReportProgress
    ask_user: AskUser
    planning: PlanningContext
    launches: Launches
    prepare_file: PrepareFile
    """Checks an uploaded file in a worker process."""
    names: Names
    """The names that the principal has given."""
    marks: Marks
    """What the principal has said about verdicts."""
    labels: LabelStore
    """What the principal has said that verdicts should be, without seeing them."""
    clock: Clock = field(default_factory=Clock)
    is_stopping: Callable[[], bool] = lambda: False
    """Returns whether the server is about to stop, so that a call that only waits should end."""
    uploads: Uploads | None = None
    """How a user of another machine sends files; None where paths are of this machine."""
    make_report: MakeReport = _no_report
    """Makes the report of an evaluation. Passed in, because it is made of the answers of tools."""
    may_write: bool = True
    """Whether the principal may start, stop and mark here."""

    @property
    def is_of_this_machine(self) -> bool:
        """Whether the user sits at this machine, with its terminal and its browser."""
        return self.uploads is None

    async def evaluation_id(self, text: str, field: str = "evaluation_id") -> str:
        """Return the complete id of an evaluation, as callers see it now.

        Args:
            text: The argument.
            field: Its name, for messages.

        Raises:
            InvalidRequestError: the text is the id of another kind of thing, or not an id.
            NotFoundError: the id names a service that is not configured.
        """
        try:
            checked = checked_evaluation_id(text, field)
        except InvalidRequestError as error:
            problem = str(error)
        else:
            return await self.provider.complete_id(checked, EVALUATION)
        raise InvalidRequestError(problem + await hint(text, self.provider, self.names))

    async def evaluation(self, evaluation_id: str) -> EvaluationJob:
        """Return an evaluation by its complete id.

        Raises:
            NotFoundError: it does not exist; the message names the ones that may be meant.
            EvalsMCPError: it cannot be read.
        """
        try:
            return await self.provider.get_evaluation(evaluation_id)
        except NotFoundError as error:
            problem = str(error)
        raise NotFoundError(problem + await hint(evaluation_id, self.provider, self.names))

    async def name_of(self, item_id: str) -> str | None:
        """Return the name that an evaluation or a data set was given.

        Return None without one, or if the state cannot be used.
        """
        return await name_of(self.names, self.provider, item_id)

    @asynccontextmanager
    async def result_rows(self, job: EvaluationJob) -> AsyncGenerator[ResultIndex]:
        """Open the rows of an evaluation's result file, which is then cached on this machine.

        For a running evaluation, open the rows judged so far, if the provider has them.

        Raises:
            InvalidRequestError: the evaluation has no result file, or not yet.
            EvalsMCPError: the file cannot be read.
        """
        file_id, download = self._rows_of(job)
        file = await self._file(job, file_id)
        async with self._result_files().open(file, download) as index:
            yield index

    @asynccontextmanager
    async def indexed_rows(self, job: EvaluationJob) -> AsyncGenerator[ResultIndex | None]:
        """Open the rows of an ended evaluation if their index is on this machine; else yield None.

        Raises:
            InvalidRequestError: the evaluation has no result file.
        """
        file = await self._file(job, result_file_of(job))
        async with self._result_files().open_indexed(file) as index:
            yield index

    async def _file(self, job: EvaluationJob, file_id: str) -> ResultFile:
        # Imported here because loading SQLite would slow down every start.
        from evals_mcp.result_files.cache import ResultFile  # noqa: PLC0415

        # The service's own account, which does not change when another one is added.
        account = self.provider.service_of(job.workflow_id).account
        read = row_reader(job.type, job.parameters)
        carried, earlier = await self.derived.carried_by(job), await self._earlier_try(job)
        return ResultFile(account, own_id_of(file_id), read, carried, earlier)

    async def _earlier_try(self, job: EvaluationJob) -> EarlierTry | None:
        """Return the evaluation that a retry is of; None if the evaluation is no retry."""
        from evals_mcp.derivations.earlier_try import EarlierTry  # noqa: PLC0415

        own_id, derived = job.parameters.get(RETRY_OF), await self.derived.file_of(job)
        if not isinstance(own_id, str) or derived is None:
            return None
        earlier_id = beside(job.workflow_id, own_id)
        try:
            earlier = await self.provider.get_evaluation(earlier_id)
        except NotFoundError:
            return EarlierTry(earlier_id, job, derived.recipe.keys)
        rows = partial(self._tried_rows, earlier)
        return EarlierTry(earlier_id, job, derived.recipe.keys, earlier, rows)

    @asynccontextmanager
    async def _tried_rows(self, earlier: EvaluationJob) -> AsyncGenerator[TriedRows]:
        from evals_mcp.derivations.earlier_try import TriedRows  # noqa: PLC0415

        async with self.result_rows(earlier) as index:
            yield TriedRows(index.results, index.tries)

    def _result_files(self) -> ResultFiles:
        # Imported here because loading SQLite would slow down every start.
        from evals_mcp.result_files.cache import ResultFiles  # noqa: PLC0415

        settings = self.settings.results
        return ResultFiles(settings.cache_dir, settings.cache_max_bytes)

    def _rows_of(self, job: EvaluationJob) -> tuple[str, Download]:
        """Return a name for the rows judged so far, and a function that downloads them."""
        done = job.progress.done if job.progress else 0
        if job.status not in ENDED and done:
            so_far = self.provider.rows_so_far(job.workflow_id)
            if so_far is not None:
                return f"{job.workflow_id}@{done}", lambda: so_far
        file_id = result_file_of(job)
        return file_id, lambda: self._result_file(job, file_id)

    @asynccontextmanager
    async def _result_file(
        self, job: EvaluationJob, file_id: str
    ) -> AsyncGenerator[AsyncIterator[bytes]]:
        try:
            async with self.provider.dataset_content(file_id) as blocks:
                yield blocks
        except (NotFoundError, InvalidRequestError, TokenRefusedError):
            # The token is valid, since it has just read the evaluation: the file itself is gone.
            gone = file_id
        else:
            return
        raise NotFoundError(
            f"The result file {gone} of {job.workflow_id} cannot be read any more: services "
            "delete result files after some time. get_evaluation has the totals; for the rows, "
            "create the evaluation again."
        )

    def seconds_since(self, start: datetime | None, end: datetime | None = None) -> float | None:
        """Return the seconds from `start` to `end`, by default until now.

        Return None without a start, or if only one of the two times has a time zone.
        """
        until = end or self.clock.now()
        if start is None or (start.tzinfo is None) != (until.tzinfo is None):
            return None
        return round(max(0.0, (until - start).total_seconds()), 1)


def result_file_of(job: EvaluationJob) -> str:
    """Return the id of an ended evaluation's result file.

    Raises:
        InvalidRequestError: it has no result file; the message says why and what to call next.
    """
    if job.status not in ENDED:
        raise InvalidRequestError(
            f"{job.workflow_id} is {job.status} and has no result file yet: call get_status with "
            "wait_seconds 45 until it has ended, then call this tool again."
        )
    file_id = (job.results or {}).get("result_file_id")
    if not isinstance(file_id, str) or not file_id:
        raise InvalidRequestError(
            f"{job.workflow_id} ended as {job.status} without a result file: call get_evaluation "
            "for the reason."
        )
    return file_id
