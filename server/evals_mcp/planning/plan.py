"""The plan of one evaluation. Imported by the first create, because planning is slow to import."""

from __future__ import annotations

from dataclasses import dataclass, replace

from anyio import to_thread

from evals_mcp.derivations.derivation import Derivation, Selection
from evals_mcp.planning.benchmark_plan import plan_benchmark
from evals_mcp.planning.checks.doubtful_settings import check_settings
from evals_mcp.planning.checks.findings import Findings
from evals_mcp.planning.checks.models import check_models
from evals_mcp.planning.checks.rendered_sample import Renderer, render_sample
from evals_mcp.planning.column_use import ColumnUse
from evals_mcp.planning.estimates.token_limits import low_token_limits
from evals_mcp.planning.estimates.total import estimate_evaluation
from evals_mcp.planning.inputs.context import PlanningContext
from evals_mcp.planning.inputs.facts import RequestFacts, collect_facts
from evals_mcp.planning.notes import (
    dataset_oddities,
    faults_of_data_set,
    nested_labels,
    ready_rubric,
    rows_in_clusters,
    text_of_ready_rubric,
    too_many_workers,
)
from evals_mcp.planning.power import power_of_request
from evals_mcp.planning.shortened import first_row, shortened
from evals_mcp.planning.stopping import stopping_findings, within_dollars
from evals_mcp.providers.protocol import AnyRequest, Provider
from evals_mcp.providers.same_request import RETRY_OF
from evals_schemas.benchmark_api.benchmarks import BenchmarkRequest
from evals_schemas.tools.plans import Plan


@dataclass(frozen=True)
class PlannedEvaluation:
    """A plan, and how the file to send is made."""

    plan: Plan
    derivation: Derivation | None = None
    """None if the data set is sent as it is, or cannot be sent."""


async def plan_evaluation(
    request: AnyRequest, provider: Provider, context: PlanningContext, half_width: float = 10.0
) -> Plan:
    """Return the plan of `planned_evaluation` for all rows of the data set; raises likewise."""
    return (await planned_evaluation(request, provider, context, half_width)).plan


async def planned_evaluation(
    request: AnyRequest,
    provider: Provider,
    context: PlanningContext,
    half_width: float,
    selection: Selection | None = None,
) -> PlannedEvaluation:
    """Return what a create of this request would do, and what it would send.

    The plan contains everything that is wrong with the request. If a list of the service cannot be
    fetched, the checks that need it are skipped, with a note where that matters.

    Args:
        request: the request to create.
        provider: the service.
        context: what all plans of this server share.
        half_width: half the width of the requested interval, in percentage points.
        selection: the rows of the data set that are chosen; None for all.

    Raises:
        NotFoundError: the data set does not exist.
        DatasetFaultError: the data set has no readable row.
        EvalsMCPError: the data set cannot be fetched.
    """
    if isinstance(request, BenchmarkRequest):
        plan = await plan_benchmark(request, provider, context, half_width)
        return PlannedEvaluation(shortened(plan))
    facts = await collect_facts(request, provider, context)
    in_data_set = facts.profile.rows
    if selection is not None:
        facts = replace(facts, profile=selection.profile(facts.profile))
    # Comparing names takes time; in a thread, it does not hold up other calls.
    use = await to_thread.run_sync(
        ColumnUse.of, facts.request.parameters, facts.profile, facts.templates
    )
    facts = replace(facts, profile=facts.profile.with_lists(use.lists.columns))
    plan = await _plan_judged(facts, use, context, half_width, provider.account)
    if selection is not None:
        plan = plan.model_copy(update={"notes": [selection.note(in_data_set), *plan.notes]})
        if RETRY_OF in selection.arguments:
            # Its rows are read together with those that it takes over.
            plan = plan.model_copy(update={"power": None})
    return PlannedEvaluation(shortened(plan), use.derivation(selection))


async def _plan_judged(
    facts: RequestFacts, use: ColumnUse, context: PlanningContext, half_width: float, owner: str
) -> Plan:
    request, profile, fit, lists = facts.request, facts.profile, use.fit, use.lists.findings
    parameters = request.parameters
    models = check_models(facts)
    settings = Findings.merged([check_settings(parameters), stopping_findings(facts)])
    renderer = Renderer(
        context.templates.compile_template,
        context.clock,
        owner,
        strict=facts.capabilities.is_engine,
    )
    sample = await render_sample(parameters, profile, renderer, fit.faulty_fields)
    estimate = estimate_evaluation(facts, sample)
    rubric = text_of_ready_rubric(parameters)
    return Plan(
        rows=profile.rows,
        columns_used=fit.used,
        columns_carried=fit.unused,
        first_row=first_row(sample.texts.values(), rubric),
        rubric=rubric,
        **within_dollars(estimate.figures, request),
        power=power_of_request(request, profile.rows, half_width, facts.lists.jobs),
        problems=[
            *fit.problems,
            *faults_of_data_set(profile),
            *settings.problems,
            *models.problems,
            *sample.findings.problems,
        ],
        warnings=[
            *settings.warnings,
            *models.warnings,
            *low_token_limits(facts),
            *lists.warnings,
            *sample.findings.warnings,
        ],
        notes=[
            *lists.notes,
            *sample.findings.notes,
            *ready_rubric(parameters),
            *settings.notes,
            *estimate.notes,
            *too_many_workers(parameters, facts.capabilities),
            *nested_labels(parameters),
            *rows_in_clusters(parameters, profile),
            *dataset_oddities(profile, sample.reported_columns),
        ],
    )
