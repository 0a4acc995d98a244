"""Calls, tokens and cost of a benchmark on the embedded engine, whose questions can be read."""

from __future__ import annotations

from dataclasses import replace

from anyio import to_thread

from evals_mcp.datasets.profiles import DatasetProfile
from evals_mcp.errors import EvalsMCPError
from evals_mcp.planning.checks.rendered_sample import Renderer, plain_substitution, render_sample
from evals_mcp.planning.estimates.calls import PlannedCalls, planned_calls
from evals_mcp.planning.estimates.outputs import Span, expected_outputs
from evals_mcp.planning.estimates.prompt_overhead import GRADING_TOKENS
from evals_mcp.planning.estimates.total import count_tokens
from evals_mcp.planning.inputs.context import PlanningDesk
from evals_mcp.planning.inputs.facts import calls_per_row
from evals_mcp.planning.inputs.service_lists import Lookups
from evals_mcp.providers.protocol import Provider
from evals_schemas.benchmark_api.benchmarks import BenchmarkRequest
from evals_schemas.evaluation_api.evaluations import JudgeModelConfig, ModelRequest, ScoreParameters
from evals_schemas.evaluation_api.rules import CONTAINS
from evals_schemas.tools.plans import Plan


async def estimate_benchmark(
    request: BenchmarkRequest, provider: Provider, desk: PlanningDesk, lookups: Lookups, plan: Plan
) -> bool:
    """Complete the plan with tokens and cost; false where the questions cannot be read."""
    try:
        profile = await desk.profiles.of(provider, request.benchmark_id)
    except EvalsMCPError:
        return False
    if not {"question", "answer"} <= set(profile.columns):
        return False
    judge = desk.benchmark_judge or CONTAINS
    planned: list[PlannedCalls] = []
    notes: list[str] = []
    for role in ("model_id", "model_id_2"):
        if (model := getattr(request, role)) is not None:
            parameters = _parameters(request, model, judge)
            found, note = await to_thread.run_sync(_planned, parameters, profile, desk)
            planned += [replace(each, role=_role(each.role, role)) for each in found]
            notes += [note.replace("model_to_evaluate", "a model")] if note else []
    judged = [each for each in planned if each.role == "judge"]
    rest = [each for each in planned if each.role != "judge"]
    count_tokens([*rest, *_together(judged)], lookups, plan)
    plan.notes += dict.fromkeys(notes)
    return True


def _parameters(request: BenchmarkRequest, model: str, judge: str) -> ScoreParameters:
    """What the engine makes of a benchmark: the question alone, and a score from 0 to 1."""
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


def _planned(
    parameters: ScoreParameters, profile: DatasetProfile, desk: PlanningDesk
) -> tuple[list[PlannedCalls], str | None]:
    """The calls of one model and of those who judge it, and what their output rests on."""
    calls = calls_per_row(parameters)
    renderer = Renderer(plain_substitution, desk.clock, strict=False)
    sample = render_sample(parameters, profile, renderer)
    outputs = expected_outputs(parameters, calls)
    return planned_calls(parameters, profile, sample, outputs), outputs.note


def _role(role: str, model_role: str) -> str:
    return "judge" if role == "judge" else model_role


def _together(judged: list[PlannedCalls]) -> list[PlannedCalls]:
    """The judge's calls for all models as one; none where a rule judges."""
    calls = sum(each.calls for each in judged)
    if not calls:
        return []
    rubric = calls * GRADING_TOKENS
    read = _sum([*(each.input_tokens for each in judged), Span(rubric, rubric, rubric)])
    written = _sum([each.output_tokens for each in judged])
    return [replace(judged[0], calls=calls, input_tokens=read, output_tokens=written)]


def _sum(spans: list[Span]) -> Span:
    return Span(
        sum(span.low for span in spans),
        sum(span.expected for span in spans),
        sum(span.high for span in spans),
    )
