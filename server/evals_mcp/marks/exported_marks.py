"""Marks as an export has them: in the rows that they are about, and counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evals_mcp.marks.mark import Mark
from evals_mcp.marks.marked_rows import marked_rows
from evals_mcp.marks.subjects import Subjects, subjects_of
from evals_mcp.results.rows import JUDGED, Row, RowVerdict
from evals_mcp.results.types.marking import Marking, Value
from evals_mcp.results.types.table import type_spec
from evals_schemas.digests import value_digest
from evals_schemas.evaluation_api.evaluations import EvaluationJob

if TYPE_CHECKING:
    from evals_mcp.marks.store import Marks
    from evals_mcp.result_files.index import ResultIndex

MarkCells = tuple[str, Value | None, str, str]
"""Opinion; what a wrong verdict should be; who said it; when."""


@dataclass(frozen=True)
class ExportedMarks:
    """The marks of one person on the rows of one evaluation."""

    subjects: Subjects
    marking: Marking
    marks: Mapping[str, Mark]
    """By what they are about, those on answers of other evaluations included."""

    def cells(self, row: Row, verdict: RowVerdict) -> MarkCells | None:
        """Return what is said about the verdict of a row; None without a mark."""
        value = self.marking.value(verdict) if verdict.state == JUDGED else None
        mark = None if value is None else self.marks.get(self.subjects.of(row))
        about = mark.about(value) if mark is not None and value is not None else None
        if about is None:
            return None
        should_be = about.label if about.opinion == "wrong" else None
        return about.opinion, should_be, about.labeller, about.at

    @property
    def digest(self) -> str:
        """The name of these marks, which changes when one of them does."""
        stored = {subject: mark.stored() for subject, mark in self.marks.items()}
        return value_digest("marks", stored)

    def has_rows(self, index: ResultIndex) -> bool:
        """Return whether a row has a mark. Blocks."""
        return bool(marked_rows(index, self.subjects, self.marking, self.marks))


async def exported_marks(marks: Marks, job: EvaluationJob) -> ExportedMarks:
    """Return the marks of a principal as an export of an evaluation has them.

    Raises:
        StateError: the state cannot be read.
    """
    subjects = subjects_of(job)
    stored = await marks.all_of(subjects.verdicts)
    return ExportedMarks(subjects, type_spec(job.type).marking, stored)
