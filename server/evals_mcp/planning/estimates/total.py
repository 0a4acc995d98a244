"""Calls, tokens, cost and time of a request, as far as its templates fit its data set."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from evals_mcp.cleaning import clean
from evals_mcp.planning.checks.rendered_sample import RenderedSample
from evals_mcp.planning.estimates.calls import PlannedCalls, planned_calls
from evals_mcp.planning.estimates.costs import cost_of, no_cost, total_cost
from evals_mcp.planning.estimates.durations import duration_of, no_duration
from evals_mcp.planning.estimates.outputs import expected_outputs
from evals_mcp.planning.estimates.past_runs import (
    History,
    Kind,
    PastRun,
    kind_of_request,
    past_runs,
    setup_of_request,
    workers_of,
)
from evals_mcp.planning.inputs.facts import Gathered, calls_per_row
from evals_mcp.planning.inputs.service_lists import Lookups
from evals_mcp.providers.protocol import LOCAL
from evals_schemas.datasets.reader import IMAGE_COLUMN
from evals_schemas.tools.plans import ModelCalls, Plan, Range

_UNKNOWN_INSTRUCTION = (
    "What {service} itself adds to a judge's prompt is not known; it is taken to be as long as the "
    "embedded engine's."
)


def estimate(gathered: Gathered, sample: RenderedSample, plan: Plan) -> None:
    """Complete the plan with everything that is counted.

    Of a role with a text that the sample does not have, only its calls are known.
    """
    request, profile = gathered.request, gathered.profile
    calls = calls_per_row(request.parameters)
    kind, runs = kind_of_request(request), past_runs(gathered.lookups.jobs)
    history = History(kind, setup_of_request(request), runs)
    outputs = expected_outputs(request.parameters, calls, history)
    planned = planned_calls(request.parameters, profile, sample, outputs)
    plan.calls = sum(calls.values()) * profile.rows
    if outputs.note:
        plan.notes.append(outputs.note)
    if calls["judge"] and gathered.service != LOCAL:
        plan.notes.append(_UNKNOWN_INSTRUCTION.format(service=gathered.service))
    if plan.calls and IMAGE_COLUMN in profile.columns:
        plan.notes.append("Pictures are not in the estimate of tokens.")
    count_tokens(planned, gathered.lookups, plan)
    plan.price_unavailable = gathered.service != LOCAL and _list_failed(planned, gathered.lookups)
    if len(planned) < len(calls):
        _leave_open(calls.keys() - {each.role for each in planned}, plan)
    _time(gathered, calls, kind, runs, plan)


def count_tokens(planned: Sequence[PlannedCalls], lookups: Lookups, plan: Plan) -> None:
    """Tokens and cost, by model and in all."""
    plan.input_tokens = round(sum(each.input_tokens.expected for each in planned))
    plan.output_tokens = round(sum(each.output_tokens.expected for each in planned))
    prices = lookups.models or {}
    costs = [cost_of(each, prices) for each in planned]
    plan.models = [_shown(each, cost) for each, cost in zip(planned, costs, strict=True)]
    plan.cost_usd = total_cost(costs)
    if unknown := [each for each, cost in zip(planned, costs, strict=True) if cost is None]:
        plan.notes.append(no_cost(unknown, lookups.missing.get("models")))


def _list_failed(planned: Sequence[PlannedCalls], lookups: Lookups) -> bool:
    """Whether a price is not known for no other reason than that the list cannot be had."""
    listed = any(each.calls and each.endpoint.model_source == "serverless" for each in planned)
    return listed and "models" in lookups.missing


def _leave_open(roles: Collection[str], plan: Plan) -> None:
    """Tokens and cost in all are not known while those of one role are not."""
    plan.input_tokens = plan.output_tokens = plan.cost_usd = None
    names = " and ".join(f"`{role}`" for role in sorted(roles))
    plan.notes.append(f"Tokens and cost of {names} are told once the problems are corrected.")


def _shown(planned: PlannedCalls, cost: Range | None) -> ModelCalls:
    return ModelCalls(
        role=planned.role,
        model=clean(planned.endpoint.model, 80),
        calls=planned.calls,
        input_tokens=round(planned.input_tokens.expected),
        output_tokens=round(planned.output_tokens.expected),
        cost_usd=cost,
    )


def _time(
    gathered: Gathered,
    calls: Mapping[str, int],
    kind: Kind,
    runs: Sequence[PastRun],
    plan: Plan,
) -> None:
    rows = gathered.profile.rows
    workers = workers_of(gathered.request.parameters.model_dump(exclude_none=True))
    plan.duration_seconds = duration_of(rows, workers, kind, runs)
    if plan.duration_seconds is None and plan.calls:
        # Both orders of a pair are judged at the same time.
        in_a_row = sum(min(1, each) for each in calls.values())
        plan.notes.append(no_duration(rows, in_a_row, workers))
