"""The calls, tokens, cost and time of an evaluation, as far as its templates fit its data set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypedDict

from evals_mcp.cleaning import clean
from evals_mcp.planning.checks.rendered_sample import RenderedSample
from evals_mcp.planning.estimates.calls import PlannedCalls, planned_calls
from evals_mcp.planning.estimates.costs import cost_of, no_cost, total_cost
from evals_mcp.planning.estimates.durations import duration_of, no_duration
from evals_mcp.planning.estimates.outputs import expected_outputs
from evals_mcp.planning.estimates.past_runs import (
    History,
    kind_of_request,
    past_runs,
    setup_of_request,
    workers_of,
)
from evals_mcp.planning.inputs.facts import RequestFacts, calls_per_row
from evals_mcp.planning.inputs.service_lists import ServiceLists
from evals_mcp.spending.prices import PriceList
from evals_schemas.datasets.reader import IMAGE_COLUMN
from evals_schemas.tools.plans import ModelCalls, Range


class TokenFigures(TypedDict, total=False):
    """The fields of a plan about tokens and cost."""

    models: list[ModelCalls]
    input_tokens: int | None
    output_tokens: int | None
    cost_usd: Range | None


class Figures(TokenFigures, total=False):
    """All fields of a plan that an estimate fills."""

    calls: int | None
    price_unavailable: bool
    duration_seconds: Range | None


@dataclass(frozen=True)
class TokenEstimate:
    """Tokens and cost, and notes about them."""

    figures: TokenFigures
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class EvaluationEstimate:
    """Calls, tokens, cost and time, and notes about them."""

    figures: Figures
    notes: tuple[str, ...]


def estimate_evaluation(facts: RequestFacts, sample: RenderedSample) -> EvaluationEstimate:
    """Return everything that is counted.

    If the sample lacks a text of a role, only the calls of that role are known.
    """
    parameters = facts.request.parameters
    calls = calls_per_row(parameters)
    runs = past_runs(facts.lists.jobs)
    history = History(kind_of_request(facts.request), setup_of_request(facts.request), runs)
    outputs = expected_outputs(parameters, calls, history)
    planned = planned_calls(parameters, facts.profile, sample, outputs)
    tokens = estimate_tokens_and_cost(planned, facts.lists)
    uncounted_roles = sorted(calls.keys() - {each.role for each in planned})
    if uncounted_roles:
        tokens = _without_totals(tokens, uncounted_roles)
    duration, duration_notes = _duration(facts, calls, history)
    total_calls = sum(calls.values()) * facts.profile.rows
    figures: Figures = {
        **tokens.figures,
        "calls": total_calls,
        "price_unavailable": facts.capabilities.has_prices and _list_failed(planned, facts.lists),
        "duration_seconds": duration,
    }
    notes = (
        *([outputs.note] if outputs.note else []),
        *_prompt_notes(facts, calls),
        *tokens.notes,
        *duration_notes,
    )
    return EvaluationEstimate(figures, notes)


def estimate_tokens_and_cost(planned: Sequence[PlannedCalls], lists: ServiceLists) -> TokenEstimate:
    """Return tokens and cost, for each model and in total."""
    prices = PriceList(lists.models or {})
    costs = [cost_of(each, prices) for each in planned]
    figures: TokenFigures = {
        "models": [_model_calls(each, cost) for each, cost in zip(planned, costs, strict=True)],
        "input_tokens": round(sum(each.input_tokens.expected for each in planned)),
        "output_tokens": round(sum(each.output_tokens.expected for each in planned)),
        "cost_usd": total_cost(costs),
    }
    unpriced = [each for each, cost in zip(planned, costs, strict=True) if cost is None]
    notes = (no_cost(unpriced, lists.failures.get("models")),) if unpriced else ()
    return TokenEstimate(figures, notes)


def _prompt_notes(facts: RequestFacts, calls: Mapping[str, int]) -> Iterator[str]:
    """Yield what the estimate of prompt tokens assumes or leaves out."""
    if calls["judge"] and not facts.capabilities.is_engine:
        yield (
            f"The text that {facts.service} adds to a judge's prompt is unknown; it is assumed to "
            "be as long as the embedded engine's."
        )
    if any(calls.values()) and facts.profile.rows and IMAGE_COLUMN in facts.profile.columns:
        yield "The token estimate does not include images."


def _list_failed(planned: Sequence[PlannedCalls], lists: ServiceLists) -> bool:
    """Return whether a price is unknown only because the price list could not be fetched."""
    listed = any(each.calls and each.endpoint.model_source == "serverless" for each in planned)
    return listed and "models" in lists.failures


def _without_totals(tokens: TokenEstimate, uncounted_roles: Sequence[str]) -> TokenEstimate:
    """Return the estimate without totals, since those of some roles are unknown."""
    names = " and ".join(f"`{role}`" for role in uncounted_roles)
    figures: TokenFigures = {
        **tokens.figures,
        "input_tokens": None,
        "output_tokens": None,
        "cost_usd": None,
    }
    note = f"Correct the problems to get the tokens and cost of {names}."
    return replace(tokens, figures=figures, notes=(*tokens.notes, note))


def _model_calls(planned: PlannedCalls, cost: Range | None) -> ModelCalls:
    return ModelCalls(
        role=planned.role,
        model=clean(planned.endpoint.model, 80),
        calls=planned.calls,
        input_tokens=round(planned.input_tokens.expected),
        output_tokens=round(planned.output_tokens.expected),
        cost_usd=cost,
    )


def _duration(
    facts: RequestFacts, calls: Mapping[str, int], history: History
) -> tuple[Range | None, list[str]]:
    """Return the duration, or None with a note if there is one to expect and it is unknown."""
    rows = facts.profile.rows
    workers = workers_of(facts.request.parameters.model_dump(exclude_none=True))
    duration = duration_of(rows, workers, history.kind, history.runs)
    if duration is not None or not rows or not any(calls.values()):
        return duration, []
    # Both orders of a pair are judged at the same time.
    sequential_calls = sum(min(1, number) for number in calls.values())
    return None, [no_duration(rows, sequential_calls, workers)]
