"""What judges have in common: the protocol, their judgements and the decision on a pair."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from evals_engine.judges.verdicts import Verdict
from evals_schemas.evaluation_api.rows import Choice
from evals_schemas.evaluation_api.usage import NO_USAGE, Usage

_SWAPPED: Final[Mapping[object, Choice]] = {"A": "B", "B": "A", "Tie": "Tie"}
_CHOICES: Final[Mapping[object, Choice]] = {"A": "A", "B": "B", "Tie": "Tie"}

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Judgement:
    """A verdict with its tokens and attempts."""

    verdict: Verdict
    usage: Usage = NO_USAGE
    """The calls and tokens of all attempts; a rule makes none."""
    attempts: int = 1
    """Answers of the judge: 2 if the first could not be read, 0 if the judge call failed."""


@dataclass(frozen=True)
class Decision:
    """The result of judging a pair of answers."""

    final: Choice | None
    """None if no pass gave a valid verdict."""
    original: Judgement
    """The pass in the order A, B."""
    flipped: Judgement | None
    """The pass in the order B, A, its choice mapped back; None in a single pass."""

    @property
    def is_invalid_judge_output(self) -> bool:
        """Whether a pass gave no valid verdict, even if the other one decides."""
        passes = (self.original, self.flipped)
        return any(judgement and judgement.verdict.invalid is not None for judgement in passes)


class Judge(Protocol):
    """Gives verdicts of one form."""

    @property
    def columns(self) -> frozenset[str]:
        """The columns that the judge's template reads."""
        ...

    async def verdict(self, row: Row, prompt: str | None, answer: str | None) -> Judgement:
        """Judge one answer, or the row itself if there is no answer.

        Args:
            row: the columns.
            prompt: the prompt of the candidate; None for a ready answer.
            answer: the text to judge; None if the judge's template shows it.

        Raises:
            RequestError: the template or the rule cannot work on this row.
            ModelCallError: the judge gave no answer.
        """
        ...

    async def decision(
        self, row: Row, prompt: str | None, a: str, b: str, both_orders: bool
    ) -> Decision:
        """Decide which of two answers is better.

        With both orders, a winner needs both passes to agree, and a disagreement is a tie. If one
        pass has no valid verdict, the other one decides.

        Raises:
            RequestError: the template or the rule cannot work on this row.
            ModelCallError: no pass got an answer.
        """
        ...


def decide(original: Judgement, flipped: Judgement | None) -> Decision:
    """Combine the passes over a pair; `flipped` saw the answers in the order B, A.

    Args:
        original: the pass in the order A, B.
        flipped: the other pass, its choice as the judge gave it; None in a single pass.
    """
    first = _CHOICES.get(original.verdict.value)
    if flipped is None:
        return Decision(first, original, None)
    second = _SWAPPED.get(flipped.verdict.value)
    flipped = replace(flipped, verdict=replace(flipped.verdict, value=second))
    if first is None or second is None:
        return Decision(first or second, original, flipped)
    return Decision(first if first == second else "Tie", original, flipped)
