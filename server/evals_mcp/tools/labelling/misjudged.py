"""The rows on which the judge is wrong by the labels that count."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from anyio import to_thread

from evals_mcp.errors import InvalidRequestError
from evals_mcp.results.calibration.counted import CountedLabels, count_labels
from evals_mcp.results.calibration.labels import Labels, LabelValue
from evals_mcp.results.groups.text import value_text
from evals_mcp.results.types.table import type_spec
from evals_mcp.tools.calls.session import ToolSession
from evals_mcp.tools.labelling.judged_rows import judged_rows, verdicts_of
from evals_mcp.tools.labelling.labels import labels_of_evaluation
from evals_schemas.evaluation_api.evaluations import ENDED, EvaluationJob
from evals_schemas.tools.summaries import WrongCalls

if TYPE_CHECKING:
    from evals_mcp.result_files.index import ResultIndex

MISJUDGED = "misjudged"
"""The value of `show` for these rows."""

LABEL_COLUMN = "label by people"
"""The column of such a row with what its verdict should be."""

_VALUES = 10


async def misjudged_rows(
    session: ToolSession, job: EvaluationJob, index: ResultIndex
) -> Mapping[int, LabelValue]:
    """Return the label of each row whose verdict is another one, of the labels that figures use.

    Raises:
        InvalidRequestError: there are no such labels, or too few.
        StateError: the labels cannot be read.
    """
    labels = None
    if job.status in ENDED:
        labels = await labels_of_evaluation(session, job, index)
    counted = None
    if labels is not None:
        counted = await to_thread.run_sync(_counted, job, index, labels)
    if counted is None or not counted.rows:
        raise InvalidRequestError(
            f"`show` {MISJUDGED} needs labels of people: none count for this evaluation yet. Call "
            "get_evaluation, whose calibration says how many are missing."
        )
    return wrong_calls(job, counted)


def wrong_calls(job: EvaluationJob, counted: CountedLabels) -> dict[int, LabelValue]:
    """Return the label of each row on which the judge is wrong.

    Where verdicts pass or fail, a row is wrong if only one of verdict and label passes.
    """
    passes = type_spec(job.type).marking.passes(job.parameters)
    return {
        row.row: row.label
        for row in counted.rows
        if (
            row.verdict != row.label if passes is None else passes(row.verdict) != passes(row.label)
        )
    }


async def wrong_by_column(
    session: ToolSession,
    job: EvaluationJob,
    index: ResultIndex,
    column: str,
    hidden: Collection[int],
) -> list[WrongCalls] | None:
    """Return the wrong calls by the values of a column, the most first; None without labels.

    Args:
        session: the collaborators of the call.
        job: the evaluation.
        index: its rows.
        column: a column of them.
        hidden: numbers of rows that are not counted.

    Raises:
        StateError: the labels cannot be read.
    """
    labels = await labels_of_evaluation(session, job, index)
    if labels is None:
        return None
    return await to_thread.run_sync(_by, job, index, labels, column, hidden)


def _by(
    job: EvaluationJob, index: ResultIndex, labels: Labels, column: str, hidden: Collection[int]
) -> list[WrongCalls] | None:
    counted = _counted(job, index, labels)
    wrong, labelled, errors = wrong_calls(job, counted), Counter[str](), Counter[str]()
    shown = [row.row for row in counted.rows if row.row not in hidden]
    for entry in index.by_number(shown):
        value = value_text(index.read(entry).get(column))
        labelled[value] += 1
        errors[value] += entry.number in wrong
    return [
        WrongCalls(value=value, wrong=errors[value], labels=labelled[value])
        for value in sorted(labelled, key=lambda value: (-errors[value], value))[:_VALUES]
    ]


def _counted(job: EvaluationJob, index: ResultIndex, labels: Labels) -> CountedLabels:
    verdicts = verdicts_of(job, index, {label.row for label in labels.labels})
    return count_labels(labels, verdicts, judged_rows(job, index).total)
