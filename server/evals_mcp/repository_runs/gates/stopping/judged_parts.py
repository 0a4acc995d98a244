"""Judges the rows of a part, each evaluation created once however often the gate is started."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

from evals_mcp.cleaning import inert, quoted
from evals_mcp.errors import NotFoundError, OperatorError
from evals_mcp.launching.stopping.part_records import part_name
from evals_mcp.repository_runs.exporting import export_rows, has_rows, judged_rows, read_manifest
from evals_mcp.repository_runs.gates.batches import batches_by_metric
from evals_mcp.repository_runs.gates.joining import judged_rows_of
from evals_mcp.repository_runs.gates.taken_over import MAX_AGE
from evals_mcp.repository_runs.judging import Batch, Planned
from evals_mcp.repository_runs.metrics import Metric
from evals_mcp.repository_runs.rows import RowKeys, RunRow
from evals_mcp.repository_runs.run import Run
from evals_mcp.tools.job_text import failure_reason
from evals_schemas.digests import dataset_digest
from evals_schemas.evaluation_api.evaluations import EvaluationJob

MOST_TRIES = 2
"""How often a part that lacks rows is judged as itself before the gate gives up."""

MAX_AGE_OF_ANSWERS = timedelta(days=1)
"""The oldest answers of a model that are used again where no `candidate_version` names them."""


@dataclass
class JudgedParts:
    """The evaluations of one gate, part by part."""

    run: Run
    metrics: Mapping[str, Metric]
    keys: RowKeys
    seed: int
    scratch: Path
    """A folder for the rows."""
    jobs: dict[str, list[EvaluationJob]] = field(default_factory=dict[str, "list[EvaluationJob]"])
    """The evaluations of each metric."""
    manifests: dict[str, Mapping[str, Any]] = field(default_factory=dict[str, "Mapping[str, Any]"])
    """The manifest of each metric's last evaluation."""
    costs: dict[str, list[float | None]] = field(default_factory=dict[str, "list[float | None]"])
    """US dollars of each evaluation that this run has started; None if unknown."""
    earlier_costs: list[float | None] = field(default_factory=list[float | None])
    """US dollars of each evaluation that an earlier start of the gate has made; None if unknown."""
    started: list[Planned] = field(default_factory=list[Planned])
    """The plans of what this run has started."""

    @property
    def spent_usd(self) -> float | None:
        """US dollars that all starts of this gate have spent so far; None if unknown."""
        of_this_start = (cost for costs in self.costs.values() for cost in costs)
        return total([*of_this_start, *self.earlier_costs])

    async def judged(self, number: int, planned: Planned) -> dict[str, list[RunRow]]:
        """Judge the rows of a plan, or join the evaluations of an earlier start.

        Args:
            number: of the part, from 1.
            planned: the rows.

        Returns:
            For each metric, the judged rows in the order of the plan's rows.

        Raises:
            OperatorError: an evaluation lacks rows, twice.
            EvalsMCPError: one cannot be started or read.
        """
        problem = ""
        for tried in range(MOST_TRIES):
            joined = not tried and await self._joined(number, planned)
            if not joined:
                await self._start(number, planned, again=bool(tried))
            rows: dict[str, list[RunRow]] = {}
            for name, job in planned.jobs.items():
                complete = await self._read(name, job, planned.batch)
                if complete is None:
                    reason = failure_reason(job) or job.status
                    problem = f"{job.workflow_id} lacks rows ({inert(reason, 200)})"
                else:
                    rows[name] = complete
            if len(rows) == len(planned.jobs):
                await self._keep(planned, has_started=not joined)
                return rows
        raise OperatorError(
            f"Part {number} ended without all its rows {MOST_TRIES} times: {problem}. The parts "
            "before it are kept: the same command joins them and tries this one again."
        )

    async def _start(self, number: int, planned: Planned, *, again: bool) -> None:
        judging = replace(self.run.judging, again=again or self.run.options.again)
        ids = await judging.start(planned)
        for name, evaluation_id in ids.items():
            record = self._record(number, planned.batch, name)
            await self.run.session.launches.parts.remember(record, evaluation_id)
        await judging.finish(planned, ids)

    async def _joined(self, number: int, planned: Planned) -> bool:
        """Wait for the evaluations that an earlier start of this gate has made of these rows."""
        if self.run.options.again:
            return False
        jobs: dict[str, EvaluationJob] = {}
        for name in planned.batch.metrics:
            record = self._record(number, planned.batch, name)
            earlier_id = await self.run.session.launches.parts.evaluation_of(record)
            job = await self._ended(name, earlier_id) if earlier_id else None
            if job is None or not self._is_usable(job, self.metrics[name]):
                return False
            jobs[name] = job
        for name, job in jobs.items():
            self.run.progress.say(f"Joined {quoted(name, 60)}: {job.workflow_id}")
        planned.jobs.update(jobs)
        return True

    async def _ended(self, metric: str, evaluation_id: str) -> EvaluationJob | None:
        """Wait for an evaluation of an earlier start; return None if the service has lost it."""
        self.run.progress.begin(inert(metric, 60))
        try:
            return await self.run.judging.ended(evaluation_id)
        except NotFoundError:
            return None

    def _is_usable(self, job: EvaluationJob, metric: Metric) -> bool:
        """Return whether verdicts of an earlier start are those that would be made now."""
        if not has_rows(job):
            return False
        made_at = job.updated_at
        if made_at is None or made_at.tzinfo is None:
            return True
        return self.run.session.clock.now() - made_at <= self._oldest(metric)

    def _oldest(self, metric: Metric) -> timedelta:
        if metric.generates and self.run.file.content.candidate_version is None:
            return MAX_AGE_OF_ANSWERS
        return MAX_AGE if metric.generates or not metric.is_rule else timedelta.max

    def _record(self, number: int, batch: Batch, metric: str) -> str:
        content = self.run.file.content
        generates = self.metrics[metric].generates
        version_of_answers = [content.candidate_version, self.run.forge.commit]
        request: list[Any] = [
            self.run.session.provider.account,
            metric,
            batch.metrics[metric].model_dump(mode="json", exclude_unset=True, exclude_none=True),
            version("evals-mcp"),
            version_of_answers if generates else None,
        ]
        return part_name(dataset_digest(batch.rows or ()), self.seed, number, ["gate", request])

    async def _read(self, name: str, job: EvaluationJob, batch: Batch) -> list[RunRow] | None:
        """Return the rows of an evaluation; None if one lacks.

        An evaluation fails if too many of its rows do; if all were tried, the gate counts them.
        """
        if not has_rows(job):
            return None
        metric = self.metrics[name]
        path = self.scratch / f"part-{len(self.jobs.get(name, ()))}-{job.workflow_id[:80]}.jsonl"
        if not path.exists():
            await export_rows(job, path, self.run.session)
        self.manifests[name] = read_manifest(path)
        read = await judged_rows(job, metric, path)
        data = [dict(row) for row in batch.rows or ()]
        rows = [row for row in judged_rows_of(metric, self.keys, data, read) if row is not None]
        return rows if len(rows) == len(data) else None

    async def _keep(self, planned: Planned, *, has_started: bool) -> None:
        for name, job in planned.jobs.items():
            self.jobs.setdefault(name, []).append(job)
            if job.status != "completed":
                self.run.warnings.append(inert(f"{name} ended as {job.status}", 300))
            usd: float | None = 0.0
            if planned.plan.calls != 0:
                usd = await self.run.cost_usd(job)
            costs = self.costs.setdefault(name, []) if has_started else self.earlier_costs
            costs.append(usd)
        if has_started:
            self.started.append(planned)


def batches_of(
    run: Run, metrics: Sequence[Metric], missing: Mapping[str, Sequence[int]], data: Sequence[Any]
) -> list[Batch]:
    """Return the creates that judge these rows: one for all metrics if their rows are the same.

    Args:
        run: the run.
        metrics: its metrics.
        missing: for each metric, the indexes of the rows to judge.
        data: all rows.
    """
    first = missing[metrics[0].name]
    if first and all(missing[metric.name] == first for metric in metrics):
        arguments = {metric.name: metric.arguments for metric in metrics}
        return [Batch(arguments, run.file.arguments, [data[index] for index in first])]
    return batches_by_metric(metrics, missing, data)


def total(costs: Iterable[float | None]) -> float | None:
    """Return the sum; None if one is unknown."""
    amounts = list(costs)
    return None if None in amounts else sum(cost or 0.0 for cost in amounts)
