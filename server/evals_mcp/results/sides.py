"""The names of the compared sides and of the compared evaluations in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from evals_mcp.cleaning import inert, quoted
from evals_schemas.evaluation_api.evaluations import EvaluationJob

_NAME = 40

Names = tuple[str, str]
"""The names of A and B in a sentence."""


def side_names(parameters: Mapping[str, Any]) -> Names:
    """Return the columns or models of a compare evaluation; A and B where they are unknown."""
    return distinct_names(*(_candidate(parameters.get(side)) for side in ("model_a", "model_b")))


def candidate_names(a: EvaluationJob, b: EvaluationJob) -> Names:
    """Return the evaluated columns or models of two evaluations, else the evaluations' ids."""
    names = [_evaluated(job.parameters) for job in (a, b)]
    return _told_apart(names[0], names[1], a, b)


def judge_names(a: EvaluationJob, b: EvaluationJob) -> Names:
    """Return the judges of two evaluations, with the evaluations' ids if their names are equal."""
    names = [judge_name(job.parameters) for job in (a, b)]
    return _told_apart(names[0], names[1], a, b)


def evaluation_ids(a: EvaluationJob, b: EvaluationJob) -> Names:
    """Return the ids of two evaluations, such as `evaluation eval-1`."""
    return f"evaluation {inert(a.workflow_id, _NAME)}", f"evaluation {inert(b.workflow_id, _NAME)}"


def distinct_names(a: str | None, b: str | None) -> Names:
    """Return both names; A and B where one is missing, with the name if both are the same."""
    if not a or not b:
        return "A", "B"
    return (a, b) if a != b else (f"A ({a})", f"B ({b})")


def judge_name(parameters: Mapping[str, Any]) -> str | None:
    """Return the judge's model or rule, such as `judge 'name'`; None if it is unknown."""
    name = _candidate(parameters.get("judge"))
    return f"judge {name}" if name else None


def _told_apart(
    name_a: str | None, name_b: str | None, a: EvaluationJob, b: EvaluationJob
) -> Names:
    """Return two names; the ids of the evaluations where names do not tell them apart."""
    id_a, id_b = evaluation_ids(a, b)
    if not name_a or not name_b:
        return id_a, id_b
    return (name_a, name_b) if name_a != name_b else (f"{name_a} in {id_a}", f"{name_b} in {id_b}")


def _candidate(value: object) -> str | None:
    """Return the name of a column or of a model; None if it is unknown."""
    if isinstance(value, Mapping):
        value = cast("Mapping[str, object]", value).get("model")
    return quoted(value, _NAME) if isinstance(value, str) and value else None


def _evaluated(parameters: Mapping[str, Any]) -> str | None:
    return _candidate(parameters.get("model_to_evaluate") or parameters.get("model_id"))
