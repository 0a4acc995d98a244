"""The labels of people in the rows that the page shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from evals_mcp.cleaning import quoted
from evals_mcp.errors import OperatorError
from evals_mcp.results.calibration.agreement import value_text
from evals_mcp.tools.calls.naming import item_of
from evals_mcp.tools.calls.session import ToolSession
from evals_schemas.evaluation_api.evaluations import ENDED, EvaluationJob
from evals_schemas.tools.page import PageRow

if TYPE_CHECKING:
    from evals_mcp.labels.exported_labels import LabelCells
    from evals_mcp.result_files.index import ResultIndex

_NAME = 60


async def with_people_labels(
    session: ToolSession, job: EvaluationJob, index: ResultIndex, rows: Sequence[PageRow]
) -> None:
    """Add the labels of some rows to them; nothing if the state cannot be read."""
    # Imported here because loading SQLite would slow down every start.
    from evals_mcp.labels.exported_labels import exported_labels  # noqa: PLC0415

    if job.status not in ENDED:
        return
    evaluation = item_of(session.provider, job.workflow_id).record
    try:
        labels = await exported_labels(session.labels, evaluation, job, index)
    except OperatorError:
        return
    for row in rows:
        if (cells := labels.rows.get(row.row)) is not None:
            row.label = _sentence(cells)


def _sentence(cells: LabelCells) -> str:
    value, labeller, _, others = cells
    all_labels = {labeller: value, **(others or {})}
    parts = [f"{value_text(label)} by {quoted(name, _NAME)}" for name, label in all_labels.items()]
    return f"Label of people: {', '.join(parts)}."
