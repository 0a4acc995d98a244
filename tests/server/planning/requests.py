"""Requests, plans and runs for the tests of planning."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import anyio
from tests.server.fake_provider import NOON, FakeProvider, jsonl

from evals_engine.compute.pool import ComputePool
from evals_mcp.local_engine.server_pool import ServerPool
from evals_mcp.planning.checks.rendered_sample import plain_substitution
from evals_mcp.planning.inputs.context import PlanningContext
from evals_mcp.planning.inputs.templates import (
    ReadTemplates,
    Render,
    TemplateNames,
    found_names,
    too_long,
)
from evals_mcp.planning.plan import plan_evaluation
from evals_mcp.planning.template_task import template_names
from evals_mcp.providers.protocol import AnyRequest, JudgedRequest
from evals_schemas.evaluation_api.evaluations import EvaluationJob, parse_evaluation_request
from evals_schemas.evaluation_api.models import Model, Pricing
from evals_schemas.tools.plans import Plan

ROWS: list[dict[str, Any]] = [
    {"question": f"What is {n} + {n}?", "expected": str(2 * n), "answer": f"It is {2 * n}."}
    for n in range(1, 201)
]
JUDGE = {
    "model": "judge-1",
    "model_source": "serverless",
    "system_template": "Is the answer to {{question}} right? Expected: {{expected}}",
}
RULE = {"model": "rule/contains", "model_source": "serverless", "system_template": "{{expected}}"}
LABELS = {"labels": ["right", "wrong"], "pass_labels": ["right"]}


def classify(**changes: Any) -> JudgedRequest:
    """A classify request over ready answers."""
    parameters = {
        "judge": JUDGE,
        "input_data_file_path": "file-1",
        "model_to_evaluate": "answer",
        **LABELS,
        **changes,
    }
    kept = {name: value for name, value in parameters.items() if value is not None}
    return parse_evaluation_request({"type": "classify", "parameters": kept})


def compare(**changes: Any) -> JudgedRequest:
    """A compare request over two columns."""
    parameters = {
        "judge": JUDGE,
        "input_data_file_path": "file-1",
        "model_a": "answer",
        "model_b": "answer",
        **changes,
    }
    return parse_evaluation_request({"type": "compare", "parameters": parameters})


def candidate(**changes: Any) -> dict[str, Any]:
    """A model that answers."""
    return {
        "model": "small-1",
        "model_source": "serverless",
        "system_template": "Be brief.",
        "input_template": "{{question}} {{answer}}",
        **changes,
    }


def stored(*rows: dict[str, Any], **changes: Any) -> FakeProvider:
    """A provider with a data set and two priced models."""
    models = [
        Model(id="judge-1", type="chat", pricing=Pricing(input=1, output=2)),
        Model(id="small-1", type="chat", pricing=Pricing(input=0.1, output=0.2)),
    ]
    content = jsonl(*(rows or ROWS))
    provider = FakeProvider(contents={"file-1": content}, models=models)
    return replace(provider, **changes)


def completed(
    seconds: float = 60, rows: int = 100, output_tokens: int | None = 2_500, **changes: Any
) -> EvaluationJob:
    """A completed evaluation like `classify()`."""
    request = classify(**changes)
    usage = {} if output_tokens is None else {"usage": {"output_tokens": output_tokens}}
    return EvaluationJob.model_validate(
        {
            "workflow_id": "eval-1",
            "type": request.type,
            "status": "completed",
            "created_at": NOON,
            "updated_at": NOON + timedelta(seconds=seconds),
            "progress": {"done": rows, "total": rows},
            "parameters": request.parameters.model_dump(exclude_none=True),
            "results": usage,
        }
    )


async def planned(
    request: AnyRequest,
    provider: FakeProvider | None = None,
    half_width: float = 10,
    benchmark_judge: str | None = None,
    *,
    serves_models: bool = True,
) -> Plan:
    """The plan of a request, rendered as the engine renders."""
    with anyio.fail_after(60):
        provider = provider or stored()
        provider.benchmark_judge = benchmark_judge
        provider.missing_endpoint = None if serves_models else "local.models.base_url"
        async with planning_context() as context:
            return await plan_evaluation(request, provider, context, half_width)


def names_here(sources: Iterable[tuple[str, str]]) -> ReadTemplates:
    """The names that templates of a test read, found in this process."""
    return {
        field: TemplateNames(problem=problem)
        if (problem := too_long(field, source))
        else found_names(field, template_names(source))
        for field, source in sources
    }


class TemplatesHere:
    """Templates of tests without worker processes: rendered by putting columns in alone."""

    async def read_names(self, sources: Sequence[tuple[str, str]], owner: str) -> ReadTemplates:
        return names_here(sources)

    async def compile_template(self, source: str, field: str, owner: str) -> Render:
        return await plain_substitution(source, field, owner)


@asynccontextmanager
async def planning_context() -> AsyncGenerator[PlanningContext]:
    """What plans need to render as the engine renders."""
    async with ComputePool() as pool:
        yield PlanningContext(ServerPool(pool, pool))
