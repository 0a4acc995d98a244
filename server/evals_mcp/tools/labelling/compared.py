"""The labels of two evaluations in the answer of a comparison."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from anyio import to_thread

from evals_mcp.errors import EvalsMCPError
from evals_mcp.results.calibration.compared import (
    LabelledPairs,
    ValuePair,
    corrected_difference,
    figures_of,
    headline_with_labels,
    nearer_judge,
)
from evals_mcp.results.calibration.counted import CountedLabels, count_labels
from evals_mcp.results.calibration.labels import Labels
from evals_mcp.results.calibration.other_answers import (
    other_labels_sentence,
    rate_by_other_labels,
)
from evals_mcp.results.comparisons.joining import Pair
from evals_mcp.results.comparisons.judging import judge_differences, passing_differences
from evals_mcp.results.sides import judge_names
from evals_mcp.results.subjects import data_set_of
from evals_mcp.results.types.table import type_spec
from evals_mcp.tools.calls.session import ToolSession
from evals_mcp.tools.labelling.calibration import may_have_labels
from evals_mcp.tools.labelling.judged_rows import judged_rows, verdicts_of
from evals_mcp.tools.labelling.labels import labels_of_evaluation
from evals_schemas.evaluation_api.evaluations import EvaluationJob
from evals_schemas.tools.comparisons import ComparedLabels, CompareEvaluationsOutput

if TYPE_CHECKING:
    from evals_mcp.result_files.index import ResultIndex


@dataclass(frozen=True)
class OpenEvaluation:
    """One of two compared evaluations with its rows."""

    job: EvaluationJob
    index: ResultIndex


async def with_labels_of_both(
    answer: CompareEvaluationsOutput,
    sides: tuple[OpenEvaluation, OpenEvaluation],
    pairs: Sequence[Pair],
    session: ToolSession,
) -> CompareEvaluationsOutput:
    """Return the answer with what labels say, unchanged without labels or if they cannot be read.

    Args:
        answer: the answer.
        sides: A and B.
        pairs: the pairs of rows.
        session: the collaborators of the call.
    """
    try:
        labels: list[Labels | None] = []
        for side in sides:
            has_labels = await may_have_labels(side.job, session)
            found = (
                await labels_of_evaluation(session, side.job, side.index) if has_labels else None
            )
            labels.append(found)
    except EvalsMCPError:
        return answer
    if not any(labels):
        return answer
    refusal = None
    if answer.clusters is not None:
        refusal = "Rows that belong together were labelled one by one."
    services = [session.provider.service_of(side.job.workflow_id).name for side in sides]
    same_judge = not (
        judge_differences(sides[0].job, sides[1].job, (services[0], services[1]))
        or passing_differences(sides[0].job, sides[1].job)
    )
    compared = await to_thread.run_sync(
        _compared,
        _Question(answer.compares != "answers", same_judge, refusal),
        sides,
        pairs,
        labels,
    )
    if compared is None:
        return answer
    headline = headline_with_labels(answer.headline, compared)
    return answer.model_copy(update={"calibration": compared, "headline": headline})


@dataclass(frozen=True)
class _Question:
    """What a comparison is about."""

    same_answers: bool
    same_judge: bool
    refusal: str | None
    """Why nothing is corrected; None if it may be."""


def _compared(
    question: _Question,
    sides: tuple[OpenEvaluation, OpenEvaluation],
    pairs: Sequence[Pair],
    labels: Sequence[Labels | None],
) -> ComparedLabels | None:
    a, b = sides
    marking = type_spec(a.job.type).marking
    counted = [
        _counted(side, own, question.refusal) for side, own in zip(sides, labels, strict=True)
    ]
    values = [
        ValuePair(pair.row_a, pair.row_b, first, second)
        for pair in pairs
        if (first := marking.value(pair.a)) is not None
        and (second := marking.value(pair.b)) is not None
    ]
    data = [data_set_of(side.job.parameters) for side in sides]
    same_data = data[0] is not None and data[0] == data[1]
    labelled = LabelledPairs(values, counted[0], counted[1], same_data)
    if question.same_answers:
        return nearer_judge(labelled, marking, judge_names(a.job, b.job))
    figures = figures_of(marking, a.job.parameters)
    found = None if figures is None else corrected_difference(labelled, *figures)
    if found is not None and question.same_judge and (counted[0] is None) != (counted[1] is None):
        return _with_other_labels(found, sides, counted)
    return found


def _with_other_labels(
    found: ComparedLabels,
    sides: tuple[OpenEvaluation, OpenEvaluation],
    counted: Sequence[CountedLabels | None],
) -> ComparedLabels:
    """Return the answer with the pass rate of the side without labels, by those of the other."""
    place = 0 if counted[0] is None else 1
    labels = counted[1 - place]
    assert labels is not None, "one side has labels"
    side, names = sides[place], ("A", "B")
    rows = judged_rows(side.job, side.index).by_pass
    rate = rate_by_other_labels(rows, labels, f"pass rate of {names[place]}")
    if isinstance(rate, str):
        found.not_computed["by_other_labels"] = rate
        return found
    sentence = other_labels_sentence(rate, names[1 - place], len(labels.rows))
    update = {"by_other_labels": rate, "sentences": [*found.sentences, sentence]}
    return found.model_copy(update=update)


def _counted(
    side: OpenEvaluation, labels: Labels | None, refusal: str | None
) -> CountedLabels | None:
    if labels is None or not labels.labels:
        return None
    verdicts = verdicts_of(side.job, side.index, {label.row for label in labels.labels})
    return count_labels(labels, verdicts, judged_rows(side.job, side.index).total, refusal)
