"""The outcome of a row, and the pieces that every evaluator builds one from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

from evals_schemas.evaluation_api.rows import FailedAt
from evals_schemas.reasons import Reason

State = Literal["ok", "generation_failed", "judge_failed", "invalid"]


@dataclass(frozen=True)
class Outcome:
    """How one row ended."""

    state: State
    fields: dict[str, Any]
    """What the row gains in the result file."""
    input_tokens: int = 0
    """Prompt tokens of all calls, as far as the endpoints report them."""
    output_tokens: int = 0
    """Generated tokens of all calls, as far as the endpoints report them."""
    reason: Reason | None = None
    """What is wrong with the endpoint of a failed call; None if the endpoint is not at fault."""


class ModelCall(Protocol):
    """A result of model calls with their tokens; None or 0 if the endpoint does not report them."""

    @property
    def input_tokens(self) -> int | None:
        """Prompt tokens."""
        ...

    @property
    def output_tokens(self) -> int | None:
        """Generated tokens."""
        ...


def failure(stage: FailedAt, reason: str) -> dict[str, Any]:
    """Return the fields of a row that failed at a stage."""
    return {"evaluation_error": reason, "failed_at": stage}


def with_tokens(outcome: Outcome, *calls: ModelCall | None) -> Outcome:
    """Return the outcome with the tokens of its calls."""
    counted = [call for call in calls if call is not None]
    return replace(
        outcome,
        input_tokens=sum(call.input_tokens or 0 for call in counted),
        output_tokens=sum(call.output_tokens or 0 for call in counted),
    )
