"""The verdicts of an evaluation as its calibration reads them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from evals_mcp.results.calibration.judged import JudgedRows
from evals_mcp.results.calibration.labels import LabelValue
from evals_mcp.results.rows import JUDGED
from evals_mcp.results.sides import side_names
from evals_mcp.results.types.table import type_spec
from evals_schemas.evaluation_api.evaluations import EvaluationJob

if TYPE_CHECKING:
    from evals_mcp.result_files.index import ResultIndex


def judged_rows(job: EvaluationJob, index: ResultIndex) -> JudgedRows:
    """Return the verdicts of all rows that have one. Blocks."""
    marking, verdicts = type_spec(job.type).marking, Counter[LabelValue]()
    if marking.number is float:
        verdicts.update(index.scores())
    else:
        for count in index.counts:
            value = marking.value(count.verdict) if count.verdict.state == JUDGED else None
            if value is not None:
                verdicts[value] += count.rows
    return JudgedRows(verdicts, marking, job.parameters, side_names(job.parameters)[0])


def verdicts_of(job: EvaluationJob, index: ResultIndex, numbers: set[int]) -> dict[int, LabelValue]:
    """Return the verdicts of these rows, of those that have one. Blocks."""
    marking = type_spec(job.type).marking
    verdicts = dict[int, LabelValue]()
    for entry in index.by_number(sorted(numbers)):
        value = marking.value(entry.verdict) if entry.verdict.state == JUDGED else None
        if value is not None:
            verdicts[entry.number] = value
    return verdicts
