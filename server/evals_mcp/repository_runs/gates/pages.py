"""The page of a metric beside the rows of a gate."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from contextlib import suppress

from evals_mcp.cleaning import quoted
from evals_mcp.repository_runs.exporting import export_report
from evals_mcp.repository_runs.gates.baseline import BaselineMetric
from evals_mcp.repository_runs.run import Run
from evals_schemas.evaluation_api.evaluations import EvaluationJob
from evals_schemas.repository.results import MetricFiles

_NAME = 60


async def write_page(
    run: Run, baseline: BaselineMetric, jobs: Sequence[EvaluationJob], files: MetricFiles
) -> MetricFiles:
    """Write the page of what was judged now, or copy the baseline's if nothing was.

    A page is of one evaluation: without one, a warning says how to look at the rows.

    Args:
        run: the run.
        baseline: the metric in the baseline.
        jobs: the ended evaluations of the rows that were judged now.
        files: the names of the files of the metric.

    Returns:
        The names; without that of the page if it was not written.
    """
    report = run.folder.file(files.report or "")
    if not jobs:
        if baseline.report is not None:
            with suppress(OSError):
                shutil.copyfile(baseline.report, report)
                return files
        return files.model_copy(update={"report": None})
    if len(jobs) > 1:
        _say_missing(run, jobs, files)
        return files.model_copy(update={"report": None})
    report = report.with_name(f"{report.stem}-judged-now.html")
    name = report.name if await export_report(jobs[0], report, run.session) else None
    return files.model_copy(update={"report": name})


def _say_missing(run: Run, jobs: Sequence[EvaluationJob], files: MetricFiles) -> None:
    ids = [job.workflow_id for job in jobs]
    text = (
        f"{quoted(files.report or '', _NAME)} is not written, because a page shows one evaluation "
        f"and these rows were judged in {len(ids)} parts: {', '.join(ids)}. "
        f"`evals-mcp report {ids[-1]}` writes the page of one."
    )
    run.warnings.append(text)
    run.progress.say(text)
