"""The column of labels that a call of `get_evaluation` names, and what is asked about it once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from anyio import to_thread

from evals_mcp.cleaning import clean, quoted
from evals_mcp.errors import InvalidRequestError
from evals_mcp.labels.column import ColumnLabels, LabelColumn, labels_in
from evals_mcp.near_names import near_names
from evals_mcp.results.number_text import counted
from evals_mcp.results.rows import OUTPUTS, RESULT_FIELDS
from evals_mcp.results.types.table import type_spec
from evals_mcp.tools.calls.naming import item_of
from evals_mcp.tools.calls.session import ToolSession
from evals_schemas.evaluation_api.evaluations import ENDED, EvaluationJob
from evals_schemas.tools.inputs import GetEvaluationInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evals_mcp.result_files.index import ResultIndex

_NAME = 60
_NAMES_SHOWN = 12
_FORGET = "no_labels"


async def remember_column(
    job: EvaluationJob, arguments: GetEvaluationInput, session: ToolSession
) -> str | None:
    """Remember the column of labels that a call names, with what the call says of it.

    Return what the assistant should say or ask before anything else; None for nothing.

    Raises:
        InvalidRequestError: the column cannot be used, or the evaluation still runs.
        EvalsMCPError: the rows or the state cannot be read.
    """
    name, labels_are = arguments.human_column, arguments.labels_are
    if name is None and labels_are is None:
        return None
    if job.status not in ENDED:
        raise InvalidRequestError(
            f"`human_column` is for ended evaluations; {job.workflow_id} is "
            f"{clean(job.status, 40)}. Call get_status with wait_seconds 45 until it has ended."
        )
    evaluation = item_of(session.provider, job.workflow_id).record
    earlier = await session.labels.column(evaluation)
    if labels_are == _FORGET:
        await session.labels.forget_column(evaluation)
        return None
    if name is None and earlier is None:
        raise InvalidRequestError(
            "`labels_are` says who gave the labels of a column: name the column in `human_column`."
        )
    column = LabelColumn(name or (earlier.name if earlier else ""), labels_are)
    if labels_are is None and earlier is not None and earlier.name == name:
        column = earlier
    async with session.result_rows(job) as index:
        labels = await to_thread.run_sync(_checked_labels, index, job, column)
    await session.labels.name_column(evaluation, column)
    return " ".join(_statements(job, column, labels)) or None


def _checked_labels(index: ResultIndex, job: EvaluationJob, column: LabelColumn) -> ColumnLabels:
    names = [name for name in index.columns if name not in RESULT_FIELDS and name not in OUTPUTS]
    if column.name not in names:
        near = near_names(column.name, names) or names[:_NAMES_SHOWN]
        raise InvalidRequestError(
            f"`human_column`: the rows have no input column {quoted(column.name, _NAME)}; there "
            f"is {', '.join(quoted(name, _NAME) for name in near) or 'none at all'}."
        )
    labels = labels_in(index, job, column)
    if not labels.labels:
        values = ", ".join(quoted(value, 40) for value, _ in labels.unusable.most_common(3))
        holds = f"holds {values}" if values else "is empty in every row with a verdict"
        raise InvalidRequestError(
            f"`human_column`: {quoted(column.name, _NAME)} {holds}, and no cell is a verdict of "
            f"this evaluation. {_possible(job)} Name another column, or label rows with label_rows."
        )
    return labels


def _possible(job: EvaluationJob) -> str:
    marking = type_spec(job.type).marking
    if names := marking.names(job.parameters):
        listed = ", ".join(quoted(name, 40) for name in names[:_NAMES_SHOWN])
        return f"Verdicts are {listed}{' and others' if len(names) > _NAMES_SHOWN else ''}."
    scale = marking.scale(job.parameters)
    return f"Verdicts are numbers{f' from {scale[0]:g} to {scale[1]:g}' if scale else ''}."


def _statements(job: EvaluationJob, column: LabelColumn, labels: ColumnLabels) -> Sequence[str]:
    name, statements = quoted(column.name, _NAME), list[str]()
    if column.labels_are is None:
        statements.append(
            f"Ask the user who gave the labels in {name}, then call get_evaluation again with "
            "`labels_are` people, model or unknown; until then they count as unknown."
        )
    elif column.labels_are == "people" and labels.plan == "chosen":
        rows = len(labels.labels) + labels.without + sum(labels.unusable.values())
        statements.append(
            f"{len(labels.labels):,} of {counted(rows, 'row')} have a label in {name}. Ask the "
            "user how these rows were selected, then call get_evaluation again with `labels_are` "
            "people_random_sample if they were drawn at random, else people_chosen."
        )
    if labels.unusable:
        cells = counted(sum(labels.unusable.values()), "cell")
        example = quoted(labels.unusable.most_common(1)[0][0], 40)
        statements.append(
            f"Not counted: {cells} of {name} without a verdict of this evaluation, such as "
            f"{example}."
        )
    if _is_in_template(job.parameters, column.name):
        statements.append(
            f"The judge's template names {name}, so the judge may have seen the labels: agreement "
            "then says nothing about the judge."
        )
    return statements


def _is_in_template(parameters: Mapping[str, Any], column: str) -> bool:
    judge: object = parameters.get("judge")
    template = cast("Mapping[str, object]", judge).get("system_template") if judge else None
    word = re.compile(rf"(?<!\w){re.escape(column)}(?!\w)")
    return isinstance(template, str) and any(
        word.search(expression)
        for expression in re.findall(r"\{[{%].*?[%}]\}", template, re.DOTALL)
    )
