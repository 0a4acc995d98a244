"""The evaluation that generates the answers which another one judges, too."""

from __future__ import annotations

from typing import Any, cast

from evals_engine.faults import RequestError
from evals_engine.store.protocols import Records
from evals_engine.store.records import StoredEvaluation
from evals_schemas.evaluation_api.evaluations import (
    ANSWERS_FROM,
    ENDED,
    AnyParameters,
    ModelRequest,
    candidates,
)

_NOT_ANSWERED = frozenset({"num_workers", "external_api_token"})
"""Fields of a candidate that do not change its answers."""


def refuse_other_answers(
    answers_from: str, parameters: AnyParameters, earlier: StoredEvaluation | None
) -> None:
    """Refuse a request whose answers another evaluation does not generate.

    Args:
        answers_from: the id in the request.
        parameters: the parameters of the request.
        earlier: the evaluation with this id; None if the owner has none.

    Raises:
        RequestError: there is no such evaluation, or it runs other candidates.
    """
    if earlier is None:
        raise RequestError(f"No evaluation {answers_from[:80]!r}.", ANSWERS_FROM)
    generated = {
        field: _measured(side.model_dump(mode="json", exclude_none=True))
        for field, side in candidates(parameters).items()
        if isinstance(side, ModelRequest)
    }
    there = {field: earlier.parameters.get(field) for field in generated}
    if not generated or any(_measured(there[field]) != generated[field] for field in generated):
        raise RequestError(
            f"{answers_from} generates other answers: the models to run and their templates must "
            "be the same in both.",
            ANSWERS_FROM,
        )


def answers_file(store: Records, evaluation: StoredEvaluation, rows: int) -> str | None:
    """Return the id of the result file with the answers that an evaluation takes. Blocking.

    Args:
        store: the evaluations.
        evaluation: what is about to run.
        rows: the rows of its data set.

    Returns:
        None if the evaluation generates its answers itself.

    Raises:
        RequestError: the other evaluation is gone or has not evaluated all rows.
    """
    earlier_id = evaluation.parameters.get(ANSWERS_FROM)
    if earlier_id is None:
        return None
    earlier = store.get_evaluation(earlier_id, evaluation.owner)
    if earlier is None or earlier.status not in ENDED:
        raise _no_answers(earlier_id, "was deleted" if earlier is None else "has not ended")
    results = earlier.results or {}
    file_id = results.get("result_file_id")
    file = store.get_file(file_id, evaluation.owner) if file_id else None
    if file is None or file.line_count != rows:
        raise _no_answers(earlier_id, "ended before it had answers to all rows")
    return file.id


def _measured(candidate: Any) -> Any:
    if not isinstance(candidate, dict):
        return candidate
    fields = cast("dict[str, Any]", candidate)
    return {name: value for name, value in fields.items() if name not in _NOT_ANSWERED}


def _no_answers(earlier_id: str, reason: str) -> RequestError:
    return RequestError(
        f"This evaluation judges the answers of {earlier_id}, which {reason}. Start both again, or "
        "this one alone: it then generates its own answers.",
        ANSWERS_FROM,
    )
