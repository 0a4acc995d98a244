"""`list_datasets`: the data sets and benchmarks that can be evaluated."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from evals_mcp.cleaning import clean, quoted
from evals_mcp.token_estimate import fitting
from evals_mcp.tools.calls.naming import with_given_names
from evals_mcp.tools.calls.session import ToolSession
from evals_schemas.evaluation_api.files import BENCHMARK_PURPOSE, File
from evals_schemas.tools.inputs import ListDatasetsInput
from evals_schemas.tools.outputs import DatasetLine, ListDatasetsOutput

_SHOWN = 20

NAMES_TOKENS = 500
"""Estimated tokens of all names; further data sets are only counted."""

_YEAR_2100 = 4_102_444_800
"""Unix time; larger values are assumed not to be seconds."""


async def list_datasets(arguments: ListDatasetsInput, session: ToolSession) -> ListDatasetsOutput:
    """Return the newest data sets and benchmarks that match, and how many match."""
    everything, failures = await session.provider.datasets_with_failures()
    names = await with_given_names(session.names, session.provider, everything)
    files, part = everything, (arguments.name or "").strip().casefold()
    if part:
        files = [file for file in files if part in (names.of_data_set(file.id) or "").casefold()]
    lines = [_line(file, names.of_data_set(file.id)) for file in files[:_SHOWN]]
    notes = [failure.message for failure in failures] + [names.problem or ""]
    if everything and not files:
        step = f"No name contains {quoted(part, 60)}: call list_datasets without `name` for all."
    elif session.settings.server.read_only:
        step = _next_step_reading(files)
    else:
        step = _next_step(files)
    return ListDatasetsOutput(
        datasets=lines[: fitting([line.name for line in lines], NAMES_TOKENS)],
        total=len(files),
        note=" ".join(filter(None, notes)) or None,
        next_step=step,
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


def _line(file: File, name: str | None) -> DatasetLine:
    return DatasetLine(
        file_id=file.id,
        kind="benchmark" if file.purpose == BENCHMARK_PURPOSE else "dataset",
        name=clean(name or "", 80),
        rows=file.LineCount or None,
        bytes=file.bytes,
        created_at=datetime.fromtimestamp(file.created_at, UTC)
        if 0 < file.created_at < _YEAR_2100
        else None,
    )
