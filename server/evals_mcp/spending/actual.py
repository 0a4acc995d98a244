"""What an evaluation has cost: the tokens that its service reports, by the prices of its models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any, cast

from evals_mcp.cleaning import quoted
from evals_mcp.providers.protocol import Provider
from evals_mcp.spending.prices import SERVERLESS, PriceList
from evals_schemas.evaluation_api.evaluations import ANSWERS_FROM, ENDED, EvaluationJob
from evals_schemas.evaluation_api.rules import RULE_PREFIX
from evals_schemas.evaluation_api.usage import BY_ROLE, JUDGE, NO_USAGE, Usage, read_usage

_JUDGED = (JUDGE, "model_to_evaluate", "model_a", "model_b")
_NO_FIGURES = frozenset({"error", "reason", "note"})
_BENCHMARKED = ("model_id", "model_id_2")


@dataclass(frozen=True)
class PaidModel:
    """A model of an evaluation."""

    name: str
    source: str


@dataclass(frozen=True)
class Used:
    """The calls and tokens of an evaluation, as far as its service reports them."""

    by_role: Mapping[str, Usage]
    """Of the roles with calls."""
    total: Usage | None
    """Of all roles; None if the service reports nothing. `calls` is 0 if only tokens are known."""
    unknown: str | None = None
    """Why a part of it is not known by role; None if all of it is."""

    @property
    def is_free(self) -> bool:
        """Whether no model was called."""
        return self.unknown is None and self.total == NO_USAGE


@dataclass(frozen=True)
class ActualCost:
    """What an ended evaluation has cost."""

    usage: Usage | None
    """All calls and tokens; None if the service does not report them."""
    usd: float | None
    """US dollars; None if unknown."""
    unknown: str | None = None
    """Why the US dollars are unknown; None if they are known."""


def used_by(job: EvaluationJob, service: Provider) -> Used | None:
    """Return what an ended evaluation has used; None while it runs."""
    if job.status not in ENDED:
        return None
    reported = (job.results or {}).get("usage")
    total = read_usage(reported)
    if total is not None:
        return _reported(total, cast("Mapping[str, Any]", reported), job, service)
    # The engine reports the tokens of every evaluation that has judged a row with a model.
    figures = {
        name: value for name, value in (job.results or {}).items() if name not in _NO_FIGURES
    }
    is_free = service.capabilities.is_engine and not (any(figures.values()) and _paid_roles(job))
    return Used({}, NO_USAGE) if is_free else _unreported(service)


def _reported(
    total: Usage, reported: Mapping[str, Any], job: EvaluationJob, service: Provider
) -> Used:
    by_role = dict(_by_role(reported.get(BY_ROLE)))
    known = reduce(Usage.plus, by_role.values(), NO_USAGE)
    paid = _paid_roles(job)
    tells_roles = BY_ROLE in reported or not paid
    tokens = total.input_tokens, total.output_tokens
    if tells_roles and (known.input_tokens, known.output_tokens) == tokens:
        return Used(by_role, known)
    if not any(tokens):
        return _unreported(service)
    if not by_role and len(paid) == 1:
        return Used({paid[0]: total}, total)
    total = replace(total, calls=known.calls, unreported_calls=known.unreported_calls)
    return Used(by_role, total, f"{service.name} does not report the tokens of each model")


def _unreported(service: Provider) -> Used:
    return Used({}, None, f"not reported by {service.name}")


def actual_cost(job: EvaluationJob, used: Used, prices: PriceList) -> ActualCost:
    """Return the cost of an ended evaluation by these prices."""
    models = models_of(job)
    reasons = [used.unknown] if used.unknown else []
    dollars, unpriced = 0.0, list[str]()
    for role, usage in used.by_role.items():
        model = models.get(role)
        price = model and prices.price_of(model.name, model.source)
        if price is not None:
            dollars += price.of(usage.input_tokens, usage.output_tokens)
        elif model is not None:
            unpriced.append(quoted(model.name, 60))
    if unpriced:
        reasons.append(_no_price(unpriced, prices.failure))
    if used.by_role.keys() - models.keys():
        reasons.append("the name of a model is not reported")
    if used.total and (missing := used.total.unreported_calls):
        reasons.append(f"{missing:,} of {used.total.calls:,} calls reported no tokens")
    usd = None if reasons else float(f"{dollars:.6g}")
    return ActualCost(used.total, usd, "; ".join(reasons) or None)


def models_of(job: EvaluationJob) -> dict[str, PaidModel]:
    """Return the models of an evaluation by role; the judge of a benchmark if it is reported."""
    models: dict[str, PaidModel] = {}
    for role in _JUDGED:
        value = job.parameters.get(role)
        if isinstance(value, Mapping):
            fields = cast("Mapping[str, object]", value)
            models[role] = PaidModel(str(fields.get("model")), str(fields.get("model_source")))
    for role in _BENCHMARKED:
        if isinstance(name := job.parameters.get(role), str):
            models[role] = PaidModel(name, SERVERLESS)
    judge = (job.results or {}).get(JUDGE)
    if JUDGE not in models and isinstance(judge, str):
        models[JUDGE] = PaidModel(judge, SERVERLESS)
    return models


def _by_role(value: object) -> Iterator[tuple[str, Usage]]:
    if isinstance(value, Mapping):
        for role, fields in cast("Mapping[str, object]", value).items():
            if (usage := read_usage(fields)) is not None and usage != NO_USAGE:
                yield role, usage


def _no_price(names: list[str], failure: str | None) -> str:
    if failure is not None:
        return f"the price list is unavailable ({failure})"
    return f"no price is known for {', '.join(dict.fromkeys(names))}"


def _paid_roles(job: EvaluationJob) -> list[str]:
    """Return the roles of models that were called; a rule calls none."""
    models = models_of(job)
    if ANSWERS_FROM in job.parameters:
        models = {role: model for role, model in models.items() if role == JUDGE}
    return [role for role, model in models.items() if not model.name.startswith(RULE_PREFIX)]
