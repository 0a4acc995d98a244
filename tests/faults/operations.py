"""The operations of both contracts as data: the call, and the request that gets the fault."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from evals_mcp.providers.protocol import Provider
from evals_schemas.benchmark_api.benchmarks import BenchmarkRequest
from evals_schemas.evaluation_api.evaluations import parse_evaluation_request
from tests.engine.running import RULE_JUDGE

Contract = Literal["vendor", "local", "benchmark"]
"""Together's service, without idempotency keys; the engine behind the same contract, with keys; and
the engine behind the benchmark contract."""

Kind = Literal["read", "create", "upload", "cancel", "stream", "rows"]
"""`stream` passes bytes on unchanged; `rows` parses JSON while it reads."""

MODEL = "scripted"


@dataclass(frozen=True)
class Material:
    """What exists before the fault; `own_benchmark` and `mark` belong to one case only."""

    data_set: str
    evaluation: str
    """A completed evaluation."""
    running: str
    """An evaluation with one judged row and one that waits for its judge."""
    benchmark: str
    benchmark_evaluation: str
    rows_file: Path
    questions_file: Path
    own_benchmark: str
    """A benchmark that is used by this case only."""
    mark: str
    """A label and file name that is used by this case only."""


@dataclass(frozen=True)
class Operation:
    """One call of a provider."""

    name: str
    contract: Contract
    kind: Kind
    call: Callable[[Provider, Material], Awaitable[object]]
    aim: str
    """A regular expression for the first line of the requests that get the fault."""
    by_id: bool = False
    """Whether the path contains an id, so that 404 means that the id does not exist."""
    forgives: frozenset[int] = frozenset()
    """Statuses that count as an answer, such as 404 for a list that a service may not have."""
    lenient: bool = False
    """Whether an empty JSON object counts as an answer."""

    @property
    def title(self) -> str:
        """Return the unique title."""
        return f"{self.contract}.{self.name}"


def judged_request(material: Material) -> dict[str, object]:
    """Return a classify request that is recognised by a label of its own."""
    parameters = {
        "judge": RULE_JUDGE,
        "input_data_file_path": material.data_set,
        "labels": ["yes", material.mark],
        "pass_labels": ["yes"],
        "model_to_evaluate": "answer",
    }
    return {"type": "classify", "parameters": parameters}


async def _create(provider: Provider, material: Material) -> object:
    request = parse_evaluation_request(judged_request(material))
    return await provider.create_evaluation(request, f"key-{material.mark}")


async def _create_benchmark(provider: Provider, material: Material) -> object:
    request = BenchmarkRequest(model_id=MODEL, benchmark_id=material.own_benchmark)
    return await provider.create_evaluation(request, f"key-{material.mark}")


async def _read(stream: AbstractAsyncContextManager[AsyncIterator[bytes]] | None) -> bytes:
    assert stream is not None
    async with stream as blocks:
        return b"".join([block async for block in blocks])


_V1, _V3 = "/v1", "/api/v3"

OPERATIONS = (
    Operation("create_evaluation", "vendor", "create", _create, f"(POST|GET) {_V1}/evaluation[ ?]"),
    Operation("create_evaluation", "local", "create", _create, f"POST {_V1}/evaluation "),
    Operation(
        "create_evaluation",
        "benchmark",
        "create",
        _create_benchmark,
        # Only the first page of the list; the number of pages varies.
        f"POST {_V3}/evaluations |GET {_V3}/evaluations.*offset=0",
    ),
    Operation(
        "upload_dataset",
        "local",
        "upload",
        lambda provider, own: provider.upload_dataset(own.rows_file, f"{own.mark}.jsonl"),
        f"POST {_V1}/files/upload",
    ),
    Operation(
        "upload_benchmark",
        "benchmark",
        "upload",
        lambda provider, own: provider.upload_benchmark(own.questions_file, f"{own.mark}.jsonl"),
        f"POST {_V3}/benchmark/upload",
    ),
    Operation(
        "cancel_evaluation",
        "local",
        "cancel",
        lambda provider, own: provider.cancel_evaluation(own.evaluation),
        f"POST {_V1}/evaluation/.*/cancel",
        by_id=True,
    ),
    Operation(
        "cancel_evaluation",
        "benchmark",
        "cancel",
        lambda provider, own: provider.cancel_evaluation(own.benchmark_evaluation),
        f"POST {_V3}/evaluations/.*/cancel",
        by_id=True,
    ),
    Operation(
        "list_evaluations",
        "local",
        "read",
        lambda provider, _: provider.list_evaluations(),
        f"GET {_V1}/evaluation[ ?]",
    ),
    Operation(
        "get_evaluation",
        "local",
        "read",
        lambda provider, own: provider.get_evaluation(own.evaluation),
        f"GET {_V1}/evaluation/",
        by_id=True,
    ),
    Operation(
        "get_status",
        "local",
        "read",
        lambda provider, own: provider.get_status(own.evaluation),
        f"GET {_V1}/evaluation/.*/status",
        by_id=True,
    ),
    Operation(
        "list_datasets",
        "local",
        "read",
        lambda provider, _: provider.list_datasets(),
        f"GET {_V1}/files ",
    ),
    Operation(
        "list_models",
        "local",
        "read",
        lambda provider, _: provider.list_models(),
        f"GET {_V1}/models ",
    ),
    Operation(
        "list_judges",
        "local",
        "read",
        lambda provider, _: provider.list_judges(),
        f"GET {_V1}/evaluation/model-list",
        forgives=frozenset({404}),
        lenient=True,
    ),
    Operation(
        "dataset_content",
        "local",
        "stream",
        lambda provider, own: _read(provider.dataset_content(own.data_set)),
        f"GET {_V1}/files/.*/content",
        by_id=True,
    ),
    Operation(
        "rows_so_far",
        "local",
        "stream",
        lambda provider, own: _read(provider.rows_so_far(own.running)),
        f"GET {_V1}/evaluation/.*/rows",
        by_id=True,
    ),
    Operation(
        "list_evaluations",
        "benchmark",
        "read",
        lambda provider, _: provider.list_evaluations(),
        f"GET {_V3}/evaluations[ ?]",
    ),
    Operation(
        "get_evaluation",
        "benchmark",
        "read",
        lambda provider, own: provider.get_evaluation(own.benchmark_evaluation),
        f"GET {_V3}/evaluations/.*/status",
        by_id=True,
    ),
    Operation(
        "get_evaluation, results",
        "benchmark",
        "read",
        lambda provider, own: provider.get_evaluation(own.benchmark_evaluation),
        f"GET {_V3}/evaluations/.*/results",
        by_id=True,
        forgives=frozenset({404, 409, 413}),
        lenient=True,
    ),
    Operation(
        "get_status",
        "benchmark",
        "read",
        lambda provider, own: provider.get_status(own.benchmark_evaluation),
        f"GET {_V3}/evaluations/.*/status",
        by_id=True,
    ),
    Operation(
        "list_datasets",
        "benchmark",
        "read",
        lambda provider, _: provider.list_datasets(),
        f"GET {_V3}/benchmark/list",
    ),
    Operation(
        "list_models",
        "benchmark",
        "read",
        lambda provider, _: provider.list_models(),
        f"GET {_V3}/models/base",
        forgives=frozenset({404}),
    ),
    Operation(
        "dataset_content, questions",
        "benchmark",
        "rows",
        lambda provider, own: _read(provider.dataset_content(own.benchmark)),
        f"GET {_V3}/benchmark/.*/data",
        by_id=True,
    ),
    Operation(
        "dataset_content, rows",
        "benchmark",
        "rows",
        lambda provider, own: _read(provider.dataset_content(f"rows-{own.benchmark_evaluation}")),
        f"GET {_V3}/evaluations/.*/download",
        by_id=True,
    ),
)
