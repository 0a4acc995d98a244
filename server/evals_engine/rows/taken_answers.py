"""Answers that another evaluation of the same rows has generated, and that are judged again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from evals_engine.cleaning import MAX_QUOTE, cleaned
from evals_engine.faults import RequestError
from evals_engine.rows.answers import Answer, AnswerSource, GeneratedAnswers, GenerationError
from evals_engine.rows.candidate import Candidate
from evals_engine.rows.evaluators import Evaluator, PairEvaluator, SingleEvaluator
from evals_schemas.datasets.reader import Row
from evals_schemas.evaluation_api.rows import OUTPUT

EARLIER_ROW = "\0earlier row"
"""Key under which a row has its line of the other evaluation's result file."""


@dataclass(frozen=True)
class TakenAnswers:
    """The answers of a candidate, as another evaluation has stored them."""

    candidate: Candidate
    """Renders the prompt, which no result file has; it is not called."""
    evaluation_id: str
    output: str
    """The field of the result file with the answer."""

    @property
    def columns(self) -> frozenset[str]:
        """The columns of the candidate's templates."""
        return self.candidate.columns

    async def answer(self, row: Row) -> Answer:
        """Return the stored answer. Raises GenerationError."""
        earlier: Row = row[EARLIER_ROW]
        text = earlier.get(self.output)
        if not isinstance(text, str):
            reason = cleaned(str(earlier.get("evaluation_error") or "it failed"), MAX_QUOTE)
            raise GenerationError(f"{self.evaluation_id} has no answer to this row: {reason}")
        if any(_differ(row.get(name), _input(earlier, name)) for name in self.columns):
            raise GenerationError(f"{self.evaluation_id} has another row in this place")
        try:
            prompt = await self.candidate.prompt(row)
        except RequestError as error:
            raise GenerationError(str(error), error.reason) from error
        return Answer(text, prompt)


def taking_answers(evaluator: Evaluator, evaluation_id: str) -> Evaluator:
    """Return an evaluator that takes the answers of another evaluation and generates none."""

    def taken(source: AnswerSource, side: str) -> AnswerSource:
        if not isinstance(source, GeneratedAnswers):
            return source
        return TakenAnswers(source.candidate, evaluation_id, OUTPUT + side)

    if isinstance(evaluator, SingleEvaluator) and evaluator.source is not None:
        return replace(evaluator, source=taken(evaluator.source, ""))
    if isinstance(evaluator, PairEvaluator):
        a, b = taken(evaluator.source_a, "_A"), taken(evaluator.source_b, "_B")
        return replace(evaluator, source_a=a, source_b=b)
    return evaluator


def _input(earlier: Row, column: str) -> Any:
    """Return a cell of the data set; a column with the name of a verdict's field was renamed."""
    return earlier.get(f"input_{column}", earlier.get(column))


def _differ(cell: Any, other: Any) -> bool:
    """Return whether two texts differ; lists may have been sent as texts in one of the files."""
    return isinstance(cell, str) and isinstance(other, str) and cell != other
