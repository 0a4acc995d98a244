"""The way of `evals-mcp run`: from the file to the results of each metric."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from anyio import to_thread

from evals_mcp.datasets.allowed_folder import allowed_file
from evals_mcp.datasets.preparation import PreparationOptions
from evals_mcp.derivations.originals import rows_of
from evals_mcp.providers.protocol import Provider
from evals_mcp.rendering.plan import cost_line
from evals_mcp.repository_runs.exporting import (
    export_report,
    export_rows,
    has_rows,
    judged_rows,
)
from evals_mcp.repository_runs.figures import main_figure, sentence
from evals_mcp.repository_runs.file import RepositoryFile
from evals_mcp.repository_runs.forge import Forge
from evals_mcp.repository_runs.judging import (
    Batch,
    Judging,
    Planned,
    total_calls,
    total_cost,
)
from evals_mcp.repository_runs.metrics import Metric, metrics_of
from evals_mcp.repository_runs.outputs import ResultFolder, files_of
from evals_mcp.repository_runs.progress import Progress
from evals_mcp.repository_runs.rows import Cells, RowKeys, RunRow, counted_states, digest_of
from evals_mcp.spending.settling import cost_of_job
from evals_mcp.spending.shown import shown_usd
from evals_mcp.tools.calls.session import ToolSession
from evals_mcp.tools.evaluation_summary import headline_of
from evals_mcp.tools.job_text import failure_reason
from evals_schemas.evaluation_api.evaluations import EvaluationJob
from evals_schemas.evaluation_types import JUDGED_TYPES
from evals_schemas.repository.results import MetricFiles, MetricResult, RunResults, Verdicts


@dataclass(frozen=True)
class RunOptions:
    """The options of both commands."""

    path: Path
    """The evals.toml."""
    out: Path
    """The folder of the results."""
    dry_run: bool = False
    again: bool = False
    """Whether an evaluation that was just made is made once more."""
    continues: str | None = None
    """The results or the evaluation of a run that stopped early, to go on with; empty for those in
    `out`, None for none."""
    all_rows: bool = False
    """Whether a gate judges every row, although its file lets it stop."""


@dataclass
class Run:
    """One run of a file."""

    file: RepositoryFile
    session: ToolSession
    progress: Progress
    folder: ResultFolder
    forge: Forge
    options: RunOptions
    started_at: datetime
    rows: dict[str, list[RunRow]] = field(default_factory=dict[str, "list[RunRow]"])
    """The rows with their verdicts, by metric."""
    warnings: list[str] = field(default_factory=list[str])
    plans_again: list[Planned] = field(default_factory=list[Planned])
    """What this run has judged besides its metrics: pinned rows, and rows of a baseline."""
    costs_again: list[float | None] = field(default_factory=list[float | None])
    """US dollars of each evaluation of `plans_again`; None if unknown."""

    @property
    def judging(self) -> Judging:
        """The tools for this file."""
        return Judging(self.file, self.session, self.progress, self.options.again)

    @property
    def stops_early(self) -> bool:
        """Whether the gate of the file stops when it is decided, and may."""
        return self.file.stop_rules is not None and not self.options.all_rows

    def metrics(self) -> list[Metric]:
        """Return the metrics of the file.

        Raises:
            EvalsMCPError: an argument is missing, unknown or does not fit.
        """
        return metrics_of(self.file.by_metric(), self.session.settings, self.receiver.name)

    @property
    def receiver(self) -> Provider:
        """The service that judges."""
        services = self.session.provider.services
        return next((each for each in services if set(JUDGED_TYPES) & set(each.types)), services[0])

    def whole_batch(self, metrics: Sequence[Metric]) -> Batch:
        """Return one create for every metric, over the whole data file."""
        arguments = {each.name: each.arguments for each in metrics}
        return Batch(arguments, self.file.arguments)

    async def results(self) -> RunResults | None:
        """Run the file and return its results; None after a dry run.

        Raises:
            EvalsMCPError: it cannot run, or not to its end.
        """
        metrics = self.metrics()
        planned = await self.judging.plan(self.whole_batch(metrics))
        self.warnings += planned.plan.warnings
        self.say_plan([planned])
        if self.file.stop_rules is not None:
            self.progress.say("The gate stops when it is decided; this run judges every row.")
        self.judging.check_consent([planned])
        if self.options.dry_run:
            self.judging.say_warnings(planned)
            self.progress.say("Dry run: nothing was started.")
            return None
        await self.judging.judge(planned)
        self.folder.clear()
        lines: list[MetricResult] = []
        for metric in metrics:
            files = files_of(metric.name, [each.files.rows or "" for each in lines])
            lines.append(await self.metric_result(metric, planned.jobs[metric.name], files))
        return self.whole([planned], lines)

    async def data(self, scratch: Path) -> list[Cells]:
        """Return the rows of the data file, as an upload reads them."""
        session, path = self.session, str(self.file.data.resolve())
        allowed = session.settings.datasets
        options = PreparationOptions(scratch, allowed.max_bytes)
        with allowed_file(path, allowed.allowed_folders) as file:
            ready = await session.prepare_file(
                file.path, file.name, options, file.name, session.provider.account
            )
            return await to_thread.run_sync(lambda: [dict(row) for row in rows_of(ready.path)])

    def say_plan(self, plans: Sequence[Planned], rows: int | None = None) -> None:
        """Say what would be judged and what it would cost; `rows` if it is not whole files."""
        cost = cost_line(total_calls(plans), total_cost(plans)) or "calls and cost unknown"
        if rows is None:
            rows = sum(each.upload.rows for each in plans)
        self.progress.say(f"Plan: {rows:,} rows, {cost}.")

    async def metric_result(
        self, metric: Metric, job: EvaluationJob, files: MetricFiles
    ) -> MetricResult:
        """Write the files of one metric whose rows are those of one evaluation."""
        if not has_rows(job):
            return self.line(metric, [job], [], MetricFiles())
        path = self.folder.file(files.rows or "")
        await export_rows(job, path, self.session)
        rows = await judged_rows(job, metric, path)
        if not await export_report(job, self.folder.file(files.report or ""), self.session):
            files = files.model_copy(update={"report": None})
        line = self.line(metric, [job], rows, files)
        headline = await headline_of(job, self.session)
        update: dict[str, Any] = {"headline": headline or line.headline}
        update["cost_usd"] = await self.cost_usd(job)
        if line.sequential is not None and line.figure is not None:
            # Where looking has decided when to stop, an interval for a fixed number is wrong.
            update["figure"] = line.figure.model_copy(update={"interval": None})
        return line.model_copy(update=update)

    async def cost_usd(self, job: EvaluationJob) -> float | None:
        """Return the US dollars of an ended evaluation; None if they are unknown."""
        cost = await cost_of_job(job, self.session.provider, self.session.launches.spending)
        return shown_usd(job, cost)

    async def count_again(self, planned: Planned) -> None:
        """Count ended evaluations that belong to no metric in the calls and the cost."""
        self.plans_again.append(planned)
        is_free = planned.plan.calls == 0
        for job in planned.jobs.values():
            self.costs_again.append(0.0 if is_free else await self.cost_usd(job))

    def line(
        self,
        metric: Metric,
        jobs: Sequence[EvaluationJob],
        rows: list[RunRow],
        files: MetricFiles,
    ) -> MetricResult:
        """Return the results of one metric from its rows."""
        self.rows[metric.name] = rows
        judged, taken_over, failed = counted_states(rows)
        gate = self.file.content.gate
        figure = main_figure(metric, rows, gate.metric if gate else None)
        dates = [row.judged_at for row in rows if row.judged_at]
        problems = [f"{job.status}: {reason}" for job in jobs if (reason := failure_reason(job))]
        return MetricResult(
            name=metric.name,
            type=metric.type,
            evaluation_ids=[job.workflow_id for job in jobs],
            status=problems[0] if problems else "completed",
            rows=len(rows),
            verdicts=Verdicts(
                judged=judged, taken_over=taken_over, failed=failed, oldest=min(dates, default=None)
            ),
            headline=sentence(figure, len(rows), failed),
            figure=figure,
            sequential=_sequential(jobs),
            identity=metric.identity,
            parameters=dict(metric.parameters),
            files=files,
        )

    def whole(self, plans: Sequence[Planned], lines: list[MetricResult]) -> RunResults:
        """Return the results of the file from those of its metrics.

        Args:
            plans: what was judged for the metrics.
            lines: the metrics.
        """
        costs = [*(line.cost_usd for line in lines), *self.costs_again]
        error = next((_problem(line) for line in lines if _problem(line)), None)
        first = next(iter(self.rows.values()), list[RunRow]())
        calls = total_calls([*plans, *self.plans_again])
        return RunResults(
            evals_mcp=version("evals-mcp"),
            file=self.file.path.name,
            name=self.file.content.name,
            outcome="failed" if error else "completed",
            exit_code=2 if error else 0,
            error=f"Could not run: {error}" if error else None,
            started_at=self.started_at.isoformat(timespec="seconds"),
            ended_at=self.session.clock.now().isoformat(timespec="seconds"),
            commit=self.forge.commit,
            candidate_version=self.file.content.candidate_version,
            rows=max((line.rows for line in lines), default=0),
            data_digest=digest_of(map(self.keys().row, (row.cells for row in first))),
            calls=calls,
            cost_usd=0.0 if calls == 0 else _sum(costs),
            max_usd=self.file.content.max_usd,
            metrics=lines,
            warnings=self.warnings,
        )

    def keys(self) -> RowKeys:
        """Return how the rows of the file are recognised in another run of it."""
        gate = self.file.content.gate
        answers = {name for metric in self.metrics() for name in metric.answer_columns}
        pinned = {gate.pinned} if gate and gate.pinned else set[str]()
        return RowKeys(sorted(answers), gate.key if gate else (), frozenset(pinned))


def failed_results(
    error: str, options: RunOptions, forge: Forge, started_at: datetime, ended_at: datetime
) -> RunResults:
    """Return the results of a run that could not run."""
    return RunResults(
        evals_mcp=version("evals-mcp"),
        file=options.path.name,
        outcome="could_not_run",
        exit_code=2,
        error=error if error.startswith("Could not run") else f"Could not run: {error}",
        started_at=started_at.isoformat(timespec="seconds"),
        ended_at=ended_at.isoformat(timespec="seconds"),
        commit=forge.commit,
    )


def _problem(line: MetricResult) -> str | None:
    """Return why a metric has no result; None if it has one."""
    if line.status != "completed":
        return f"{line.name} ended as {line.status}"
    if line.rows == line.verdicts.failed:
        return f"not one of {line.rows} rows of {line.name} has a verdict"
    return None


def _sequential(jobs: Sequence[EvaluationJob]) -> dict[str, Any] | None:
    """Return what an evaluation with `stop_when` has decided."""
    for job in jobs:
        value: object = (job.results or {}).get("sequential")
        if isinstance(value, Mapping):
            return {str(key): part for key, part in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return None


def _sum(costs: Sequence[float | None]) -> float | None:
    return None if None in costs else sum(cost or 0.0 for cost in costs)
