"""Whether a retry goes on with the sequence of an evaluation that stopped early."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from evals_mcp.errors import InvalidRequestError
from evals_mcp.results.sequential import sequential_of
from evals_schemas.evaluation_api.evaluations import EvaluationJob
from evals_schemas.sequential.continuing import reached_already
from evals_schemas.sequential.record import Sequential
from evals_schemas.sequential.stop_when import STOP_WHEN, EngineStopWhen, StopWhen

_JUDGE = "judge"
_MAY_DIFFER = frozenset({"max_tokens", "num_workers"})
"""Fields of a judge that do not decide which verdict it gives."""


def stopped_record(job: EvaluationJob, *, stops_early: bool) -> Sequential | None:
    """Return the record of an evaluation that can be continued; None of any other.

    Args:
        job: the ended evaluation.
        stops_early: whether its service judges rows in a random order.
    """
    record = sequential_of(job.results) if job.parameters.get(STOP_WHEN) else None
    return record if stops_early and record and record.rows_not_judged else None


def is_same_judging(changes: Mapping[str, Any] | None, job: EvaluationJob) -> bool:
    """Return whether the models of a retry are those of its evaluation, but for judge's length."""
    for name, fields in (changes or {}).items():
        before = cast("Mapping[str, Any]", job.parameters.get(name) or {})
        for field, value in cast("Mapping[str, Any]", fields).items():
            may_differ = name == _JUDGE and field in _MAY_DIFFER
            if not may_differ and before.get(field) != value and field != "external_credential":
                return False
    return True


def refuse_reached(rules: StopWhen | None, record: Sequential, job: EvaluationJob) -> None:
    """Raise InvalidRequestError if the rows so far would stop the new evaluation at once."""
    before = EngineStopWhen.model_validate(job.parameters[STOP_WHEN])
    if reason := reached_already(rules, before, record):
        raise InvalidRequestError(
            f"`stop_when`: {reason}, so {job.workflow_id} would stop again at once. Leave "
            "`stop_when` out to judge all other rows, or give a rule that goes further, such as a "
            "smaller width or a larger max_usd."
        )
