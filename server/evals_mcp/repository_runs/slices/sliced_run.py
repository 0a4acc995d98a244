"""Runs the parts one after another, each an evaluation that is never created twice."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from evals_mcp.cleaning import inert
from evals_mcp.errors import InvalidRequestError, NotFoundError, OperatorError
from evals_mcp.launching.stopping.part_records import part_name
from evals_mcp.repository_runs.exporting import (
    export_rows,
    has_rows,
    judged_rows,
    read_manifest,
    write_joined_manifest,
)
from evals_mcp.repository_runs.judging import Batch, Planned
from evals_mcp.repository_runs.metrics import Metric
from evals_mcp.repository_runs.outputs import files_of
from evals_mcp.repository_runs.rows import RunRow, digest_of, write_rows
from evals_mcp.repository_runs.run import Run
from evals_mcp.repository_runs.slices.parts import Part, PartEvidence, parts_of, seed_of
from evals_mcp.results.sequential import decision_sentence
from evals_mcp.spending.settling import cost_of_job
from evals_mcp.spending.shown import shown_usd
from evals_schemas.digests import dataset_digest
from evals_schemas.evaluation_api.evaluations import EvaluationJob
from evals_schemas.repository.results import MetricFiles, MetricResult, RunResults
from evals_schemas.sequential.stop_when import StopWhen

MOST_TRIES = 2
"""How often a part that ends early is judged as itself before the run gives up."""


@dataclass(frozen=True)
class _Judged:
    """A part that has ended."""

    job: EvaluationJob
    rows: list[RunRow]
    usd: float | None


@dataclass(frozen=True)
class _Data:
    """The rows of the data file."""

    rows: Sequence[Mapping[str, Any]]
    digest: str
    folder: Path
    """For the files of the parts, which are gone after the run."""


@dataclass
class SlicedRun:
    """A run whose parts are judged until it is decided."""

    run: Run
    metric: Metric
    rules: StopWhen

    async def results(self) -> RunResults | None:
        """Judge part after part and return the results; None after a dry run.

        Raises:
            EvalsMCPError: it cannot run, or a part has ended early twice.
        """
        run, judging = self.run, self.run.judging
        whole = await judging.plan(self._batch(None))
        run.warnings += whole.plan.warnings
        run.say_plan([whole])
        judging.check_consent([whole])
        with tempfile.TemporaryDirectory(prefix="evals-mcp-parts-") as folder:
            data = await run.data(Path(folder))
            digest = dataset_digest(data)
            parts = parts_of(seed_of(digest), len(data))
            sizes = ", ".join(f"{part.end - part.start:,}" for part in parts)
            run.progress.say(
                f"The service cannot stop an evaluation: the rows go in parts of {sizes}, the next "
                "only while nothing is decided. The plan above is the worst case."
            )
            if run.options.dry_run:
                judging.say_warnings(whole)
                run.progress.say("Dry run: nothing was started.")
                return None
            run.folder.clear()
            rows = _Data(data, digest, Path(folder))
            return await self._judged(whole, rows, parts)

    async def _judged(self, whole: Planned, data: _Data, parts: Sequence[Part]) -> RunResults:
        evidence = PartEvidence(
            self.rules,
            parts,
            seed_of(data.digest),
            is_difference="net_preference" in self.metric.figures,
        )
        done: list[_Judged] = []
        plans: list[Planned] = []
        for part in parts:
            batch = self._batch([data.rows[row] for row in part.rows])
            planned = await self.run.judging.plan(batch)
            if self._is_too_dear(planned, done):
                evidence.end_at_the_budget()
                break
            plans.append(planned)
            done.append(await self._part(part, planned, data))
            if evidence.add(part, [row.verdict for row in done[-1].rows]):
                break
        spent = _sum(done)
        record = evidence.record(spent)
        line = self._line(done, data)
        update = {
            "headline": f"{decision_sentence(record, self._parameters)}.",
            "sequential": record.model_dump(mode="json", exclude_none=True),
            "cost_usd": spent,
            "figure": line.figure and line.figure.model_copy(update={"interval": None}),
        }
        return self.run.whole(plans or [whole], [line.model_copy(update=update)])

    @property
    def _parameters(self) -> dict[str, Any]:
        rules = self.rules.model_dump(exclude_none=True)
        return {**self.metric.parameters, "stop_when": rules}

    def _batch(self, rows: Sequence[Mapping[str, Any]] | None) -> Batch:
        request = self.metric.arguments.model_copy(update={"stop_when": None})
        arguments = request.model_dump(exclude_unset=True, exclude_none=True)
        return Batch({self.metric.name: request}, arguments, rows)

    def _is_too_dear(self, planned: Planned, done: Sequence[_Judged]) -> bool:
        """Return whether the next part may cost more than is left of `max_usd`.

        Raises:
            InvalidRequestError: what it costs is unknown.
        """
        limit = self.rules.max_usd
        if limit is None:
            return False
        spent, cost = _sum(done), planned.plan.cost_usd
        if planned.plan.calls == 0:
            return False
        if spent is None or cost is None:
            raise InvalidRequestError(
                "`stop_when`: max_usd cannot be counted, because a price is unknown: leave it out."
            )
        return spent + cost.high > limit

    async def _part(self, part: Part, planned: Planned, data: _Data) -> _Judged:
        """Judge a part, once more as itself if it ends early; join it if it was started before."""
        session, parts = self.run.session, self.run.session.launches.parts
        request = planned.batch.arguments
        account = session.provider.account
        name = part_name(data.digest, seed_of(data.digest), part.number, [account, request])
        problem = ""
        for tried in range(MOST_TRIES):
            known = None if tried or self.run.options.again else await parts.evaluation_of(name)
            job = await self._started_before(known)
            if job is None:
                self.run.progress.say(f"Judging {part}.")
                judging = replace(self.run.judging, again=bool(tried) or self.run.options.again)
                await judging.judge(planned)
                job = planned.jobs[self.metric.name]
                await parts.remember(name, job.workflow_id)
            if job.status == "completed" and has_rows(job):
                return await self._read(part, planned, job, data)
            problem = f"{job.workflow_id} ended as {job.status}"
        raise OperatorError(
            f"{part} ended early {MOST_TRIES} times: {problem}. The parts before it are kept at "
            "the service: the same command joins them and tries this one again."
        )

    async def _started_before(self, evaluation_id: str | None) -> EvaluationJob | None:
        """Return the ended evaluation of an earlier run; None if it failed or is gone."""
        if evaluation_id is None:
            return None
        try:
            job = await self.run.judging.ended(evaluation_id)
        except NotFoundError:
            return None
        if job.status != "completed":
            return None
        self.run.progress.say(f"Joined {inert(evaluation_id, 80)}.")
        return job

    async def _read(self, part: Part, planned: Planned, job: EvaluationJob, data: _Data) -> _Judged:
        session = self.run.session
        path = data.folder / f"part-{part.number}.jsonl"
        await export_rows(job, path, session)
        rows = await judged_rows(job, self.metric, path)
        cost = await cost_of_job(job, session.provider, session.launches.spending)
        return _Judged(job, rows, 0.0 if planned.plan.calls == 0 else shown_usd(job, cost))

    def _line(self, done: Sequence[_Judged], data: _Data) -> MetricResult:
        """Write the rows of all parts to one file, and return the results over them."""
        files = files_of(self.metric.name, [])
        rows = [row for each in done for row in each.rows]
        jobs = [each.job for each in done]
        path = self.run.folder.file(files.rows or "")
        try:
            write_rows(path, rows)
        except OSError as error:
            raise OperatorError(f"{path} cannot be written ({error.strerror or error}).") from None
        digest = digest_of(map(self.run.keys().row, (row.cells for row in rows)))
        source = read_manifest(data.folder / f"part-{len(done)}.jsonl")
        names = ", ".join(job.workflow_id for job in jobs)
        write_joined_manifest(path, rows, source, f"the parts {names}", digest)
        kept = MetricFiles(rows=files.rows, manifest=files.manifest)
        return self.run.line(self.metric, jobs, rows, kept)


def sliced(run: Run) -> SlicedRun | None:
    """Return the run in parts; None if it has no `stop_when`, or its service can stop.

    Of a file with several metrics, the create itself refuses `stop_when`.

    Raises:
        EvalsMCPError: an argument is missing, unknown or does not fit.
    """
    metric, *others = run.metrics()
    rules = metric.arguments.stop_when
    if rules is None or others or run.receiver.capabilities.stops_early:
        return None
    if metric.arguments.sample is not None:
        raise InvalidRequestError(
            "`sample` and `stop_when` exclude each other here, since the rows go in parts: limit "
            "what is spent with `stop_when.max_usd`. Nothing was started."
        )
    return SlicedRun(run, metric, rules)


def _sum(done: Sequence[_Judged]) -> float | None:
    costs = [each.usd for each in done]
    return None if None in costs else sum(cost or 0.0 for cost in costs)
