"""The benchmark service's list of evaluations: its pages, and the facts in each line."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any

from evals_mcp.providers.rest.client import RestClient
from evals_mcp.providers.times import aware, parse_time
from evals_schemas.benchmark_api.benchmarks import BenchmarkEvaluationLine, BenchmarkRequest
from evals_schemas.contract import Operation

PAGE = 100
"""Evaluations in a page, the service's maximum."""

MAX_PAGES = 20
"""Most pages that are read; older evaluations can still be read by id."""


@dataclass(frozen=True)
class EvaluationFacts:
    """Facts about an evaluation that never change and are not in its status."""

    models: tuple[str, ...] = ()
    """Model ids in the order of the request; a service may list only the first."""
    benchmark_id: str | None = None
    created_at: datetime | None = None
    """Time of creation as the service reports it, possibly without a zone."""
    custom_metrics: Any = None
    """Requested metrics; known only for evaluations that this process created."""
    sent_at: datetime | None = field(default=None, compare=False)
    """When this process sent the create, by its own clock; None for other evaluations."""

    @property
    def started_at(self) -> datetime | None:
        """The time that the deadline counts from."""
        return self.sent_at or self.created_at

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters of the create, as far as they are known."""
        fields: dict[str, Any] = dict(zip(("model_id", "model_id_2"), self.models, strict=False))
        if self.benchmark_id:
            fields["benchmark_id"] = self.benchmark_id
        if self.custom_metrics is not None:
            fields["custom_metrics"] = self.custom_metrics
        return fields


def facts_of_request(
    request: BenchmarkRequest, created: str | None, sent_at: datetime
) -> EvaluationFacts:
    """Return the facts about an evaluation that was just created."""
    models = tuple(filter(None, (request.model_id, request.model_id_2)))
    return EvaluationFacts(
        models,
        request.benchmark_id,
        parse_time(created) or sent_at,
        request.custom_metrics,
        sent_at,
    )


def facts_of_line(line: BenchmarkEvaluationLine) -> EvaluationFacts:
    """Return the facts in a line of the list; a baseline is the first model of a comparison."""
    model_ids = (line.baseline_model_id, line.model_id, line.model_id_2)
    models = tuple(dict.fromkeys(model for model in model_ids if model))
    return EvaluationFacts(models, line.benchmark_id, parse_time(line.created_at))


async def pages(
    rest: RestClient, operation: Operation
) -> AsyncGenerator[list[BenchmarkEvaluationLine]]:
    """Yield the pages of the list, each evaluation once.

    A page without a new evaluation is the end: some services ignore the offset.
    """
    seen, offset = set[str](), 0
    for _ in range(MAX_PAGES):
        page = await rest.call(operation, params={"limit": PAGE, "offset": offset})
        lines: list[BenchmarkEvaluationLine] = page.evaluations
        new = [line for line in lines if line.evaluation_id not in seen]
        if not new:
            return
        yield new
        seen.update(line.evaluation_id for line in new)
        offset += len(lines)
        # Without a total, the first page that is not full is the last one.
        if offset >= page.total if page.total is not None else len(lines) < PAGE:
            return


def is_newest_first(lines: list[BenchmarkEvaluationLine]) -> bool:
    """Return whether the lines are sorted by date, the newest first."""
    dates = [aware(parse_time(line.created_at)) for line in lines]
    return all(later <= earlier for earlier, later in pairwise(dates))
