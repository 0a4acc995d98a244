"""Tokens and cost of a benchmark whose questions can be read, on the embedded engine."""

from __future__ import annotations

from dataclasses import replace

from evals_mcp.datasets.profiles import DatasetProfile
from evals_mcp.errors import EvalsMCPError
from evals_mcp.planning.checks.rendered_sample import Renderer, plain_substitution, render_sample
from evals_mcp.planning.estimates.calls import PlannedCalls, planned_calls
from evals_mcp.planning.estimates.outputs import Span, expected_outputs
from evals_mcp.planning.estimates.prompt_overhead import GRADING_TOKENS
from evals_mcp.planning.estimates.total import TokenEstimate, estimate_tokens_and_cost
from evals_mcp.planning.inputs.context import PlanningContext
from evals_mcp.planning.inputs.facts import calls_per_row
from evals_mcp.planning.inputs.service_lists import ServiceLists
from evals_mcp.providers.protocol import Provider
from evals_schemas.benchmark_api.benchmarks import BenchmarkRequest
from evals_schemas.evaluation_api.evaluations import JudgeModelConfig, ModelRequest, ScoreParameters
from evals_schemas.evaluation_api.rules import CONTAINS


async def estimate_benchmark(
    request: BenchmarkRequest, provider: Provider, context: PlanningContext, lists: ServiceLists
) -> TokenEstimate | None:
    """Return tokens and cost; None if the questions cannot be read."""
    try:
        profile = await context.profiles.of(provider, request.benchmark_id)
    except EvalsMCPError:
        return None
    if not {"question", "answer"} <= set(profile.columns):
        return None
    # Without a known judge, any rule will do: no rule calls a model.
    service = provider.service_of(request.benchmark_id)
    judge = service.capabilities.benchmark_judge or CONTAINS
    planned: list[PlannedCalls] = []
    notes: list[str] = []
    for role in ("model_id", "model_id_2"):
        if (model := getattr(request, role)) is not None:
            parameters = _parameters(request, model, judge)
            calls, note = await _planned(parameters, profile, context)
            planned += [replace(each, role=_role(each.role, role)) for each in calls]
            notes += [note] if note else []
    judged = [each for each in planned if each.role == "judge"]
    answered = [each for each in planned if each.role != "judge"]
    estimate = estimate_tokens_and_cost([*answered, *_merged(judged)], lists)
    return replace(estimate, notes=(*estimate.notes, *dict.fromkeys(notes)))


def _parameters(request: BenchmarkRequest, model: str, judge: str) -> ScoreParameters:
    """Return a benchmark as the engine runs it: the question as prompt, a score from 0 to 1."""
    return ScoreParameters(
        judge=JudgeModelConfig(
            model=judge, model_source="serverless", system_template="{{ answer }}"
        ),
        input_data_file_path=request.benchmark_id,
        min_score=0,
        max_score=1,
        pass_threshold=0.5,
        model_to_evaluate=ModelRequest(
            model=model,
            model_source="serverless",
            system_template="",
            input_template="{{ question }}",
        ),
    )


async def _planned(
    parameters: ScoreParameters, profile: DatasetProfile, context: PlanningContext
) -> tuple[list[PlannedCalls], str | None]:
    """Return the calls of one model and its judge, and what their expected output is based on."""
    calls = calls_per_row(parameters)
    renderer = Renderer(plain_substitution, context.clock, "", strict=False)
    sample = await render_sample(parameters, profile, renderer)
    outputs = expected_outputs(parameters, calls, role_names={"model_to_evaluate": "a model"})
    return planned_calls(parameters, profile, sample, outputs), outputs.note


def _role(role: str, model_role: str) -> str:
    return "judge" if role == "judge" else model_role


def _merged(judged: list[PlannedCalls]) -> list[PlannedCalls]:
    """Return the judge's calls for all models as one entry; empty if a rule judges."""
    calls = sum(each.calls for each in judged)
    if not calls:
        return []
    rubric = Span.exactly(calls * GRADING_TOKENS)
    input_tokens = Span.total([*(each.input_tokens for each in judged), rubric])
    output_tokens = Span.total(each.output_tokens for each in judged)
    return [replace(judged[0], calls=calls, input_tokens=input_tokens, output_tokens=output_tokens)]
