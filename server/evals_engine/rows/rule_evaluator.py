"""Evaluates rows of ready answers by a rule, many in one message to a worker process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from evals_engine.faults import RequestError
from evals_engine.judges.rule_computations import Agreement
from evals_engine.judges.rule_judge import ComputedRule
from evals_engine.rows.answers import GenerationError, ReadyAnswers
from evals_engine.rows.outcome import Outcome, failed
from evals_schemas.datasets.reader import Row

ROWS_TOGETHER = 16
"""Rows in one call. While a worker process computes some, others are read and stored."""


@dataclass(frozen=True)
class RuleEvaluator:
    """Compares one or two ready answers a row with the expected text; calls no model."""

    rule: ComputedRule
    sources: Sequence[ReadyAnswers]
    """The columns of the answers."""
    verdict_field: str
    """The field of the result file that has the verdict."""
    judged: Callable[[dict[str, Any], Sequence[Agreement]], Outcome]
    """Makes an outcome of the first fields of a row and of the agreement of each answer."""
    workers: int

    @property
    def columns(self) -> frozenset[str]:
        """The columns of the rule and of the answers."""
        return self.rule.columns.union(*(source.columns for source in self.sources))

    @property
    def rows_together(self) -> int:
        """See `Evaluator`."""
        return ROWS_TOGETHER

    async def outcomes(self, rows: Sequence[Row]) -> list[Outcome]:
        """See `Evaluator`."""
        early = list[Outcome | None]()
        asked = list[tuple[Row, list[str]]]()
        for row in rows:
            try:
                asked.append((row, [source.text(row) for source in self.sources]))
                early.append(None)
            except GenerationError as error:
                early.append(failed("generation_failed", self._fields(), error))
        computed = iter(await self.rule.agreements_of(asked))
        return [outcome or self._outcome(next(computed)) for outcome in early]

    def _outcome(self, computed: list[Agreement] | RequestError) -> Outcome:
        if isinstance(computed, RequestError):
            return failed("judge_failed", self._fields(), computed)
        return self.judged(self._fields(), computed)

    def _fields(self) -> dict[str, Any]:
        return {"evaluation_successful": False, self.verdict_field: None}
