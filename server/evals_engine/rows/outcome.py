"""The outcome of a row, and the pieces that every evaluator builds one from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from evals_schemas.evaluation_api.rows import FailedAt
from evals_schemas.evaluation_api.usage import Usage
from evals_schemas.reasons import Reason

State = Literal["ok", "generation_failed", "judge_failed", "invalid"]


@dataclass(frozen=True)
class Outcome:
    """How one row ended."""

    state: State
    fields: dict[str, Any]
    """What the row gains in the result file."""
    usage: Mapping[str, Usage] = field(default_factory=dict[str, Usage])
    """The calls and tokens by role; a role without a call may be missing."""
    reason: Reason | None = None
    """What is wrong with the endpoint of a failed call; None if the endpoint is not at fault."""


def failure(stage: FailedAt, reason: str) -> dict[str, Any]:
    """Return the fields of a row that failed at a stage."""
    return {"evaluation_error": reason, "failed_at": stage}
