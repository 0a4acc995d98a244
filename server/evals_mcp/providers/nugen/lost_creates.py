"""Finds the evaluation that a create with a lost answer started, in the service's list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from evals_mcp.errors import AmbiguousCreateError
from evals_mcp.providers.times import aware, parse_time
from evals_schemas.benchmark_api.benchmarks import BenchmarkEvaluationLine

CLOCK_SKEW = timedelta(seconds=120)
"""Largest difference between the service's clock and ours."""

ZONES = timedelta(hours=14)
"""Largest difference between a time without a zone and UTC."""


@dataclass(frozen=True)
class Sent:
    """A create that was sent."""

    body: Mapping[str, Any]
    time: datetime
    """When it was sent, by our clock."""
    earlier_ids: frozenset[str]
    """Ids of evaluations that existed before."""


def started(
    lines: Sequence[BenchmarkEvaluationLine], sent: Sent, now: datetime, lost: str
) -> BenchmarkEvaluationLine:
    """Return the only evaluation that the create can have started.

    Args:
        lines: The service's list.
        sent: The create.
        now: The time by our clock.
        lost: What happened to the answer, as a sentence.

    Raises:
        AmbiguousCreateError: no evaluation fits, several fit, or the date of one is uncertain.
    """
    possible = [
        line
        for line in lines
        if line.evaluation_id not in sent.earlier_ids
        and _same(line, sent.body)
        and _may_be_new(line, sent.time)
    ]
    if len(possible) == 1 and _is_new(possible[0], sent.time, now):
        return possible[0]
    if possible:
        ids = ", ".join(line.evaluation_id for line in possible[:20])
        raise AmbiguousCreateError(
            f"{lost} The list has evaluations of these models on this benchmark, any of which may "
            f"be it: {ids}. Call get_evaluation on them before creating it again."
        )
    raise AmbiguousCreateError(
        f"{lost} No such evaluation was found in the list; it may still appear. Call "
        "list_evaluations in a minute, and create it again only if it is not there."
    )


def _same(line: BenchmarkEvaluationLine, body: Mapping[str, Any]) -> bool:
    """Return whether no field of the line contradicts the create; lines may lack fields."""
    second = body.get("model_id_2") or body.get("baseline_model_id")
    return (
        line.model_id in {None, body["model_id"]}
        and line.benchmark_id in {None, body["benchmark_id"]}
        and (line.model_id_2 or line.baseline_model_id) in {None, second}
        and line.evaluation_name in {None, body.get("evaluation_name")}
    )


def _may_be_new(line: BenchmarkEvaluationLine, sent_at: datetime) -> bool:
    created = parse_time(line.created_at)
    if created is None:
        return True
    early = CLOCK_SKEW if created.tzinfo else CLOCK_SKEW + ZONES
    return aware(created) >= sent_at - early


def _is_new(line: BenchmarkEvaluationLine, sent_at: datetime, now: datetime) -> bool:
    """Return whether the date, read as UTC without a zone, is between the create and now."""
    created = parse_time(line.created_at)
    if created is None:
        return False
    return sent_at - CLOCK_SKEW <= aware(created) <= now + CLOCK_SKEW
