"""Which evaluation a create with a lost answer has started, from the service's list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from evals_mcp.errors import AmbiguousCreateError
from evals_mcp.providers.nugen.times import aware, moment
from evals_schemas.benchmark_api.benchmarks import BenchmarkEvaluationLine

CLOCK_SKEW = timedelta(seconds=120)
"""How far the service's clock may be from ours."""

ZONES = timedelta(hours=14)
"""How far a time without a zone may be from UTC."""


@dataclass(frozen=True)
class Sent:
    """A create that left."""

    body: Mapping[str, Any]
    at: datetime
    """By our clock."""
    known: frozenset[str]
    """The evaluations that were there before."""


def started(
    lines: Sequence[BenchmarkEvaluationLine], sent: Sent, now: datetime, lost: str
) -> BenchmarkEvaluationLine:
    """The one evaluation that must be it.

    Args:
        lines: What the service lists.
        sent: The create.
        now: The time by our clock.
        lost: What happened to the answer, as a sentence.

    Raises:
        AmbiguousCreateError: there is none, or one among several, or one of unsure date.
    """
    possible = [
        line
        for line in lines
        if line.evaluation_id not in sent.known
        and _same(line, sent.body)
        and _may_be_new(line, sent.at)
    ]
    if len(possible) == 1 and _is_new(possible[0], sent.at, now):
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
    """Whether nothing that the line tells speaks against it; a list may leave the second out."""
    second = body.get("model_id_2") or body.get("baseline_model_id")
    return (
        line.model_id in {None, body["model_id"]}
        and line.benchmark_id in {None, body["benchmark_id"]}
        and (line.model_id_2 or line.baseline_model_id) in {None, second}
        and line.evaluation_name in {None, body.get("evaluation_name")}
    )


def _may_be_new(line: BenchmarkEvaluationLine, sent_at: datetime) -> bool:
    created = moment(line.created_at)
    if created is None:
        return True
    early = CLOCK_SKEW if created.tzinfo else CLOCK_SKEW + ZONES
    return aware(created) >= sent_at - early


def _is_new(line: BenchmarkEvaluationLine, sent_at: datetime, now: datetime) -> bool:
    """Whether the date, without a zone read as UTC, falls between the create and now."""
    created = moment(line.created_at)
    if created is None:
        return False
    return sent_at - CLOCK_SKEW <= aware(created) <= now + CLOCK_SKEW
