"""The labels that an evaluation of a tool call is checked against."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evals_mcp.tools.calls.naming import item_of
from evals_mcp.tools.calls.session import ToolSession
from evals_schemas.evaluation_api.evaluations import EvaluationJob

if TYPE_CHECKING:
    from evals_mcp.result_files.index import ResultIndex
    from evals_mcp.results.calibration.labels import Labels


async def labels_of_evaluation(
    session: ToolSession, job: EvaluationJob, index: ResultIndex
) -> Labels | None:
    """Return the labels of an evaluation that count; None without any.

    Raises:
        StateError: the state cannot be read.
    """
    # Imported here because loading SQLite would slow down every start.
    from evals_mcp.labels.counting import counted_labels  # noqa: PLC0415

    evaluation = item_of(session.provider, job.workflow_id).record
    return await counted_labels(session.labels, evaluation, job, index)
