"""The rows of one metric in the order of the data: judged now, or taken over from a baseline."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from evals_mcp.cleaning import inert
from evals_mcp.errors import InvalidRequestError
from evals_mcp.repository_runs.exporting import (
    export_rows,
    has_rows,
    judged_rows,
    read_manifest,
    write_joined_manifest,
)
from evals_mcp.repository_runs.gates.baseline import BaselineMetric
from evals_mcp.repository_runs.gates.pages import write_page
from evals_mcp.repository_runs.gates.taken_over import TakenOver, content_of
from evals_mcp.repository_runs.metrics import Metric
from evals_mcp.repository_runs.rows import Cells, RowKeys, RunRow, digest_of, write_rows
from evals_mcp.repository_runs.run import Run
from evals_mcp.tools.job_text import failure_reason
from evals_schemas.evaluation_api.evaluations import EvaluationJob
from evals_schemas.repository.results import MetricFiles, MetricResult

_TEXT = 300


@dataclass(frozen=True)
class Source:
    """Where the verdicts of one metric come from."""

    data: Sequence[Cells]
    taken: TakenOver
    baseline: BaselineMetric
    label: str
    """What reports call the baseline."""
    keys: RowKeys


@dataclass(frozen=True)
class JoinedMetric:
    """One metric with all its rows, in the order of the data."""

    line: MetricResult
    rows: Sequence[RunRow]
    reason: str | None
    """Why no verdict was taken over; None if some were."""


@dataclass(frozen=True)
class Joining:
    """Writes the files of the metrics of one run."""

    run: Run
    scratch: Path
    """A folder for the rows that were judged now."""

    async def joined(
        self, metric: Metric, source: Source, job: EvaluationJob | None, files: MetricFiles
    ) -> JoinedMetric:
        """Write the files of one metric, and return its results and rows.

        Args:
            metric: the metric.
            source: where its verdicts come from.
            job: the ended evaluation of the rows that were judged now; None if there was none.
            files: the names of its files.

        Raises:
            InvalidRequestError: a row lacks, so that the results are partial.
            EvalsMCPError: the rows cannot be read or written.
        """
        run, taken = self.run, source.taken
        if job is not None and not has_rows(job):
            return JoinedMetric(run.line(metric, [job], [], MetricFiles()), [], taken.reason)
        if job is not None and len(taken.missing) == len(source.data):
            line = await run.metric_result(metric, job, files)
            rows = _in_order(metric, source, run.rows[metric.name], job)
            run.rows[metric.name] = rows
            joined = JoinedMetric(line, rows, taken.reason)
        else:
            joined = await self._with_taken_over(metric, source, job, files)
        return self._with_every_row_tried(joined)

    def _with_every_row_tried(self, joined: JoinedMetric) -> JoinedMetric:
        """Return a metric with all its rows as completed.

        An evaluation fails if too many of its own rows do. Of these rows, some were judged before,
        so the gate counts the rows without a verdict itself.
        """
        status = joined.line.status
        if status == "completed":
            return joined
        self.run.warnings.append(inert(f"{joined.line.name} ended as {status}", _TEXT))
        line = joined.line.model_copy(update={"status": "completed"})
        return JoinedMetric(line, joined.rows, joined.reason)

    async def _with_taken_over(
        self, metric: Metric, source: Source, job: EvaluationJob | None, files: MetricFiles
    ) -> JoinedMetric:
        run, judged, manifest = self.run, list[RunRow](), source.baseline.manifest
        if job is not None:
            path = self.scratch / f"judged-{files.rows}"
            await export_rows(job, path, run.session)
            judged, manifest = await judged_rows(job, metric, path), read_manifest(path)
        rows = _in_order(metric, source, judged, job)
        path = run.folder.file(files.rows or "")
        write_rows(path, rows)
        digest = digest_of(source.keys.row(row.cells) for row in rows)
        write_joined_manifest(path, rows, manifest, source.label, digest)
        jobs = [job] if job else []
        files = await write_page(run, source.baseline, jobs, files)
        line = run.line(metric, jobs, rows, files)
        cost = await run.cost_usd(job) if job is not None else 0.0
        updated = line.model_copy(update={"cost_usd": cost})
        return JoinedMetric(updated, rows, source.taken.reason)


def judged_rows_of(
    metric: Metric, keys: RowKeys, data: Sequence[Cells], judged: Sequence[RunRow]
) -> list[RunRow | None]:
    """Return the judged row of each row of data; None where the result file lacks it."""
    waiting: dict[bytes, deque[RunRow]] = defaultdict(deque)
    columns = metric.answer_columns
    for row in judged:
        waiting[content_of(metric, keys, row.cells, columns)].append(row)
    rows: list[RunRow | None] = []
    for cells in data:
        same = waiting.get(content_of(metric, keys, cells, columns))
        rows.append(same.popleft() if same else None)
    return rows


def _in_order(
    metric: Metric, source: Source, judged: Sequence[RunRow], job: EvaluationJob | None
) -> list[RunRow]:
    """Return the rows in the order of the data.

    Raises:
        InvalidRequestError: a row lacks.
    """
    to_judge = [source.data[index] for index in source.taken.missing]
    judged_now = iter(judged_rows_of(metric, source.keys, to_judge, judged))
    complete = [taken or next(judged_now) for taken in source.taken.rows]
    rows = [row for row in complete if row is not None]
    if missing := len(complete) - len(rows):
        reason = failure_reason(job) if job else None
        raise InvalidRequestError(
            f"Could not run: the result file of {metric.name} lacks {missing} of "
            f"{len(source.data)} rows.{f' {reason}' if reason else ''}"
        )
    return rows
