"""`list_datasets`: what can be evaluated."""

from __future__ import annotations

from datetime import UTC, datetime

from evals_mcp.cleaning import clean
from evals_mcp.tools.session import ToolSession
from evals_schemas.files import File
from evals_schemas.tools import DatasetLine, ListDatasetsInput, ListDatasetsOutput

_SHOWN = 20
_YEAR_2100 = 4_102_444_800
"""Unix seconds from here on are no seconds."""


async def list_datasets(arguments: ListDatasetsInput, session: ToolSession) -> ListDatasetsOutput:  # noqa: ARG001 - every handler takes its input
    """The newest data sets, and how many there are."""
    files = await session.provider.list_datasets()
    return ListDatasetsOutput(
        datasets=[_line(file) for file in files[:_SHOWN]],
        total=len(files),
        next_step="Give a file_id to create_evaluation as input_data_file_path."
        if files
        else "There is none: call upload_dataset.",
    )


def _line(file: File) -> DatasetLine:
    return DatasetLine(
        file_id=file.id,
        name=clean(file.filename, 80),
        rows=file.LineCount or None,
        bytes=file.bytes,
        created_at=datetime.fromtimestamp(file.created_at, UTC)
        if 0 < file.created_at < _YEAR_2100
        else None,
    )
