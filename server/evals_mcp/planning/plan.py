"""The plan of one evaluation. Imported by the first create, because this module imports Jinja2."""

from __future__ import annotations

from anyio import to_thread

from evals_mcp.planning.benchmark_plan import plan_benchmark
from evals_mcp.planning.checks.columns import check_columns
from evals_mcp.planning.checks.doubtful_settings import check_settings
from evals_mcp.planning.checks.models import check_models
from evals_mcp.planning.checks.rendered_sample import Renderer, plain_substitution, render_sample
from evals_mcp.planning.estimates.token_limits import low_token_limits
from evals_mcp.planning.estimates.total import estimate_evaluation
from evals_mcp.planning.inputs.context import PlanningContext
from evals_mcp.planning.inputs.facts import collect_facts
from evals_mcp.planning.notes import (
    dataset_oddities,
    nested_labels,
    ready_rubric,
    rows_in_clusters,
    text_of_ready_rubric,
    too_many_workers,
)
from evals_mcp.planning.power import power_of_request
from evals_mcp.planning.shortened import first_row, shortened
from evals_mcp.providers.protocol import AnyRequest, JudgedRequest, Provider
from evals_schemas.benchmark_api.benchmarks import BenchmarkRequest
from evals_schemas.tools.plans import Plan


async def plan_evaluation(
    request: AnyRequest, provider: Provider, context: PlanningContext, half_width: float = 10.0
) -> Plan:
    """Return what a create of this request would do.

    The plan contains everything that is wrong with the request. If a list of the service cannot be
    fetched, the checks that need it are skipped, with a note where that matters.

    Args:
        request: the request to create.
        provider: the service.
        context: what all plans of this server share.
        half_width: half the width of the requested interval, in percentage points.

    Raises:
        NotFoundError: the data set does not exist.
        DatasetFaultError: the data set has no readable row.
        EvalsMCPError: the data set cannot be fetched.
    """
    if isinstance(request, BenchmarkRequest):
        return shortened(await plan_benchmark(request, provider, context, half_width))
    return shortened(await _plan_judged(request, provider, context, half_width))


async def _plan_judged(
    request: JudgedRequest, provider: Provider, context: PlanningContext, half_width: float
) -> Plan:
    facts = await collect_facts(request, provider, context)
    parameters, profile = request.parameters, facts.profile
    # Parsing takes time; in a thread, it does not hold up other calls.
    fit = await to_thread.run_sync(check_columns, parameters, profile.columns)
    models = check_models(facts)
    settings = check_settings(parameters)
    renderer = Renderer(
        context.compile_template or plain_substitution,
        context.clock,
        provider.account,
        strict=facts.capabilities.is_engine,
    )
    sample = await render_sample(parameters, profile, renderer, fit.faulty_fields)
    estimate = estimate_evaluation(facts, sample)
    fault = profile.problem()
    rubric = text_of_ready_rubric(parameters)
    return Plan(
        rows=profile.rows,
        columns_used=fit.used,
        columns_unused=fit.unused,
        first_row=first_row(sample.texts.values(), rubric),
        rubric=rubric,
        **estimate.figures,
        power=power_of_request(request, profile.rows, half_width, facts.lists.jobs),
        problems=[
            *fit.problems,
            *([f"The data set cannot be used: {fault}."] if fault else []),
            *settings.problems,
            *models.problems,
            *sample.findings.problems,
        ],
        warnings=[
            *settings.warnings,
            *models.warnings,
            *low_token_limits(facts),
            *sample.findings.warnings,
        ],
        notes=[
            *sample.findings.notes,
            *ready_rubric(parameters),
            *estimate.notes,
            *too_many_workers(parameters, facts.capabilities),
            *nested_labels(parameters),
            *rows_in_clusters(parameters, profile),
            *dataset_oddities(profile, sample.reported_columns),
        ],
    )
