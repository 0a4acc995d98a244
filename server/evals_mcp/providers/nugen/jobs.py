"""Combines the answers of the benchmark service into the job that tools read."""

from __future__ import annotations

from dataclasses import replace
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
from evals_mcp.providers.times import parse_time
from evals_schemas.benchmark_api.benchmarks import (
    BenchmarkEvaluationLine,
    BenchmarkResults,
    BenchmarkStatus,
    BenchmarkWireResults,
)
from evals_schemas.evaluation_api.evaluations import ENDED, EvaluationJob
from evals_schemas.evaluation_types import BENCHMARK

_STATES = ENDED | {"pending", "queued", "running"}


def job_of(
    evaluation_id: str,
    facts: EvaluationFacts,
    status: BenchmarkStatus,
    state: EvaluationState,
    wire: BenchmarkWireResults | None,
) -> EvaluationJob:
    """Return the job; `wire` is None if there are no results yet."""
    return EvaluationJob(
        workflow_id=evaluation_id,
        type=BENCHMARK,
        status=state.status,
        parameters=_parameters(facts, status),
        created_at=facts.created_at,
        updated_at=parse_time((wire and wire.completed_at) or status.end_time),
        progress=progress_of(status),
        results=_dumped(_results(evaluation_id, wire, status, state, facts)),
    )


def listed_job(
    line: BenchmarkEvaluationLine, facts: EvaluationFacts, deadline: Deadline
) -> EvaluationJob:
    """Return the job as far as a line of the list reports it."""
    state = evaluation_state(line.status, None)
    if waits_for_results(line.status):
        # A list does not say whether the results exist; figures in the line show that they do.
        state = EvaluationState("completed" if line.metrics else "running")
    else:
        state = deadline.applied(state, line.status, facts.started_at)
    results = None
    if state.status == "completed":
        first = facts.models[0] if facts.models and not line.baseline_model_id else None
        results = listed_results(first, line.metrics, line.evaluation_id)
    return EvaluationJob(
        workflow_id=line.evaluation_id,
        type=BENCHMARK,
        status=state.status,
        parameters=facts.parameters,
        created_at=facts.created_at,
        results=_dumped(results) or failure_of(state),
    )


def fits(job: EvaluationJob, status: str | None) -> bool:
    """Return whether a job has the status; an unknown word counts as running."""
    state = job.status if job.status in _STATES else "running"
    return status in {None, state}


def has_figures(wire: BenchmarkWireResults | None) -> bool:
    """Return whether there are results with figures."""
    return wire is not None and bool(wire.metrics or wire.base_model or wire.eval_model)


def _parameters(facts: EvaluationFacts, status: BenchmarkStatus) -> dict[str, Any]:
    """Return the parameters of the create, as far as the service reports them."""
    from_status = {"benchmark_id": status.benchmark_id} if status.benchmark_id else {}
    return {**from_status, **facts.parameters}


def with_results(facts: EvaluationFacts, wire: BenchmarkWireResults) -> EvaluationFacts:
    """Return the facts completed from the results, which name both models of a comparison."""
    return replace(
        facts,
        models=tuple(model_ids(wire)) or facts.models,
        benchmark_id=wire.benchmark_id or facts.benchmark_id,
        custom_metrics=facts.custom_metrics or wire.custom_metrics,
    )


def _results(
    evaluation_id: str,
    wire: BenchmarkWireResults | None,
    status: BenchmarkStatus,
    state: EvaluationState,
    facts: EvaluationFacts,
) -> BenchmarkResults | None:
    if wire is None or not state.ended:
        return _failure(state)
    results = results_of(wire, evaluation_id, status.total_questions)
    results.error, results.reason = state.error, state.reason
    if state.error and not wire.raw_answers_count:
        results.result_file_id = None
    if facts.created_at and facts.created_at.tzinfo is None:
        results.note = " ".join(filter(None, (results.note, ZONELESS)))
    return results


def failure_of(state: EvaluationState) -> dict[str, Any] | None:
    """Return the results of a failed evaluation, only the reason; None for any other."""
    return _dumped(_failure(state))


def _failure(state: EvaluationState) -> BenchmarkResults | None:
    return BenchmarkResults(error=state.error, reason=state.reason) if state.error else None


def _dumped(results: BenchmarkResults | None) -> dict[str, Any] | None:
    return results.model_dump(mode="json", exclude_none=True) if results else None
