"""Uploads, plans, launches and waits, through the tools that an assistant would call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from evals_mcp.cleaning import inert, quoted
from evals_mcp.errors import InvalidRequestError, OperatorError
from evals_mcp.repository_runs.consent import NOT_STARTED, models_are_here, refuse_without_consent
from evals_mcp.repository_runs.file import RepositoryFile
from evals_mcp.repository_runs.progress import Progress
from evals_mcp.results.number_text import counted
from evals_mcp.tools.calls.session import ToolSession
from evals_mcp.tools.create_evaluation import create_evaluation
from evals_mcp.tools.get_status import get_status
from evals_mcp.tools.upload_dataset import upload_dataset
from evals_schemas.evaluation_api.evaluations import EvaluationJob
from evals_schemas.tools.inputs import CreateEvaluationInput, GetStatusInput, UploadDatasetInput
from evals_schemas.tools.outputs import CreateEvaluationOutput, UploadDatasetOutput
from evals_schemas.tools.plans import Range

_WAIT_SECONDS = 45.0
_SHOWN = 8
_TEXT = 400


@dataclass(frozen=True)
class Batch:
    """Rows that are judged for some metrics by one create."""

    metrics: Mapping[str, CreateEvaluationInput]
    """The arguments of each metric alone, without a data set; the first names the evaluation of a
    file without metrics."""
    arguments: Mapping[str, Any]
    """The arguments of the create, without a data set."""
    rows: Sequence[Mapping[str, Any]] | None = None
    """The rows; None for the whole data file."""


@dataclass
class Planned:
    """A batch with its stored rows and its plan."""

    batch: Batch
    upload: UploadDatasetOutput
    plan: CreateEvaluationOutput
    jobs: dict[str, EvaluationJob] = field(default_factory=dict[str, EvaluationJob])
    """The ended evaluations, by metric."""

    @property
    def request(self) -> CreateEvaluationInput:
        """Return the create of the batch."""
        stored = {"input_data_file_path": self.upload.file_id}
        return CreateEvaluationInput.model_validate({**self.batch.arguments, **stored})


@dataclass(frozen=True)
class Judging:
    """The tools, for one file."""

    file: RepositoryFile
    session: ToolSession
    progress: Progress
    again: bool = False
    """Whether an evaluation that was just made is made once more."""

    async def plan(self, batch: Batch) -> Planned:
        """Store the rows of a batch and plan its evaluations.

        Raises:
            EvalsMCPError: the rows cannot be used or stored, or the plan has a problem.
        """
        upload = await upload_dataset(self._upload(batch), self.session)
        if batch.rows is None:
            stored = "already stored as" if upload.reused else "stored as"
            self.progress.say(
                f"Data: {self.file.content.data}, {counted(upload.rows, 'row')}, {stored} "
                f"{upload.file_id}"
            )
            self._say_each("Warning", upload.warnings)
        stored = {"input_data_file_path": upload.file_id, "dry_run": True}
        request = CreateEvaluationInput.model_validate({**batch.arguments, **stored})
        output = await create_evaluation(request, self.session)
        if output.plan and output.plan.problems:
            problems = " ".join(inert(text, _TEXT) for text in output.plan.problems)
            raise InvalidRequestError(f"{problems} Nothing was started.")
        return Planned(batch, upload, output)

    def check_consent(
        self,
        plans: Sequence[Planned],
        most_usd: float | None = None,
        *,
        besides: Sequence[Planned] = (),
        so_far: str = NOT_STARTED,
    ) -> None:
        """Refuse plans that the file does not consent to.

        Args:
            plans: all that may be judged.
            most_usd: US dollars beyond which nothing more of them is started; None without such a
                limit.
            besides: what is judged before, which counts to `most_usd` and does not heed it.
            so_far: a sentence that says what was started before.

        Raises:
            InvalidRequestError: they cost more than the file allows, or that is unknown.
        """
        both = [*besides, *plans]
        requests = [request for each in both for request in each.batch.metrics.values()]
        costs = [(each.plan.calls, each.plan.cost_usd) for each in both]
        total, free_of_limit = total_cost(both), total_cost(besides)
        if most_usd is not None and total is not None and free_of_limit is not None:
            high = min(total.high, max(most_usd, free_of_limit.high))
            costs = [(total_calls(both), Range(low=min(total.low, high), high=high))]
        refuse_without_consent(
            self.file.content,
            costs,
            are_free=models_are_here(requests, self.session.settings),
            so_far=so_far,
        )

    async def judge(self, planned: Planned) -> None:
        """Start the evaluations of a batch, or join those that run, and wait for their end.

        Raises:
            EvalsMCPError: one was not started, or its status cannot be read.
        """
        await self.finish(planned, await self.start(planned))

    async def start(self, planned: Planned) -> dict[str, str]:
        """Start the evaluations of a batch, or join those that run; return their ids by metric.

        Raises:
            EvalsMCPError: one was not started.
        """
        request = planned.request.model_copy(update={"again": self.again})
        output = await create_evaluation(request, self.session)
        ids = _ids(output, planned.batch)
        for name, evaluation_id in ids.items():
            words = "Joined" if output.outcome == "exists" else "Started"
            self.progress.say(f"{words} {quoted(name, 60)}: {evaluation_id}")
        return ids

    async def finish(self, planned: Planned, ids: Mapping[str, str]) -> None:
        """Wait for the end of the evaluations of a batch.

        Raises:
            EvalsMCPError: a status cannot be read.
        """
        for name, evaluation_id in ids.items():
            self.progress.begin(f"{inert(name, 60)}")
            planned.jobs[name] = await self.ended(evaluation_id)

    def say_warnings(self, planned: Planned) -> None:
        """Say what looks doubtful in a plan, which the consent of the file covers."""
        self._say_each("Warning", planned.plan.warnings)

    async def ended(self, evaluation_id: str) -> EvaluationJob:
        """Return an evaluation once it has ended."""
        arguments = GetStatusInput(evaluation_id=evaluation_id, wait_seconds=_WAIT_SECONDS)
        while True:
            status = await get_status(arguments, self.session)
            if status.finished:
                return await self.session.evaluation(evaluation_id)

    def _upload(self, batch: Batch) -> UploadDatasetInput:
        if batch.rows is None:
            return UploadDatasetInput(path=str(self.file.data.resolve()))
        name = f"{self.file.data.stem[:60]} (part)"
        return UploadDatasetInput(rows=[dict(row) for row in batch.rows], name=name)

    def _say_each(self, kind: str, texts: Sequence[str]) -> None:
        for text in texts[:_SHOWN]:
            self.progress.say(f"{kind}: {inert(text, _TEXT)}")


def total_cost(plans: Sequence[Planned]) -> Range | None:
    """Return the cost of all plans; None if one is unknown."""
    costs = [each.plan.cost_usd or _nothing(each) for each in plans]
    priced = [cost for cost in costs if cost is not None]
    if len(priced) < len(costs):
        return None
    return Range(low=sum(cost.low for cost in priced), high=sum(cost.high for cost in priced))


def total_calls(plans: Sequence[Planned]) -> int | None:
    """Return the calls of all plans; None if one is unknown."""
    calls = [each.plan.calls for each in plans]
    return None if None in calls else sum(each or 0 for each in calls)


def _nothing(planned: Planned) -> Range | None:
    return Range(low=0, high=0) if planned.plan.calls == 0 else None


def _ids(output: CreateEvaluationOutput, batch: Batch) -> dict[str, str]:
    """Return the id of each metric's evaluation.

    Raises:
        OperatorError: not every evaluation was started.
    """
    if output.metrics is None:
        if not output.evaluation_id:
            raise OperatorError(
                f"The evaluation was not started ({output.outcome}): its cost has risen since it "
                "was planned, or it was declined at this server. Run the command again."
            )
        return {next(iter(batch.metrics)): output.evaluation_id}
    ids = {
        str(line["name"]): str(line["evaluation_id"])
        for line in output.metrics
        if line.get("evaluation_id")
    }
    missing = [line for line in output.metrics if not line.get("evaluation_id")]
    if missing or not ids:
        reasons = "; ".join(
            f"{quoted(str(line['name']), 60)}: {inert(str(line.get('error', 'not started')), 300)}"
            for line in missing
        )
        raise OperatorError(
            f"Not every metric was started ({reasons or output.outcome}). Those that were, "
            "run on: the same command joins them and starts the others."
        )
    return ids
