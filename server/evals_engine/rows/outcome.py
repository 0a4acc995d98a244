"""The outcome of a row, and the pieces that every evaluator builds one from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, Protocol

from evals_schemas.evaluation_api.rows import FailedAt
from evals_schemas.evaluation_api.usage import Usage
from evals_schemas.reasons import Reason

State = Literal["ok", "generation_failed", "judge_failed", "invalid"]

NO_USAGE: Mapping[str, Usage] = MappingProxyType({})
"""The usage of a row that called no model."""


@dataclass(frozen=True)
class Outcome:
    """How one row ended."""

    state: State
    fields: dict[str, Any]
    """What the row gains in the result file."""
    usage: Mapping[str, Usage] = field(default_factory=lambda: NO_USAGE)
    """The calls and tokens by role; a role without a call may be missing."""
    reason: Reason | None = None
    """What is wrong with the endpoint of a failed call; None if the endpoint is not at fault."""


def failure(stage: FailedAt, reason: str) -> dict[str, Any]:
    """Return the fields of a row that failed at a stage."""
    return {"evaluation_error": reason, "failed_at": stage}


class FailedCall(Protocol):
    """An error of a call."""

    @property
    def reason(self) -> Reason | None:
        """What is wrong with the endpoint; None if the endpoint is not at fault."""
        ...


def failed(
    state: Literal["generation_failed", "judge_failed"],
    fields: dict[str, Any],
    error: FailedCall,
    usage: Mapping[str, Usage] = NO_USAGE,
) -> Outcome:
    """Return the outcome of a row whose answer or verdict could not be had.

    Args:
        state: how the row ended.
        fields: what the row has gained before.
        error: why it failed; its text is the reason that a user reads.
        usage: the calls and tokens by role.
    """
    stage: FailedAt = "judge" if state == "judge_failed" else "generation"
    return Outcome(state, fields | failure(stage, str(error)), usage, error.reason)
