"""The plan of a benchmark evaluation: how many questions, for which models."""

from __future__ import annotations

from collections.abc import Iterator

from evals_mcp.cleaning import clean
from evals_mcp.near_names import near_names
from evals_mcp.planning.checks.models import did_you_mean, no_endpoint
from evals_mcp.planning.estimates.benchmark import estimate_benchmark
from evals_mcp.planning.inputs.context import PlanningDesk
from evals_mcp.planning.inputs.service_lists import Lookups, look_up
from evals_mcp.providers.protocol import LOCAL, Provider
from evals_schemas.benchmark_api.benchmarks import METRICS, BenchmarkRequest
from evals_schemas.evaluation_api.files import File
from evals_schemas.evaluation_api.rules import RULE_PREFIX
from evals_schemas.tools.plans import Plan

_PURPOSE = "benchmark"


async def plan_benchmark(request: BenchmarkRequest, provider: Provider, desk: PlanningDesk) -> Plan:
    """What a create of this request would do. Raises nothing that a service can do."""
    service = provider.name_of(request.benchmark_id)
    lookups = await look_up(provider, datasets=True)
    plan = Plan()
    benchmark = _benchmark(request, lookups)
    if lookups.datasets is None:
        plan.notes.append(f"The benchmarks cannot be listed ({_why(lookups, 'datasets')}).")
    elif benchmark is None:
        plan.problems.append(_no_benchmark(request, lookups.datasets))
    else:
        _count(request, benchmark, service, desk, plan)
    plan.problems += _same_model(request)
    if service == LOCAL:
        plan.problems += _unknown_metrics(request)
        if desk.serves_models:
            plan.warnings += _no_models(lookups)
        else:
            plan.problems.append(no_endpoint("model_id"))
    for role, model in _models(request):
        plan.problems += _unknown(role, model, lookups, service)
    readable = service == LOCAL and bool(plan.rows)
    if not (readable and await estimate_benchmark(request, provider, desk, lookups, plan)):
        plan.notes.append(_cost(lookups, service))
    return plan


def _models(request: BenchmarkRequest) -> Iterator[tuple[str, str]]:
    yield "model_id", request.model_id
    if request.model_id_2 is not None:
        yield "model_id_2", request.model_id_2


def _benchmark(request: BenchmarkRequest, lookups: Lookups) -> File | None:
    listed = lookups.datasets or []
    return next(
        (each for each in listed if each.id == request.benchmark_id and each.purpose == _PURPOSE),
        None,
    )


def _count(
    request: BenchmarkRequest, benchmark: File, service: str, desk: PlanningDesk, plan: Plan
) -> None:
    """Questions and calls. The contract lists 0 questions also where it has not counted them."""
    if not benchmark.LineCount:
        if service == LOCAL:
            plan.problems.append(
                "`benchmark_id`: this benchmark has no questions. Call upload_dataset with "
                "benchmark true and the columns question and answer."
            )
        else:
            plan.notes.append(f"{service} does not tell how many questions the benchmark has.")
        return
    plan.rows = benchmark.LineCount
    plan.calls = plan.rows * len(list(_models(request)))
    judge = desk.benchmark_judge if service == LOCAL else None
    if judge is None:
        plan.notes.append("Calls count the answers; a judge that compares them is not counted.")
    elif not judge.startswith(RULE_PREFIX):
        plan.calls *= 2
        plan.notes.append(
            f"{clean(judge, 60)} judges each answer (local.benchmark_judge): a call more each."
        )


def _no_benchmark(request: BenchmarkRequest, listed: list[File]) -> str:
    given = clean(request.benchmark_id, 60)
    if any(each.id == request.benchmark_id for each in listed):
        return (
            f"`benchmark_id` {given} is a data set, not a benchmark: call upload_dataset with "
            "benchmark true and the columns question and answer."
        )
    names = {each.id: each.filename for each in listed if each.purpose == _PURPOSE}
    by_name = {name: each for each, name in names.items() if name}
    near = near_names(request.benchmark_id, [*names, *by_name])
    ids = dict.fromkeys(by_name.get(name, name) for name in near)
    hint = f"Did you mean {' or '.join(clean(each, 80) for each in ids)}?" if ids else ""
    return f"`benchmark_id` names no benchmark: {given}. {hint or 'list_datasets has the ids.'}"


def _same_model(request: BenchmarkRequest) -> Iterator[str]:
    if request.model_id_2 == request.model_id:
        yield "`model_id_2` is the same as `model_id`: name another model, or leave it out."


def _no_models(lookups: Lookups) -> Iterator[str]:
    if lookups.models and all(name.startswith(RULE_PREFIX) for name in lookups.models):
        yield (
            f"{LOCAL} lists no model that could answer: is the endpoint of local.models.base_url "
            "running?"
        )


def _unknown_metrics(request: BenchmarkRequest) -> Iterator[str]:
    """Only the embedded engine says which metrics it has."""
    for name in request.custom_metrics or ():
        if name not in METRICS:
            near = near_names(name, METRICS, most=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            yield (
                f"`custom_metrics`: {clean(name, 60)!r} is no metric of {LOCAL}, which has "
                f"{' and '.join(METRICS)}.{hint}"
            )


def _unknown(role: str, model: str, lookups: Lookups, service: str) -> list[str]:
    """A service refuses what it does not list; an engine whose endpoint lists none takes all."""
    if model.startswith(RULE_PREFIX):
        return [f"`{role}` is {clean(model, 60)}: a rule judges and cannot answer."]
    if not lookups.models or model in lookups.models or f"{model}:latest" in lookups.models:
        return []
    names = [name for name in lookups.models if not name.startswith(RULE_PREFIX)]
    if service == LOCAL and not names:
        return []
    return [f"`{role}`: {service} does not list {clean(model, 60)!r}. {did_you_mean(model, names)}"]


def _cost(lookups: Lookups, service: str) -> str:
    if service == LOCAL and "models" not in lookups.missing:
        return "Cost not known: the questions of the benchmark could not be read."
    if why := _why(lookups, "models"):
        return f"The price list cannot be had ({why}), and the questions' lengths are not known."
    return f"Cost not known: {service} does not tell how long the questions of a benchmark are."


def _why(lookups: Lookups, name: str) -> str:
    return clean(lookups.missing.get(name, ""), 160)
