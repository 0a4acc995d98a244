"""`evals-mcp export`: the results of an evaluation as a file, without an assistant."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from evals_mcp.commands.session import as_local_user

if TYPE_CHECKING:
    from evals_mcp.settings.schema import Settings
    from evals_mcp.tools.calls.session import ToolSession
    from evals_schemas.tools.exports import ExportFormat, ExportResultsOutput

# ruff: noqa: PLC0415 - the command line imports what it needs once a command is chosen


async def export(
    settings: Settings, evaluation_id: str, form: ExportFormat, output: Path | None
) -> ExportResultsOutput:
    """Write the results of an evaluation as the user of this machine.

    Args:
        settings: The configuration.
        evaluation_id: The evaluation.
        form: The format.
        output: The file to write; a new one in `export.folder` if None.

    Raises:
        EvalsMCPError: the evaluation cannot be exported, or the file cannot be written.
    """
    from evals_mcp.tools.export_results import export_results, exported, to_new_file
    from evals_schemas.tools.exports import ExportResultsInput

    arguments = ExportResultsInput(evaluation_id=evaluation_id, format=form)

    async def write(session: ToolSession) -> ExportResultsOutput:
        if output is None:
            return await export_results(arguments, session)
        return await exported(arguments, session, partial(to_new_file, output))

    return await as_local_user(settings, write)
