"""Result files and reports of the evaluations of a run, written by the export of the tools."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, cast

from evals_mcp.errors import EvalsMCPError, OperatorError
from evals_mcp.exchange.new_files import manifest_path
from evals_mcp.repository_runs.metrics import Metric
from evals_mcp.repository_runs.rows import RunRow, counted_states, read_rows
from evals_mcp.results.sequential import sequential_of
from evals_mcp.tools.calls.session import ToolSession
from evals_mcp.tools.export_results import exported, to_new_file
from evals_schemas.evaluation_api.evaluations import EvaluationJob
from evals_schemas.tools.exports import ExportResultsInput


def has_rows(job: EvaluationJob) -> bool:
    """Return whether an ended evaluation has a result file."""
    return bool((job.results or {}).get("result_file_id"))


async def export_rows(job: EvaluationJob, path: Path, session: ToolSession) -> None:
    """Write the result file of an evaluation, and its manifest beside it.

    It has every verdict, those of rows that wait for a label, too: a gate decides by them.

    Raises:
        EvalsMCPError: the rows cannot be read, or the file cannot be written.
    """
    arguments = ExportResultsInput(evaluation_id=job.workflow_id, format="jsonl")
    await exported(arguments, session, partial(to_new_file, path), whole=True)


async def export_report(job: EvaluationJob, path: Path, session: ToolSession) -> bool:
    """Write the page of an evaluation; return whether there is one.

    The results are complete without it, so a page that cannot be made is left out.
    """
    arguments = ExportResultsInput(evaluation_id=job.workflow_id, format="html")
    try:
        await exported(arguments, session, partial(to_new_file, path))
    except EvalsMCPError:
        return False
    return True


async def judged_rows(job: EvaluationJob, metric: Metric, path: Path) -> list[RunRow]:
    """Return the rows of a result file that was exported to a path."""
    made_at = job.updated_at.isoformat(timespec="seconds") if job.updated_at else None
    evidence = sequential_of(job.results)
    if evidence is not None and evidence.earlier:
        # Some of its verdicts are that old, and the rows do not say which.
        made_at = evidence.earlier[0].ended_at
    return read_rows(path, metric.read, made_at)


def write_joined_manifest(
    path: Path, rows: Sequence[RunRow], source: Mapping[str, Any], baseline: str, digest: str
) -> None:
    """Write the manifest of a result file in which verdicts of a baseline were taken over.

    Args:
        path: the result file.
        rows: its rows.
        source: the manifest of the rows that were judged now, or else the baseline's.
        baseline: what the others were taken from.
        digest: of the rows.

    Raises:
        OperatorError: the file cannot be written.
    """
    judged, taken_over, _ = counted_states(rows)
    dates = [row.judged_at for row in rows if row.judged_at]
    states: dict[str, int] = {}
    for row in rows:
        states[row.verdict.state] = states.get(row.verdict.state, 0) + 1
    counts = {"rows": len(rows), "by_state": states}
    digests = cast("Mapping[str, Any]", source.get("digests") or {})
    joined = {
        **source,
        "headline": None,
        "counts": counts,
        "digests": {**digests, "dataset": None, "request": None, "rows": digest},
        "verdicts": {
            "judged": judged,
            "taken_over": taken_over,
            "from": baseline,
            "oldest": min(dates, default=None),
        },
    }
    try:
        manifest_path(path).write_text(json.dumps(joined, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise OperatorError(f"{path} cannot be written ({error.strerror or error}).") from None


def read_manifest(path: Path) -> dict[str, Any]:
    """Return the manifest beside a result file; empty if no file can be read there."""
    try:
        content: object = json.loads(manifest_path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return cast("dict[str, Any]", content) if isinstance(content, dict) else {}
