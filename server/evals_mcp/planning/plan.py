"""The plan of one evaluation. Jinja2 comes with this module: it is imported by the first create."""

from __future__ import annotations

from anyio import to_thread

from evals_mcp.planning.benchmark_plan import plan_benchmark
from evals_mcp.planning.checks.columns import ColumnFit, fit_columns, response_columns
from evals_mcp.planning.checks.models import (
    beyond_context,
    blind_models,
    model_problems,
    self_judging,
)
from evals_mcp.planning.checks.rendered_sample import Renderer, plain_substitution, render_sample
from evals_mcp.planning.estimates.total import estimate
from evals_mcp.planning.inputs.context import PlanningDesk
from evals_mcp.planning.inputs.facts import Gathered, gather
from evals_mcp.planning.notes import (
    dataset_oddities,
    nested_labels,
    too_few_rows,
    too_many_workers,
)
from evals_mcp.planning.shortened import first_row, fitted
from evals_mcp.providers.protocol import LOCAL, AnyRequest, JudgedRequest, Provider
from evals_schemas.benchmark_api.benchmarks import BenchmarkRequest
from evals_schemas.tools.plans import Plan


async def plan_evaluation(
    request: AnyRequest, provider: Provider, desk: PlanningDesk, half_width: float = 10.0
) -> Plan:
    """What a create of this request would do.

    What is wrong with the request is in the plan. What only the service's lists would tell is left
    out where they cannot be had, with a note where that matters.

    Args:
        request: what would be created.
        provider: the service.
        desk: what is kept between calls.
        half_width: of the interval that is wanted, in points each way.

    Raises:
        NotFoundError: there is no such data set.
        DatasetFaultError: it has no row that can be read.
        EvalsMCPError: the data set cannot be had.
    """
    if isinstance(request, BenchmarkRequest):
        return fitted(await plan_benchmark(request, provider, desk))
    return fitted(await _plan_judged(request, provider, desk, half_width))


async def _plan_judged(
    request: JudgedRequest, provider: Provider, desk: PlanningDesk, half_width: float
) -> Plan:
    gathered = await gather(request, provider, desk)
    profile = gathered.profile
    # A long template takes a while to parse; other calls go on meanwhile.
    fit = await to_thread.run_sync(fit_columns, request.parameters, profile.columns)
    plan = Plan(rows=profile.rows, columns_used=fit.used, columns_unused=fit.unused)
    plan.problems += fit.problems
    if fault := profile.problem():
        plan.problems.append(f"The data set cannot be used: {fault}.")
    _check_models(gathered, desk, plan)
    told = await _render(gathered, fit, desk, plan)
    plan.notes += [
        *too_many_workers(request.parameters, gathered.service),
        *too_few_rows(profile.rows, half_width),
        *nested_labels(request.parameters),
        *dataset_oddities(profile, told),
    ]
    return plan


def _check_models(gathered: Gathered, desk: PlanningDesk, plan: Plan) -> None:
    parameters = gathered.request.parameters
    problems, warnings = model_problems(
        parameters, gathered.lookups, gathered.service, serves_models=desk.serves_models
    )
    plan.problems += problems
    plan.warnings += warnings
    plan.warnings += self_judging(parameters)
    plan.warnings += beyond_context(parameters, gathered.lookups)
    plan.warnings += blind_models(parameters, gathered.profile.columns, gathered.service)


async def _render(gathered: Gathered, fit: ColumnFit, desk: PlanningDesk, plan: Plan) -> set[str]:
    """Render and count what can be rendered; the columns whose empty cells are told of by now."""
    renderer = Renderer(
        desk.compile_template or plain_substitution, desk.clock, gathered.service == LOCAL
    )
    sample = await to_thread.run_sync(
        render_sample, gathered.request.parameters, gathered.profile, renderer, fit.faulty
    )
    plan.problems += sample.problems
    plan.warnings += sample.warnings
    plan.notes += sample.notes
    plan.first_row = first_row(sample.texts.values())
    estimate(gathered, sample, plan)
    answers = dict(response_columns(gathered.request.parameters))
    return {column for name, column in answers.items() if sample.tells_of_empties(name)}
