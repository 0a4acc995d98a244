"""The benchmark service's list of evaluations: its pages, and a line as the tools know a job."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any

from evals_mcp.providers.nugen.times import aware, moment
from evals_mcp.providers.rest.client import RestClient
from evals_schemas.benchmark_api.benchmarks import BenchmarkEvaluationLine, BenchmarkRequest
from evals_schemas.contract import Operation

PAGE = 100
"""Evaluations in a page: the most that the service gives."""

MAX_PAGES = 20
"""The most pages that are read; what is older can be read by id."""


@dataclass(frozen=True)
class EvaluationFacts:
    """What never changes about an evaluation and is not in its status."""

    models: tuple[str, ...] = ()
    """In the order of the request; a service may list the first alone."""
    benchmark_id: str | None = None
    created_at: datetime | None = None
    """As the service shows it: without a zone where it gives none."""
    custom_metrics: Any = None
    """EvaluationFacts of those that were created here alone."""
    since: datetime | None = field(default=None, compare=False)
    """When it was sent by our own clock, where it was."""

    @property
    def begun(self) -> datetime | None:
        """What the deadline counts from."""
        return self.since or self.created_at

    @property
    def parameters(self) -> dict[str, Any]:
        """As a create takes them."""
        found: dict[str, Any] = dict(zip(("model_id", "model_id_2"), self.models, strict=False))
        if self.benchmark_id:
            found["benchmark_id"] = self.benchmark_id
        if self.custom_metrics is not None:
            found["custom_metrics"] = self.custom_metrics
        return found


def facts_of_request(
    request: BenchmarkRequest, created: str | None, sent_at: datetime
) -> EvaluationFacts:
    """What is known of an evaluation that was just created."""
    models = tuple(filter(None, (request.model_id, request.model_id_2)))
    return EvaluationFacts(
        models, request.benchmark_id, moment(created) or sent_at, request.custom_metrics, sent_at
    )


def facts_of_line(line: BenchmarkEvaluationLine) -> EvaluationFacts:
    """What a line of the list tells; a baseline is the first model of its comparison."""
    found = (line.baseline_model_id, line.model_id, line.model_id_2)
    models = tuple(dict.fromkeys(model for model in found if model))
    return EvaluationFacts(models, line.benchmark_id, moment(line.created_at))


async def pages(
    rest: RestClient, operation: Operation
) -> AsyncGenerator[list[BenchmarkEvaluationLine]]:
    """Page after page, each evaluation once, as far as the service has any.

    A service that ignores the offset, and so repeats itself, ends it too.
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
        # Without a total, a page that is not full is the last.
        if offset >= page.total if page.total is not None else len(lines) < PAGE:
            return


def is_newest_first(lines: list[BenchmarkEvaluationLine]) -> bool:
    """Whether the service sorts by date, so that what comes later is older."""
    dates = [aware(moment(line.created_at)) for line in lines]
    return all(later <= earlier for earlier, later in pairwise(dates))
