"""The columns of a result file that people look at, and what each of them holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evals_mcp.results.comparisons.joining import SIDES
from evals_mcp.results.paging import shown_columns
from evals_mcp.results.types.table import type_spec
from evals_schemas.evaluation_api.evaluations import EvaluationJob
from evals_schemas.tools.page import ColumnRole

_ROLES: Mapping[str, ColumnRole] = {
    "model_to_evaluate": "answer",
    "model_a": "answer_a",
    "model_b": "answer_b",
}


def columns_of(job: EvaluationJob, names: Sequence[str]) -> dict[str, ColumnRole]:
    """Return the columns of a result file that the page shows, in their order, with their roles."""
    own_rows = type_spec(job.type).own_rows
    if own_rows is not None:
        shown = [name for name in own_rows.shown if name in names]
        return {name: "answer" if name == own_rows.answer else "input" for name in shown}
    roles = dict[str, ColumnRole]()
    for parameter, role in _ROLES.items():
        if (value := job.parameters.get(parameter)) is not None:
            roles[value if isinstance(value, str) else SIDES[parameter]] = role
    return {name: roles.get(name, "input") for name in shown_columns(names)}
