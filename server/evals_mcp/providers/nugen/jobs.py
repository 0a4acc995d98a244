"""From the answers of the benchmark service to a job as the tools know it."""

from __future__ import annotations

from typing import Any

from evals_mcp.providers.nugen.listing import EvaluationFacts
from evals_mcp.providers.nugen.results import ZONELESS, listed_results, model_ids, results_of
from evals_mcp.providers.nugen.statuses import (
    Deadline,
    EvaluationState,
    evaluation_state,
    progress_of,
    waits_for_results,
)
from evals_mcp.providers.nugen.times import moment
from evals_schemas.benchmark_api.benchmarks import (
    BENCHMARK,
    BenchmarkEvaluationLine,
    BenchmarkResults,
    BenchmarkStatus,
    BenchmarkWireResults,
)
from evals_schemas.evaluation_api.evaluations import ENDED, EvaluationJob

_STATES = ENDED | {"pending", "queued", "running"}


def job_of(
    evaluation_id: str,
    known: EvaluationFacts,
    told: BenchmarkStatus,
    standing: EvaluationState,
    wire: BenchmarkWireResults | None,
) -> EvaluationJob:
    """The job; `wire` is None where there are no results yet."""
    return EvaluationJob(
        workflow_id=evaluation_id,
        type=BENCHMARK,
        status=standing.status,
        parameters=_parameters(known, told),
        created_at=known.created_at,
        updated_at=moment((wire and wire.completed_at) or told.end_time),
        progress=progress_of(told),
        results=_dumped(_results(evaluation_id, wire, told, standing, known)),
    )


def listed_job(
    line: BenchmarkEvaluationLine, known: EvaluationFacts, deadline: Deadline
) -> EvaluationJob:
    """The job as far as a line of the list tells it."""
    standing = evaluation_state(line.status, None)
    if waits_for_results(line.status):
        # Whether its results are there, only a look at it alone tells.
        standing = EvaluationState("completed" if line.metrics else "running")
    else:
        standing = deadline.applied(standing, line.status, known.begun)
    results = None
    if standing.status == "completed":
        first = known.models[0] if known.models and not line.baseline_model_id else None
        results = listed_results(first, line.metrics, line.evaluation_id)
    return EvaluationJob(
        workflow_id=line.evaluation_id,
        type=BENCHMARK,
        status=standing.status,
        parameters=known.parameters,
        created_at=known.created_at,
        results=_dumped(results) or failure_of(standing),
    )


def fits(job: EvaluationJob, status: str | None) -> bool:
    """Whether it has the status; one that no version knows counts as running."""
    state = job.status if job.status in _STATES else "running"
    return status in {None, state}


def has_figures(wire: BenchmarkWireResults | None) -> bool:
    """Whether results are there, and not empty."""
    return wire is not None and bool(wire.metrics or wire.base_model or wire.eval_model)


def _parameters(known: EvaluationFacts, told: BenchmarkStatus) -> dict[str, Any]:
    """As a create takes them, as far as the service tells."""
    own = {"benchmark_id": told.benchmark_id} if told.benchmark_id else {}
    return {**own, **known.parameters}


def with_results(known: EvaluationFacts, wire: BenchmarkWireResults) -> EvaluationFacts:
    """The results name both models of a comparison, the list of some generations one."""
    models = tuple(model_ids(wire)) or known.models
    benchmark_id = wire.benchmark_id or known.benchmark_id
    metrics = known.custom_metrics or wire.custom_metrics
    return EvaluationFacts(models, benchmark_id, known.created_at, metrics, known.since)


def _results(
    evaluation_id: str,
    wire: BenchmarkWireResults | None,
    told: BenchmarkStatus,
    standing: EvaluationState,
    known: EvaluationFacts,
) -> BenchmarkResults | None:
    failure = BenchmarkResults(error=standing.error, reason=standing.reason)
    if wire is None or not standing.ended:
        return failure if standing.error else None
    results = results_of(wire, evaluation_id, told.total_questions)
    results.error, results.reason = standing.error, standing.reason
    if standing.error and not wire.raw_answers_count:
        results.result_file_id = None
    if known.created_at and known.created_at.tzinfo is None:
        results.note = " ".join(filter(None, (results.note, ZONELESS)))
    return results


def failure_of(standing: EvaluationState) -> dict[str, Any] | None:
    """The results of an evaluation that failed: why, and nothing else; None for any other."""
    if not standing.error:
        return None
    return _dumped(BenchmarkResults(error=standing.error, reason=standing.reason))


def _dumped(results: BenchmarkResults | None) -> dict[str, Any] | None:
    return results.model_dump(mode="json", exclude_none=True) if results else None
