"""Sends a rule judge to a service that has rules, with a copy of a data set that is elsewhere.

A rule calls no model, so nothing is paid and nothing leaves for another company: the copy goes from
a vendor to the engine of this server. The other way is never taken by itself.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from evals_mcp.datasets.stored_copy import stored_copy
from evals_mcp.derivations.originals import save
from evals_mcp.derivations.requested import FILE_FIELD
from evals_mcp.errors import EvalsMCPError, UnavailableError
from evals_mcp.providers.protocol import AnyRequest, Provider
from evals_mcp.providers.rest.ids import DATASET
from evals_schemas.benchmark_api.benchmarks import BenchmarkRequest
from evals_schemas.evaluation_api.evaluations import ModelRequest, candidates
from evals_schemas.evaluation_api.files import DATASET_PURPOSE
from evals_schemas.evaluation_api.rules import RULE_NAMES


async def with_copy_for_rule(
    request: AnyRequest, provider: Provider
) -> tuple[AnyRequest, str | None]:
    """Return a request with the data set that its judge can run on.

    Also return the service that the data set was copied from; None if it was not copied. Only a
    request that runs no model is sent to another service than that of its data set.

    Raises:
        EvalsMCPError: the data set cannot be copied.
    """
    if isinstance(request, BenchmarkRequest) or request.parameters.judge.model not in RULE_NAMES:
        return request, None
    if any(isinstance(side, ModelRequest) for side in candidates(request.parameters).values()):
        return request, None
    file_id = request.parameters.input_data_file_path
    service = provider.service_of(file_id)
    target = _with_rules(provider, request.type)
    if target is None or service is provider or await _has_rule(request, service):
        return request, None
    copy_id = await _copy(file_id, service, target)
    public_id = await provider.complete_id(f"{target.name}:{copy_id}", DATASET)
    parameters = request.parameters.model_copy(update={FILE_FIELD: public_id})
    return request.model_copy(update={"parameters": parameters}), service.name


def copied_note(source: str, target: str) -> str:
    """Return why an evaluation runs on a copy."""
    return (
        f"{source} has no rules, so a copy of its data set was stored on {target}, which runs it."
    )


def _with_rules(provider: Provider, kind: str) -> Provider | None:
    services = provider.services
    return next(
        (each for each in services if each.capabilities.runs_rules and kind in each.types), None
    )


async def _has_rule(request: AnyRequest, service: Provider) -> bool:
    """Return whether a service has the rule; if its list cannot be read, a vendor has none."""
    if service.capabilities.runs_rules or isinstance(request, BenchmarkRequest):
        return True
    try:
        models = await service.list_models()
    except EvalsMCPError:
        return False
    return any(model.id == request.parameters.judge.model for model in models)


async def _copy(file_id: str, service: Provider, target: Provider) -> str:
    """Return the target's own id of a copy, stored there unless it was before."""
    own_id = file_id.removeprefix(f"{service.name}:")
    files = {file.id: file for file in await service.list_datasets()}
    stored = files.get(own_id)
    name = stored.filename if stored else f"{own_id}.jsonl"
    with tempfile.TemporaryDirectory(prefix="evals-mcp-") as folder:
        path = Path(folder) / "copy"
        try:
            async with service.dataset_content(own_id) as chunks:
                await save(path, chunks)
        except OSError as error:
            raise UnavailableError(
                f"The data set cannot be copied from {service.name} ({error.strerror})."
            ) from error
        rows = stored.LineCount if stored else 0
        copy = await stored_copy(path, DATASET_PURPOSE, rows, target)
        return (copy or await target.upload_dataset(path, name)).id
