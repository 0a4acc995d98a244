"""`list_datasets`: the data sets and benchmarks that can be evaluated."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from evals_mcp.cleaning import clean
from evals_mcp.token_estimate import fitting
from evals_mcp.tools.calls.session import ToolSession
from evals_schemas.evaluation_api.files import BENCHMARK_PURPOSE, File
from evals_schemas.tools.inputs import ListDatasetsInput
from evals_schemas.tools.outputs import DatasetLine, ListDatasetsOutput

_SHOWN = 20

NAMES_TOKENS = 500
"""Estimated tokens of all names; further data sets are only counted."""

_YEAR_2100 = 4_102_444_800
"""Unix time; larger values are assumed not to be seconds."""


async def list_datasets(arguments: ListDatasetsInput, session: ToolSession) -> ListDatasetsOutput:  # noqa: ARG001 - every handler takes its input
    """Return the newest data sets and benchmarks, and how many exist."""
    files, failures = await session.provider.datasets_with_failures()
    lines = [_line(file) for file in files[:_SHOWN]]
    return ListDatasetsOutput(
        datasets=lines[: fitting([line.name for line in lines], NAMES_TOKENS)],
        total=len(files),
        note=" ".join(failure.message for failure in failures) or None,
        next_step=_next_step_reading(files)
        if session.settings.server.read_only
        else _next_step(files),
    )


def _next_step_reading(files: Sequence[File]) -> str:
    """Return the next step on a server that cannot start evaluations."""
    stored = "" if files else "There are no data sets. "
    return f"{stored}This server only reads; call list_evaluations for the evaluations."


def _next_step(files: Sequence[File]) -> str:
    if not files:
        return "There are no data sets: call upload_dataset."
    kinds = {file.purpose == BENCHMARK_PURPOSE for file in files}
    steps = [
        "as input_data_file_path" if kinds == {False} else "of a data set as input_data_file_path",
        "of a benchmark as benchmark_id, with type benchmark",
    ]
    fitting = [step for kind, step in zip((False, True), steps, strict=True) if kind in kinds]
    return f"Give a file_id to create_evaluation: {'; '.join(fitting)}."


def _line(file: File) -> DatasetLine:
    return DatasetLine(
        file_id=file.id,
        kind="benchmark" if file.purpose == BENCHMARK_PURPOSE else "dataset",
        name=clean(file.filename, 80),
        rows=file.LineCount or None,
        bytes=file.bytes,
        created_at=datetime.fromtimestamp(file.created_at, UTC)
        if 0 < file.created_at < _YEAR_2100
        else None,
    )
