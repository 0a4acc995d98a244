"""The plan of a benchmark evaluation: how many questions, for which models."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from evals_mcp.cleaning import inert, quoted
from evals_mcp.near_names import near_names
from evals_mcp.planning.checks.findings import Findings
from evals_mcp.planning.checks.models import did_you_mean, no_endpoint, rule_as_candidate
from evals_mcp.planning.estimates.benchmark import estimate_benchmark
from evals_mcp.planning.estimates.total import TokenEstimate
from evals_mcp.planning.inputs.context import PlanningContext
from evals_mcp.planning.inputs.service_lists import ServiceLists, fetch_lists
from evals_mcp.planning.power import power_of_request
from evals_mcp.providers.protocol import Provider
from evals_mcp.providers.rest.ids import BENCHMARK, noun_of
from evals_schemas.benchmark_api.benchmarks import METRICS, BenchmarkRequest
from evals_schemas.evaluation_api.files import File
from evals_schemas.evaluation_api.rules import RULE_PREFIX
from evals_schemas.tools.plans import Plan

_PURPOSE = "benchmark"


@dataclass(frozen=True)
class _Questions:
    """The questions of a benchmark and the calls for them; None if unknown."""

    rows: int | None = None
    calls: int | None = None
    findings: Findings = field(default_factory=Findings)


async def plan_benchmark(
    request: BenchmarkRequest, provider: Provider, context: PlanningContext, half_width: float
) -> Plan:
    """Return what a create of this request would do. A failure of the service becomes a note.

    `half_width` is half the width of the requested interval, in percentage points.
    """
    service = provider.service_of(request.benchmark_id)
    lists = await fetch_lists(provider, service, datasets=True)
    questions = _questions(request, lists, service)
    models = _check_models(request, lists, service)
    estimate = None
    if service.capabilities.is_engine and questions.rows:
        estimate = await estimate_benchmark(request, provider, context, lists)
    estimate = estimate or TokenEstimate({}, (_no_cost(lists, service),))
    return Plan(
        rows=questions.rows,
        calls=questions.calls,
        **estimate.figures,
        power=power_of_request(request, questions.rows or 0, half_width),
        problems=[*questions.findings.problems, *models.problems],
        warnings=[*models.warnings],
        notes=[*questions.findings.notes, *estimate.notes],
    )


def _questions(request: BenchmarkRequest, lists: ServiceLists, service: Provider) -> _Questions:
    if lists.datasets is None:
        note = f"The benchmarks cannot be listed ({_failure(lists, 'datasets')})."
        return _Questions(findings=Findings(notes=(note,)))
    benchmark = next(
        (
            file
            for file in lists.datasets
            if file.id == request.benchmark_id and file.purpose == _PURPOSE
        ),
        None,
    )
    if benchmark is None:
        return _Questions(findings=Findings((_no_benchmark(request, lists.datasets),)))
    # The contract lists 0 questions also if the service has not counted them.
    if not benchmark.LineCount:
        return _Questions(findings=_no_questions(service))
    judge = service.capabilities.benchmark_judge
    answers = benchmark.LineCount * len(list(_models(request)))
    if judge is None:
        note = "Calls count the answers; calls of a judge that compares them are not included."
        return _Questions(benchmark.LineCount, answers, Findings(notes=(note,)))
    if judge.startswith(RULE_PREFIX):
        return _Questions(benchmark.LineCount, answers)
    note = f"{quoted(judge, 60)} judges each answer (local.benchmark_judge), with one call more."
    return _Questions(benchmark.LineCount, 2 * answers, Findings(notes=(note,)))


def _no_questions(service: Provider) -> Findings:
    if not service.capabilities.is_engine:
        note = f"{service.name} does not report how many questions the benchmark has."
        return Findings(notes=(note,))
    problem = (
        "`benchmark_id`: this benchmark has no questions. Call upload_dataset with benchmark true "
        "and the columns question and answer."
    )
    return Findings((problem,))


def _no_benchmark(request: BenchmarkRequest, files: list[File]) -> str:
    benchmark_id = quoted(request.benchmark_id, 60)
    if any(file.id == request.benchmark_id for file in files):
        return (
            f"`benchmark_id` {benchmark_id} is a data set, not a benchmark: call upload_dataset "
            "with benchmark true and the columns question and answer."
        )
    names = {file.id: file.filename for file in files if file.purpose == _PURPOSE}
    ids_by_name = {name: file_id for file_id, name in names.items() if name}
    near = near_names(request.benchmark_id, [*names, *ids_by_name])
    ids = dict.fromkeys(ids_by_name.get(name, name) for name in near)
    hint = f"Did you mean {' or '.join(quoted(each, 80) for each in ids)}?" if ids else ""
    noun = noun_of(request.benchmark_id)
    if noun and noun != BENCHMARK.noun:
        hint = f"This is the id of a{'n' if noun[0] in 'aeiou' else ''} {noun}: call list_datasets."
    return (
        f"`benchmark_id`: there is no benchmark {benchmark_id}. "
        f"{hint or 'Call list_datasets for the ids.'}"
    )


def _check_models(request: BenchmarkRequest, lists: ServiceLists, service: Provider) -> Findings:
    problems: list[str] = []
    warnings: list[str] = []
    if request.model_id_2 == request.model_id:
        problems.append(
            "`model_id_2` is the same as `model_id`: name another model, or leave it out."
        )
    if service.capabilities.is_engine:
        problems += _unknown_metrics(request, service.name)
    if setting := service.capabilities.missing_endpoint:
        problems.append(no_endpoint("model_id", service.name, setting))
    elif service.capabilities.is_engine:
        warnings += _no_models(lists, service.name)
    for field_name, model in _models(request):
        problems += _unknown_model(field_name, model, lists, service)
    return Findings(tuple(problems), tuple(warnings))


def _models(request: BenchmarkRequest) -> Iterator[tuple[str, str]]:
    """Yield the field and the name of each model."""
    yield "model_id", request.model_id
    if request.model_id_2 is not None:
        yield "model_id_2", request.model_id_2


def _no_models(lists: ServiceLists, service: str) -> Iterator[str]:
    if lists.models and all(name.startswith(RULE_PREFIX) for name in lists.models):
        yield (
            f"{service} lists no model that could answer: is the endpoint of local.models.base_url "
            "running?"
        )


def _unknown_metrics(request: BenchmarkRequest, service: str) -> Iterator[str]:
    """Yield a problem for each metric that the embedded engine lacks; others list no metrics."""
    for name in request.custom_metrics or ():
        if name not in METRICS:
            near = near_names(name, METRICS, most=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            yield (
                f"`custom_metrics`: {quoted(name, 60)} is not a metric of {service}, which has "
                f"{' and '.join(METRICS)}.{hint}"
            )


def _unknown_model(
    field_name: str, model: str, lists: ServiceLists, service: Provider
) -> Iterator[str]:
    """Yield a problem for a model that is not listed, which services refuse.

    An embedded engine whose endpoint lists no models accepts any name.
    """
    if model.startswith(RULE_PREFIX):
        yield rule_as_candidate(field_name, model)
        return
    if not lists.models or model in lists.models or f"{model}:latest" in lists.models:
        return
    names = [name for name in lists.models if not name.startswith(RULE_PREFIX)]
    if names or service.capabilities.lists_models:
        yield (
            f"`{field_name}`: {service.name} does not list {quoted(model, 60)}. "
            f"{did_you_mean(model, names)}"
        )


def _no_cost(lists: ServiceLists, service: Provider) -> str:
    """Return a note that says why there is no cost."""
    if not service.capabilities.has_prices and "models" not in lists.failures:
        return "The cost is unknown: the questions of the benchmark could not be read."
    if failure := _failure(lists, "models"):
        return f"The price list is unavailable ({failure}), and the questions' lengths are unknown."
    return (
        f"The cost is unknown: {service.name} does not report how long a benchmark's questions are."
    )


def _failure(lists: ServiceLists, name: str) -> str:
    return inert(lists.failures.get(name, ""), 160)
