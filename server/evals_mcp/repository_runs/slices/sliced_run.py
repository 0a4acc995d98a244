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
from evals_mcp.rendering.plan import cost_line
from evals_mcp.repository_runs.continuing.continued_run import only_metric
from evals_mcp.repository_runs.continuing.stopped_run import StoppedRun
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
from evals_mcp.results.sequential import decision_headline
from evals_mcp.spending.settling import cost_of_job
from evals_mcp.spending.shown import shown_usd
from evals_schemas.digests import dataset_digest
from evals_schemas.evaluation_api.evaluations import ENDED, EvaluationJob
from evals_schemas.repository.results import MetricFiles, MetricResult, RunResults
from evals_schemas.sequential.record import Sequential
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
    stopped: StoppedRun | None = None
    """The run that is continued; None for another one."""
    to_the_end: bool = False
    """Whether every part is judged, whatever is decided."""

    async def results(self) -> RunResults | None:
        """Judge part after part and return the results; None after a dry run.

        Raises:
            EvalsMCPError: it cannot run, or a part has ended early twice.
        """
        run, judging = self.run, self.run.judging
        whole = await judging.plan(self._batch(None))
        run.warnings += whole.plan.warnings
        run.say_plan([whole])
        with tempfile.TemporaryDirectory(prefix="evals-mcp-parts-") as folder:
            data = await run.data(Path(folder))
            digest = dataset_digest(data)
            parts = parts_of(seed_of(digest), len(data))
            known = await self._judged_before(parts, data, digest)
            sizes = ", ".join(f"{part.end - part.start:,}" for part in parts)
            run.progress.say(
                f"The service cannot stop an evaluation: the rows go in parts of {sizes}, the next "
                "only while nothing is decided. The plan above is the worst case."
            )
            rest = await self._rest(known, parts, data) if known else whole
            judging.check_consent([] if rest is None else [rest])
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
            to_the_end=self.to_the_end,
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
        record = self._with_earlier(evidence.record(spent), done)
        line = self._line(done, data)
        update = {
            "headline": decision_headline(record, self._parameters),
            "sequential": record.model_dump(mode="json", exclude_none=True),
            "cost_usd": spent,
            "figure": line.figure and line.figure.model_copy(update={"interval": None}),
        }
        return self.run.whole(plans or [whole], [line.model_copy(update=update)])

    def _with_earlier(self, record: Sequential, done: Sequence[_Judged]) -> Sequential:
        """Return the record with what the run that is continued had decided."""
        if self.stopped is None:
            return record
        before = {*self.stopped.evaluation_ids}
        rows = sum(len(each.rows) for each in done if each.job.workflow_id in before)
        update = {"earlier": self.stopped.earlier(), "rows_taken_over": rows}
        return record.model_copy(update=update)

    async def _judged_before(
        self, parts: Sequence[Part], data: Sequence[Mapping[str, Any]], digest: str
    ) -> list[Part]:
        """Return the parts that were judged by an earlier run, which are joined."""
        records, known = self.run.session.launches.parts, list[Part]()
        if self.run.options.again:
            return known
        for part in parts:
            batch = self._batch([data[row] for row in part.rows])
            name = self._part_name(part, digest, batch.arguments)
            if not await self._is_joined(await records.evaluation_of(name)):
                break
            known.append(part)
        return known

    async def _is_joined(self, evaluation_id: str | None) -> bool:
        """Return whether an evaluation of an earlier run runs, or has ended with its rows."""
        if evaluation_id is None:
            return False
        try:
            job = await self.run.session.evaluation(evaluation_id)
        except NotFoundError:
            return False
        return job.status not in ENDED or job.status == "completed"

    async def _rest(
        self, known: Sequence[Part], parts: Sequence[Part], data: Sequence[Mapping[str, Any]]
    ) -> Planned | None:
        """Say what the parts cost that were not judged before, at most; None if none is left."""
        rows = [data[row] for part in parts[len(known) :] for row in part.rows]
        text = f"{known[-1].end:,} rows are those of an earlier run and are joined."
        if not rows:
            self.run.progress.say(f"{text} Nothing is left.")
            return None
        rest = await self.run.judging.plan(self._batch(rows))
        cost = cost_line(rest.plan.calls, rest.plan.cost_usd) or "calls and cost unknown"
        self.run.progress.say(f"{text} Left, at most: {len(rows):,} rows, {cost}.")
        return rest

    def _part_name(self, part: Part, digest: str, request: Mapping[str, Any]) -> str:
        account = self.run.session.provider.account
        return part_name(digest, seed_of(digest), part.number, [account, request])

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
        parts = self.run.session.launches.parts
        name = self._part_name(part, data.digest, planned.batch.arguments)
        problem = ""
        for tried in range(MOST_TRIES):
            known = None if tried or self.run.options.again else await parts.evaluation_of(name)
            job = await self._started_before(known)
            if job is None:
                self.run.progress.say(f"Judging {part}.")
                judging = replace(self.run.judging, again=bool(tried) or self.run.options.again)
                ids = await judging.start(planned)
                # Recorded before the wait: a run that is killed in it joins this part later.
                await parts.remember(name, ids[self.metric.name])
                await judging.finish(planned, ids)
                job = planned.jobs[self.metric.name]
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


def sliced(run: Run, stopped: StoppedRun | None = None) -> SlicedRun | None:
    """Return the run in parts; None if it has no `stop_when`, or its service can stop.

    Args:
        run: the run.
        stopped: the run in parts that it continues; None for another one.

    Of a file with several metrics, the create itself refuses `stop_when`.

    Raises:
        EvalsMCPError: an argument is missing, unknown or does not fit.
    """
    metric, *others = run.metrics()
    rules = metric.arguments.stop_when
    if run.receiver.capabilities.stops_early:
        return None
    if stopped is not None:
        metric = only_metric(run)
        stopped.check(metric)
        further = stopped.further_rules(rules)
        before = StopWhen.model_validate(
            {name: stopped.rules[name] for name in StopWhen.model_fields if name in stopped.rules}
        )
        return SlicedRun(run, metric, further or before, stopped, to_the_end=further is None)
    if rules is None or others:
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
