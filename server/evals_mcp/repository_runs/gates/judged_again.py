"""Judges rows of a baseline again, whose answers are ready."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from evals_mcp.errors import InvalidRequestError, NotFoundError
from evals_mcp.launching.stopping.part_records import part_name
from evals_mcp.repository_runs.exporting import export_rows, has_rows, judged_rows
from evals_mcp.repository_runs.gates.baseline import BaselineMetric
from evals_mcp.repository_runs.judging import Batch, Planned
from evals_mcp.repository_runs.metrics import Metric
from evals_mcp.repository_runs.rows import RunRow, digest_of, without_verdict
from evals_mcp.repository_runs.run import Run
from evals_mcp.results.comparisons.joining import SIDES
from evals_mcp.results.rows import OUTPUTS, input_columns
from evals_schemas.digests import row_key
from evals_schemas.evaluation_api.evaluations import EvaluationJob
from evals_schemas.tools.inputs import RESPONSE_COLUMNS

AGE = timedelta(days=7)
"""For how long rows that were judged again say how the judge judges."""


@dataclass(frozen=True)
class JudgingAgain:
    """Rows of one metric's baseline, judged again by the judge of the file."""

    run: Run
    metric: Metric
    baseline: BaselineMetric
    scratch: Path

    async def plan(self, rows: Sequence[RunRow], purpose: str) -> Planned:
        """Plan the judging of rows.

        Args:
            rows: rows of the baseline.
            purpose: what the evaluation is called after.

        Raises:
            EvalsMCPError: the rows cannot be used or stored.
        """
        arguments = self._arguments(purpose)
        cells = [_sent(row) for row in rows]
        return await self.run.judging.plan(
            Batch({self.metric.name: self.metric.arguments}, arguments, cells)
        )

    async def judged(self, planned: Planned, rows: Sequence[RunRow]) -> list[RunRow | None]:
        """Return the rows with their new verdicts; None for one that came back without a line.

        Rows that were judged again less than a week ago, as these rows, are not judged once more.

        Raises:
            EvalsMCPError: they cannot be judged or read.
        """
        records, name = self.run.session.launches.parts, self._record_name(planned, rows)
        job = await self._recent(await records.evaluation_of(name))
        if job is None:
            job = await self._started(planned, name)
        if not has_rows(job):
            raise InvalidRequestError(
                f"Rows of the baseline could not be judged again: {job.workflow_id} ended as "
                f"{job.status}."
            )
        path = self.scratch / f"again-{job.workflow_id}.jsonl"
        await export_rows(job, path, self.run.session)
        waiting: dict[bytes, deque[RunRow]] = defaultdict(deque)
        for row in await judged_rows(job, self.metric, path):
            waiting[_content(row.cells)].append(row)
        found = [waiting[_content(_sent(row))] for row in rows]
        return [
            replace(row, verdict=new.verdict, judged_at=new.judged_at)
            if same and (new := same.popleft())
            else None
            for row, same in zip(rows, found, strict=True)
        ]

    async def is_judged(self, planned: Planned, rows: Sequence[RunRow]) -> bool:
        """Return whether these rows were judged again less than a week ago, so that it is free."""
        name = self._record_name(planned, rows)
        evaluation_id = await self.run.session.launches.parts.evaluation_of(name)
        if evaluation_id is None or self.run.options.again:
            return False
        try:
            job = await self.run.session.evaluation(evaluation_id)
        except NotFoundError:
            return False
        return self._is_usable(job)

    async def _started(self, planned: Planned, record: str) -> EvaluationJob:
        """Judge rows; the evaluation is recorded before the wait, to be joined after a kill."""
        session, judging = self.run.session, replace(self.run.judging, again=True)
        ids = await judging.start(planned)
        await session.launches.parts.remember(record, ids[self.metric.name])
        await judging.finish(planned, ids)
        await self.run.count_again(planned)
        return planned.jobs[self.metric.name]

    async def _recent(self, evaluation_id: str | None) -> EvaluationJob | None:
        if evaluation_id is None or self.run.options.again:
            return None
        try:
            job = await self.run.judging.ended(evaluation_id)
        except NotFoundError:
            return None
        return job if self._is_usable(job) else None

    def _is_usable(self, job: EvaluationJob) -> bool:
        now: datetime = self.run.session.clock.now()
        is_recent = job.updated_at is not None and now - job.updated_at <= AGE
        return is_recent and job.status == "completed"

    def _record_name(self, planned: Planned, rows: Sequence[RunRow]) -> str:
        account = self.run.session.provider.account
        digest = digest_of(_content(_sent(row)) for row in rows)
        return part_name(digest, 0, 0, ["again", account, planned.batch.arguments])

    def _arguments(self, purpose: str) -> dict[str, Any]:
        """Return the arguments that judge the baseline's answers, without generating any."""
        arguments = self.metric.arguments.model_dump(exclude_unset=True, exclude_none=True)
        for name in ("sample", "stop_when"):
            arguments.pop(name, None)
        columns = iter(self.baseline.answer_columns)
        for model, column in RESPONSE_COLUMNS.items():
            if model in arguments:
                del arguments[model]
                arguments[column] = SIDES[model]
            elif column in arguments:
                arguments[column] = next(columns, arguments[column])
        name = str(arguments.get("name") or self.metric.name)
        return arguments | {"name": f"{name[:70]}, {purpose}"}


def _sent(row: RunRow) -> Mapping[str, Any]:
    return without_verdict(row.cells, OUTPUTS)


def _content(cells: Mapping[str, Any]) -> bytes:
    names = [*input_columns(cells), *(name for name in OUTPUTS if name in cells)]
    return row_key({name: cells[name] for name in dict.fromkeys(names)})
