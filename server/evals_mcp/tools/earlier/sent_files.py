"""Which file a create sends: the data set, one derived from it, or that of a stopped evaluation."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from evals_mcp.derivations.derivation import Derivation
from evals_mcp.derivations.earlier_rows import EarlierRows
from evals_mcp.derivations.requested import FILE_FIELD
from evals_mcp.launching.launch import Derive, RequestedEvaluation
from evals_mcp.providers.protocol import AnyRequest, JudgedRequest
from evals_schemas.benchmark_api.benchmarks import BenchmarkRequest
from evals_schemas.sequential.stop_when import CONTINUES

if TYPE_CHECKING:
    from evals_mcp.derivations.derived_data import DerivedData


def continuing(request: AnyRequest, rows: EarlierRows | None) -> AnyRequest:
    """Return a request that goes on with the order of the rows, if they have one."""
    if rows is None or rows.continued_file is None or isinstance(request, BenchmarkRequest):
        return request
    return request.model_copy(update={CONTINUES: rows.evaluation_id})


def derive_of(
    requested: RequestedEvaluation, derivation: Derivation | None, derived: DerivedData
) -> Derive | None:
    """Return how the file to send is made or found; None if the data set itself is sent."""
    request, rows = requested.request, requested.selection
    if isinstance(request, BenchmarkRequest):
        return None
    if isinstance(rows, EarlierRows) and rows.continued_file is not None:
        return partial(_on_file, request, rows.continued_file)
    return None if derivation is None else partial(derived.derived, request, derivation)


async def _on_file(request: JudgedRequest, file_id: str) -> AnyRequest:
    parameters = request.parameters.model_copy(update={FILE_FIELD: file_id})
    return request.model_copy(update={"parameters": parameters})
