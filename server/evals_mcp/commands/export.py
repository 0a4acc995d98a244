"""`evals-mcp export`: the results of an evaluation as a file, without an assistant."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from evals_mcp.commands.session import as_local_user
from evals_mcp.errors import InvalidRequestError, OperatorError
from evals_mcp.exchange.new_files import manifest_path, opened_new

if TYPE_CHECKING:
    from evals_mcp.exports.formats import Content, Format
    from evals_mcp.settings.schema import Settings
    from evals_mcp.tools.calls.session import ToolSession
    from evals_mcp.tools.export_results import StoredExport
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
    from evals_mcp.tools.export_results import export_results, exported
    from evals_schemas.tools.exports import ExportResultsInput

    arguments = ExportResultsInput(evaluation_id=evaluation_id, format=form)

    async def write(session: ToolSession) -> ExportResultsOutput:
        if output is None:
            return await export_results(arguments, session)
        return await exported(arguments, session, partial(_to_file, output))

    return await as_local_user(settings, write)


def _to_file(path: Path, content: Content, form: Format) -> StoredExport:
    from evals_mcp.exports.formats import write_manifest
    from evals_mcp.tools.export_results import stored_at

    try:
        with opened_new(path) as file:
            form.write(content, file)
            if not form.holds_manifest:
                with opened_new(manifest_path(path)) as manifest:
                    write_manifest(content, manifest)
    except FileExistsError as error:
        raise InvalidRequestError(
            f"{error.filename} exists, and no file is overwritten: choose another --output."
        ) from None
    except OSError as error:
        raise OperatorError(
            f"--output: {path} cannot be written ({error.strerror or error}): free space, or "
            "choose a file in another folder that exists."
        ) from None
    return stored_at(path.absolute(), form)
