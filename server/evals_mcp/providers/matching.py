"""Finds in a service's list the evaluations that a request may have started."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from evals_schemas.evaluations import EvaluationJob

SEARCHED_JOBS = 100
"""How many evaluations are searched: the most that the API lists."""

CLOCK_SKEW = timedelta(seconds=120)
"""How far the service's clock may be behind ours."""

_SECRET_FIELD = "external_api_token"  # noqa: S105 - the name of a field, not a token
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


def created_at(job: EvaluationJob) -> datetime:
    """When it was created, long ago where untold; a time without a zone is UTC."""
    moment = job.created_at or _LONG_AGO
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def same_request(
    jobs: Iterable[EvaluationJob], kind: str, parameters: Mapping[str, Any]
) -> list[EvaluationJob]:
    """The jobs of one type with the same parameters; a job may have defaults beside what was sent.

    The keys of external models are left out: no service repeats them.
    """
    sent = without_keys(dict(parameters))
    return [job for job in jobs if job.type == kind and _holds(job.parameters, sent)]


def without_keys(value: Any) -> Any:
    """The same JSON value without the keys of external models, at any depth."""
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        return {
            name: without_keys(below) for name, below in fields.items() if name != _SECRET_FIELD
        }
    return value


def _holds(found: Any, sent: Any) -> bool:
    """Whether everything sent is in what was found."""
    if isinstance(sent, dict):
        fields = cast("dict[str, Any]", sent)
        return isinstance(found, dict) and all(
            _holds(cast("dict[str, Any]", found).get(name), value) for name, value in fields.items()
        )
    return found == sent
