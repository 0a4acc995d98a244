"""Refuses comparisons of two evaluations that have no meaning, by their type."""

from __future__ import annotations

from evals_mcp.cleaning import inert
from evals_mcp.errors import InvalidRequestError
from evals_mcp.results.types.table import TYPES
from evals_schemas.evaluation_api.evaluations import EvaluationJob


def refuse_incomparable(a: EvaluationJob, b: EvaluationJob) -> None:
    """Refuse a comparison whose difference would have no meaning.

    Raises:
        InvalidRequestError: the types, the score ranges or the compared sides differ; the
            labels differ and not both have pass labels; or one has two models.
    """
    spec = TYPES.get(a.type or "")
    if a.type != b.type or spec is None:
        type_a, type_b = (inert(job.type or "of unknown type", 40) for job in (a, b))
        raise InvalidRequestError(
            f"Only evaluations of the same type can be compared; A is {type_a}, B is {type_b}. "
            "Call list_evaluations with a type to find others, or create_evaluation for a new one "
            "of A's type."
        )
    spec.comparing.refuse(a, b)
