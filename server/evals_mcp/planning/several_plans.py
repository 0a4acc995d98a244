"""The plan of several evaluations of one data set that start together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from evals_mcp.cleaning import quoted
from evals_mcp.planning.estimates.costs import total_cost
from evals_mcp.planning.shortened import shortened
from evals_schemas.tools.plans import ModelCalls, Plan, Range, RenderedTemplate

_NAME = 60
_JUDGE = "judge"
_ROW_CHARACTERS = 1_500
"""Characters of the first row in all templates together."""
_FEWEST_CHARACTERS = 60


def combined_plan(plans: Mapping[str, Plan], taken: Mapping[str, str]) -> Plan:
    """Return the plan of all together: sums of calls, tokens and cost, and all findings.

    A sentence that not all plans have begins with the name of its evaluation. A sum is absent if
    a part of it is unknown.

    Args:
        plans: the plans by the names of their evaluations; at least one.
        taken: the evaluation whose answers another one takes, by the name of the one that takes
            them; its plan is one of `without_generation`.
    """
    first, *_ = each = list(plans.values())
    return shortened(
        Plan(
            rows=first.rows,
            columns_used=_union(plan.columns_used for plan in each),
            columns_carried=[
                name
                for name in first.columns_carried
                if all(name in plan.columns_carried for plan in each)
            ],
            first_row=_first_rows(plans),
            calls=_sum(plan.calls for plan in each),
            models=_models(model for plan in each for model in plan.models),
            input_tokens=_sum(plan.input_tokens for plan in each),
            output_tokens=_sum(plan.output_tokens for plan in each),
            cost_usd=total_cost([plan.cost_usd for plan in each]),
            price_unavailable=any(plan.price_unavailable for plan in each),
            duration_seconds=_duration([plan.duration_seconds for plan in each]),
            power=first.power if all(plan.power == first.power for plan in each) else None,
            problems=_sentences(plans, lambda plan: plan.problems),
            warnings=_sentences(plans, lambda plan: plan.warnings),
            notes=[
                *_generated_once(taken),
                *_generated_for_each(each),
                *_sentences(plans, lambda plan: plan.notes),
            ],
        )
    )


def without_generation(plan: Plan) -> Plan:
    """Return the plan of an evaluation that takes its answers from another one."""
    models = [call for call in plan.models if call.role == _JUDGE]
    generated = sum(call.calls for call in plan.models if call.role != _JUDGE)
    calls = None if plan.calls is None else plan.calls - generated
    changes: dict[str, Any] = {"models": models, "calls": calls}
    if plan.input_tokens is not None:  # else tokens are unknown, and so is the cost
        changes |= {
            "input_tokens": sum(call.input_tokens for call in models),
            "output_tokens": sum(call.output_tokens for call in models),
            "cost_usd": total_cost([call.cost_usd for call in models]),
        }
    return plan.model_copy(update=changes)


def plan_figures(plan: Plan) -> dict[str, Any]:
    """Return the figures of one of several plans, under the names of a plan; unknown ones absent.

    They are rows, calls, input_tokens, output_tokens, and cost_usd with low and high.
    """
    names = {"rows", "calls", "input_tokens", "output_tokens", "cost_usd"}
    return plan.model_dump(mode="json", exclude_none=True, include=names)


def _sentences(plans: Mapping[str, Plan], of: Callable[[Plan], Sequence[str]]) -> list[str]:
    """Return the sentences of all plans, those of all first."""
    common = [
        text
        for text in of(next(iter(plans.values())))
        if all(text in of(plan) for plan in plans.values())
    ]
    particular = [
        f"Metric {quoted(name, _NAME)}: {text}"
        for name, plan in plans.items()
        for text in of(plan)
        if text not in common
    ]
    return [*common, *particular]


def _generated_once(taken: Mapping[str, str]) -> list[str]:
    """Return a note for each evaluation that generates the answers of others, too."""
    takers: dict[str, list[str]] = {}
    for name, generating in taken.items():
        takers.setdefault(generating, []).append(quoted(name, _NAME))
    return [
        f"Answers are generated once, by {quoted(name, _NAME)}: {', '.join(others)} "
        f"{'starts' if len(others) == 1 else 'start'} when it has ended, with its answers."
        for name, others in takers.items()
    ]


def _generated_for_each(plans: Sequence[Plan]) -> list[str]:
    """Return a note if several evaluations run a model on the same rows; none if at most one does.

    Evaluations of different models, and all evaluations of a service that does not hand on
    answers, generate their own.
    """
    candidates = [[call for call in plan.models if call.role != _JUDGE] for plan in plans]
    generating = [calls for calls in candidates if calls]
    if len(generating) < 2:
        return []
    calls = sum(call.calls for calls in generating for call in calls)
    text = (
        f"Answers are generated for each metric anew, {calls:,} calls in all. To generate them "
        "once, start one metric, and when it has ended the others with `answers_of` its id."
    )
    return [text]


def _first_rows(plans: Mapping[str, Plan]) -> list[RenderedTemplate]:
    """Return the first row in each template, equal ones once, cut to what there is space for."""
    texts: dict[tuple[str, str], str] = {}
    for name, plan in plans.items():
        for rendered in plan.first_row:
            texts.setdefault((rendered.template, rendered.text), name)
    characters = max(_FEWEST_CHARACTERS, _ROW_CHARACTERS // max(1, len(texts)))
    return [
        RenderedTemplate(template=f"{name}: {template}", text=_cut(text, characters))
        for (template, text), name in texts.items()
    ]


def _cut(text: str, characters: int) -> str:
    return text if len(text) <= characters else text[: characters - 1].rstrip() + "…"


def _union(lists: Iterable[Sequence[str]]) -> list[str]:
    return list(dict.fromkeys(name for names in lists for name in names))


def _sum(numbers: Iterable[int | None]) -> int | None:
    total = 0
    for number in numbers:
        if number is None:
            return None
        total += number
    return total


def _models(calls: Iterable[ModelCalls]) -> list[ModelCalls]:
    """Return one line for each model in each role."""
    merged: dict[tuple[str, str], ModelCalls] = {}
    for each in calls:
        earlier = merged.get((each.role, each.model))
        if earlier is not None:
            costs = [earlier.cost_usd, each.cost_usd]
            each = ModelCalls(  # noqa: PLW2901 - the sum takes the place of its last part
                role=each.role,
                model=each.model,
                calls=earlier.calls + each.calls,
                input_tokens=earlier.input_tokens + each.input_tokens,
                output_tokens=earlier.output_tokens + each.output_tokens,
                cost_usd=total_cost(costs),
            )
        merged[each.role, each.model] = each
    return list(merged.values())


def _duration(spans: Sequence[Range | None]) -> Range | None:
    """Return the time of all: at best at the same time, at worst one after the other."""
    finite = [span for span in spans if span is not None]
    if len(finite) < len(spans):
        return None
    return Range(low=max(span.low for span in finite), high=sum(span.high for span in finite))
