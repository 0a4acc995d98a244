"""Detects which generation of its API the benchmark service uses, once and with reads only.

| | list of benchmarks | create |
|---|---|---|
| 1, 2 | `/benchmark/list` | `/evaluations`, second model in `model_id_2` |
| 3 | `/benchmarks/list` | `/evaluations/create`, first model in `baseline_model_id` |

Generations 1 and 2 have the same requests; they differ only in status words.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import anyio

from evals_mcp.cleaning import clean
from evals_mcp.errors import BadAnswerError, UnsupportedError
from evals_mcp.providers.rest.client import RestClient
from evals_schemas.benchmark_api.benchmarks import (
    BenchmarkCreateBody,
    BenchmarkNamedBody,
    BenchmarkRequest,
)
from evals_schemas.benchmark_api.operations import BenchmarkOperations, benchmark_operations


class DetectedGeneration:
    """A service's generation once it is known, shared by all providers of the service."""

    def __init__(self, generation: int | None) -> None:
        """Take the generation from the configuration; None detects it with the first call."""
        self.operations = None if generation is None else benchmark_operations(generation)
        """The operations of the generation; None before it is detected."""
        self.lock = anyio.Lock()
        """Held while the generation is being detected."""


class Generations:
    """The operations of the service's generation, detected with the first call."""

    def __init__(self, rest: RestClient, detected: DetectedGeneration) -> None:
        self._rest = rest
        self._shared = detected

    async def operations(self) -> BenchmarkOperations:
        """Return the operations of the service's generation.

        Raises:
            UnsupportedError: the service has none of the known generations.
            EvalsMCPError: the service could not be reached; the next call tries again.
        """
        async with self._shared.lock:
            if self._shared.operations is None:
                self._shared.operations = await self._detect()
            return self._shared.operations

    async def _detect(self) -> BenchmarkOperations:
        for generation in (3, 1):
            operations = benchmark_operations(generation)
            try:
                await self._rest.call(operations.list_benchmarks)
            except (UnsupportedError, BadAnswerError):
                # Some services answer an unknown path with a web page and the status 200.
                continue
            return operations
        service = self._rest.service
        raise UnsupportedError(
            f"{service} lists benchmarks neither at /api/v3/benchmark/list nor at "
            "/api/v3/benchmarks/list, so its API is unknown to this server. Check the setting "
            f"{service.base_url_setting}, or set nugen.generation to 1, 2 or 3."
        )


def create_body(request: BenchmarkRequest, generation: int, sent_at: datetime) -> dict[str, Any]:
    """Return the body of the create for the generation.

    Raises:
        UnsupportedError: the generation has no field for a part of the request.
    """
    if generation < 3:
        fields = request.model_dump(exclude={"type"})
        return BenchmarkCreateBody(**fields).model_dump(exclude_none=True)
    if request.custom_metrics is not None:
        raise UnsupportedError(
            "`custom_metrics`: this service's API (generation 3) chooses the metrics itself; leave "
            "it out."
        )
    # The first model is the baseline of the second, as in the results of generation 1.
    body = BenchmarkNamedBody(
        model_id=request.model_id_2 or request.model_id,
        benchmark_id=request.benchmark_id,
        evaluation_name=_name(request, sent_at),
        baseline_model_id=request.model_id if request.model_id_2 else None,
    )
    return body.model_dump(exclude_none=True)


def _name(request: BenchmarkRequest, sent_at: datetime) -> str:
    """Return a name with the models and the time, which distinguishes repetitions."""
    models = " vs ".join(filter(None, (request.model_id, request.model_id_2)))
    return f"{clean(models, 80)} {sent_at:%Y-%m-%d %H:%M:%S.%f}"[:120]
