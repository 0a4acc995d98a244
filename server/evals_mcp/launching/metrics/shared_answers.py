"""Which metrics of a create judge the same generated answers, so that one generates them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

from evals_mcp.launching.launch import Launch, RequestedEvaluation
from evals_mcp.launching.repeats import StartedEvaluation
from evals_mcp.providers.protocol import AnyRequest
from evals_mcp.providers.rest.ids import own_id_of
from evals_schemas.benchmark_api.benchmarks import BenchmarkRequest
from evals_schemas.evaluation_api.evaluations import (
    ANSWERS_FROM,
    ENDED,
    ModelRequest,
    candidates,
)


def generating_metrics(requests: Mapping[str, RequestedEvaluation]) -> dict[str, str]:
    """Return the metric whose answers a metric takes, by the name of the metric that takes them.

    Of the metrics that run the same models on the same sides, the first generates the answers.
    Empty if their service cannot hand on answers.
    """
    first: dict[str, str] = {}
    taken: dict[str, str] = {}
    for name, requested in requests.items():
        if (generated := _generated(requested)) is None:
            continue
        generating = first.setdefault(generated, name)
        if generating != name:
            taken[name] = generating
    return taken


def taking_answers(launch: Launch, generating: StartedEvaluation) -> Launch:
    """Return a launch whose evaluation takes the answers of another one.

    One that has ended without completing may lack answers, so nothing is taken from it.
    """
    if generating.status in ENDED and generating.status != "completed":
        return launch
    answers_from = own_id_of(generating.evaluation_id)

    async def derive() -> AnyRequest:
        request = launch.request if launch.derive is None else await launch.derive()
        return request.model_copy(update={ANSWERS_FROM: answers_from})

    return replace(launch, derive=derive)


def _generated(requested: RequestedEvaluation) -> str | None:
    """Return what identifies the answers that a request generates; None if they are not shared."""
    request = requested.request
    if isinstance(request, BenchmarkRequest):
        return None
    file_id = request.parameters.input_data_file_path
    if not requested.provider.service_of(file_id).capabilities.hands_on_answers:
        return None
    models = {
        field: side.model_dump(exclude_none=True, exclude={"num_workers"})
        for field, side in candidates(request.parameters).items()
        if isinstance(side, ModelRequest)
    }
    return json.dumps(models, sort_keys=True) if models else None
