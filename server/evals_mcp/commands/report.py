"""`evals-mcp report`: one evaluation, or two side by side, as a page to look at and to keep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from evals_mcp.commands.session import as_local_user
from evals_mcp.errors import InvalidRequestError, OperatorError, SettingsError
from evals_mcp.exchange.export_folder import ExportFolder
from evals_mcp.exchange.new_files import opened_new

if TYPE_CHECKING:
    from typing import BinaryIO

    from evals_mcp.settings.schema import Settings
    from evals_mcp.tools.calls.session import ToolSession, WrittenReport
    from evals_mcp.views.report import Extent

# ruff: noqa: PLC0415 - the command line imports what it needs once a command is chosen

MOST_ROWS = 100_000
"""The largest `--rows`."""


@dataclass(frozen=True)
class ReportOptions:
    """The options of the command."""

    rows: int
    by: str | None
    cluster_column: str | None
    output: Path | None
    """The file to write; a new one in `export.folder` if None."""


async def report(settings: Settings, ids: Sequence[str], options: ReportOptions) -> str:
    """Write the report as the user of this machine; return what to say about it.

    Raises:
        SettingsError: an option has a value that is not allowed.
        EvalsMCPError: there are no results to report, or the file cannot be written.
    """
    if not 0 <= options.rows <= MOST_ROWS:
        raise SettingsError(f"--rows must be from 0 to {MOST_ROWS:,}; 0 leaves the rows out")
    if "" in {options.by, options.cluster_column}:
        raise SettingsError("--by and --cluster-column need the name of a column")
    if len(ids) > 2:
        raise SettingsError("a report is of one evaluation, or compares two: give one or two ids")
    return await as_local_user(settings, partial(_write, ids, options))


async def _write(ids: Sequence[str], options: ReportOptions, session: ToolSession) -> str:
    from anyio import to_thread

    from evals_mcp.views.report import file_stem

    made = await _made(ids, _extent(options), session)
    name, folder = f"{file_stem(ids)}.html", session.settings.export.folder
    path = await to_thread.run_sync(_store, made, name, options.output or folder, options.output)
    size = f"{made.rows:,} rows, {len(made.document):,} bytes"
    lines = [f"{path}: {size}", made.headline or "It has no figures.", *made.left_out]
    return "\n".join([*lines, "Open the file in a browser; it needs no network."])


def _extent(options: ReportOptions) -> Extent:
    from evals_mcp.views.report import Extent

    return Extent(options.rows, options.by, options.cluster_column)


async def _made(ids: Sequence[str], extent: Extent, session: ToolSession) -> WrittenReport:
    from evals_mcp.views.report import comparison_report, evaluation_report

    if len(ids) == 1:
        return await evaluation_report(session, ids[0], extent)
    return await comparison_report(session, ids[0], ids[1], extent)


def _store(made: WrittenReport, name: str, place: Path, output: Path | None) -> Path:
    """Write the report to a file of this path, or to a new one in this folder."""

    def write(file: BinaryIO) -> None:
        file.write(made.document)

    if output is None:
        return ExportFolder(place).write(name, write)
    try:
        with opened_new(output) as file:
            write(file)
    except FileExistsError:
        raise InvalidRequestError(
            f"{output} exists, and no file is overwritten: choose another --output."
        ) from None
    except OSError as error:
        raise OperatorError(
            f"--output: {output} cannot be written ({error.strerror or error}): free space, or "
            "choose a file in another folder that exists."
        ) from None
    return output.absolute()
