"""What a mark is about, as digests: the content of a row, the answer, and the allowed verdicts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evals_mcp.results.rows import Row, answer_columns_of, input_columns
from evals_mcp.results.types.table import type_spec
from evals_schemas.digests import answer_digest, row_digest, rubric_digest, value_digest
from evals_schemas.evaluation_api.evaluations import EvaluationJob


@dataclass(frozen=True)
class Subjects:
    """Names what the verdicts of one evaluation are about.

    A mark belongs to the content of a row and to the answer, not to an evaluation: it serves every
    evaluation that gave one of the same verdicts to the same answer.
    """

    verdicts: str
    """The digest of the verdicts that are possible; marks are found by it."""
    question: str
    """The digest of what the judge was asked."""
    answers: Sequence[str]
    """The columns of the judged answers, A before B."""
    inputs: Sequence[str] | None
    """The columns of the input; None for all columns of the data set."""

    @property
    def key(self) -> str:
        """Tells these subjects from those of other columns or verdicts."""
        return json.dumps([self.verdicts, list(self.answers), self.inputs and list(self.inputs)])

    def of(self, row: Row) -> str:
        """Return the name of a row's content and answer, under which its marks are stored."""
        inputs = self.inputs or [name for name in input_columns(row) if name not in self.answers]
        content = row_digest({name: row.get(name) for name in inputs})
        answer = answer_digest(*(row.get(name) for name in self.answers))
        return f"{self.verdicts} {content} {answer}"


def subjects_of(job: EvaluationJob) -> Subjects:
    """Return what the verdicts of an evaluation are about."""
    spec, parameters = type_spec(job.type), job.parameters
    own_rows = spec.own_rows
    return Subjects(
        _verdicts(job.type or "", parameters),
        rubric_digest(job.type or "", parameters),
        answer_columns_of(parameters) if own_rows is None else (own_rows.answer,),
        None if own_rows is None else sorted(own_rows.inputs),
    )


def _verdicts(name: str, parameters: Mapping[str, Any]) -> str:
    marking = type_spec(name).marking
    possible = {
        "type": name,
        "names": sorted(marking.names(parameters)),
        "scale": list(marking.scale(parameters) or ()),
    }
    return value_digest("verdicts", possible)
