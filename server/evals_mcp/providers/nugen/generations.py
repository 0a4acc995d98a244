"""Which generation of its API the benchmark service speaks: found out once, with reads alone.

| | list of benchmarks | create |
|---|---|---|
| 1, 2 | `/benchmark/list` | `/evaluations`, second model in `model_id_2` |
| 3 | `/benchmarks/list` | `/evaluations/create`, first model in `baseline_model_id` |

Generations 1 and 2 are asked for the same; they differ in status words, which are read alike.
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
    """What is known of a service's generation; shared by all who speak to the service."""

    def __init__(self, generation: int | None) -> None:
        """Take the generation from the configuration; None leaves it to be found out."""
        self.operations = None if generation is None else benchmark_operations(generation)
        """The operations of the generation; None while it is not known."""
        self.finding = anyio.Lock()


class Generations:
    """The operations of the generation that the service speaks, remembered once known."""

    def __init__(self, rest: RestClient, found: DetectedGeneration) -> None:
        self._rest = rest
        self._shared = found

    async def operations(self) -> BenchmarkOperations:
        """What the service can be asked for.

        Raises:
            UnsupportedError: it is none of the generations.
            EvalsMCPError: it could not be asked; the next call asks again.
        """
        async with self._shared.finding:
            if self._shared.operations is None:
                self._shared.operations = await self._found()
            return self._shared.operations

    async def _found(self) -> BenchmarkOperations:
        for generation in (3, 1):
            operations = benchmark_operations(generation)
            try:
                await self._rest.call(operations.list_benchmarks)
            except (UnsupportedError, BadAnswerError):
                # Some answer an unknown path with a page and the status 200.
                continue
            return operations
        service = self._rest.service
        raise UnsupportedError(
            f"{service} lists benchmarks neither at /api/v3/benchmark/list nor at "
            "/api/v3/benchmarks/list, so its API is none that is known here. Check the setting "
            f"{service.base_url_setting}, or set nugen.generation to 1, 2 or 3."
        )


def create_body(request: BenchmarkRequest, generation: int, sent_at: datetime) -> dict[str, Any]:
    """The request as the generation takes it.

    Raises:
        UnsupportedError: it holds what the generation has no field for.
    """
    if generation < 3:
        fields = request.model_dump(exclude={"type"})
        return BenchmarkCreateBody(**fields).model_dump(exclude_none=True)
    if request.custom_metrics is not None:
        raise UnsupportedError(
            "`custom_metrics`: this service's API (generation 3) chooses the metrics itself; leave "
            "it out."
        )
    # The first model is what the second is measured against, as in the results of generation 1.
    body = BenchmarkNamedBody(
        model_id=request.model_id_2 or request.model_id,
        benchmark_id=request.benchmark_id,
        evaluation_name=_name(request, sent_at),
        baseline_model_id=request.model_id if request.model_id_2 else None,
    )
    return body.model_dump(exclude_none=True)


def _name(request: BenchmarkRequest, sent_at: datetime) -> str:
    """Says what is run and when, so that an evaluation is told from its repetition."""
    models = " vs ".join(filter(None, (request.model_id, request.model_id_2)))
    return f"{clean(models, 80)} {sent_at:%Y-%m-%d %H:%M:%S.%f}"[:120]
