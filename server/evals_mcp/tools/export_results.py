"""`export_results`: writes the rows of an ended evaluation to a file that its user keeps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from anyio import from_thread, to_thread

from evals_mcp.cleaning import inert
from evals_mcp.errors import InvalidRequestError, OperatorError
from evals_mcp.exchange.downloads import LINK_SECONDS, Downloads
from evals_mcp.exchange.export_folder import ExportFolder
from evals_mcp.exchange.new_files import manifest_path, opened_new
from evals_mcp.exports.formats import FORMATS, Content, Format, write_manifest
from evals_mcp.exports.manifest import ManifestFacts, manifest_of
from evals_mcp.exports.rows import ExportRows
from evals_mcp.marks.exported_marks import ExportedMarks, exported_marks
from evals_mcp.results.number_text import counted
from evals_mcp.spending.settling import cost_of_job
from evals_mcp.spending.shown import shown_cost
from evals_mcp.tools.calls.naming import item_of
from evals_mcp.tools.calls.session import ToolSession, WrittenReport, result_file_of
from evals_mcp.tools.evaluation_summary import headline_of
from evals_mcp.tools.labelling.waiting import Hidden, hidden_rows
from evals_schemas.digests import value_digest
from evals_schemas.evaluation_api.evaluations import EvaluationJob
from evals_schemas.tools.exports import ExportResultsInput, ExportResultsOutput

if TYPE_CHECKING:
    from evals_mcp.labels.exported_labels import ExportedLabels
    from evals_mcp.result_files.index import ResultIndex

_STATUS_SHOWN = 40


@dataclass(frozen=True)
class StoredExport:
    """Where an export is."""

    bytes: int
    next_step: str
    path: Path | None = None
    """The file on this machine; None if it is fetched by a link."""
    link: str | None = None
    """The URL of the file; None if it has a path."""


Store = Callable[[Content, Format], StoredExport]
"""Writes an export; blocks. Raises EvalsMCPError if it cannot be written."""


async def export_results(
    arguments: ExportResultsInput, session: ToolSession
) -> ExportResultsOutput:
    """Write an export to the folder of this machine, or to a link for a user of another one."""
    if (uploads := session.uploads) is not None:
        downloads = Downloads(
            uploads.links, uploads.folder, uploads.principal_id, uploads.is_shared
        )
        downloads.check("page through the rows with read_results and `show` all.")
        return await exported(arguments, session, partial(_by_link, downloads))
    folder = ExportFolder(session.settings.export.folder)
    return await exported(arguments, session, partial(_to_folder, folder))


async def exported(
    arguments: ExportResultsInput, session: ToolSession, store: Store, *, whole: bool = False
) -> ExportResultsOutput:
    """Write the rows of an ended evaluation with `store`; `whole`: verdicts that are hidden, too.

    Raises:
        InvalidRequestError: the evaluation runs, or has no result file.
        EvalsMCPError: it does not exist, its rows cannot be read, or nothing can be written.
    """
    evaluation_id = await session.evaluation_id(arguments.evaluation_id)
    job = await session.evaluation(evaluation_id)
    result_file_of(job)
    report = await _report(arguments, job, session)
    async with session.result_rows(job) as index:
        marks, labels = await _marks(job, session), await _labels(job, session, index)
        name = await session.name_of(evaluation_id)
        known = (marks is not None, labels is not None)
        facts = await _facts(job, name, known, session)
        has_marks = marks is not None and await to_thread.run_sync(marks.has_rows, index)
        marks_of = marks.cells if marks and has_marks else None
        hidden = Hidden() if whole else await hidden_rows(session, job, index)
        rows = ExportRows(
            index,
            job.type,
            from_thread.check_cancelled,
            marks_of,
            labels.rows if labels else {},
            hidden.rows,
        )
        content = Content(
            job.workflow_id,
            facts.name,
            facts.headline,
            rows,
            lambda: manifest_of(facts, rows, arguments.format),
            report.document if report else b"",
            f"{marks and marks.digest} {labels and labels.digest} {sorted(hidden.rows)}",
        )
        stored = await to_thread.run_sync(store, content, FORMATS[arguments.format])
        return ExportResultsOutput(
            evaluation_id=evaluation_id,
            name=facts.name,
            rows=report.rows if report else index.total(),
            bytes=stored.bytes,
            path=str(stored.path) if stored.path else None,
            link=stored.link,
            headline=facts.headline,
            notes=[*_notes(job, index), *(report.left_out if report else hidden.blanked)],
            next_step=stored.next_step,
        )


async def _facts(
    job: EvaluationJob, name: str | None, known: tuple[bool, bool], session: ToolSession
) -> ManifestFacts:
    """Return what the manifest is made from; `known`: whether marks and labels could be read."""
    return ManifestFacts(
        job,
        session.provider.service_of(job.workflow_id),
        name,
        await headline_of(job, session),
        shown_cost(await cost_of_job(job, session.provider, session.launches.spending)),
        session.clock.now(),
        *known,
    )


async def _report(
    arguments: ExportResultsInput, job: EvaluationJob, session: ToolSession
) -> WrittenReport | None:
    """Return the report for the format html; None for a format that is written row by row."""
    if arguments.format != "html":
        return None
    return await session.make_report(session, job.workflow_id)


async def _marks(job: EvaluationJob, session: ToolSession) -> ExportedMarks | None:
    """Return the principal's own marks; None if the state cannot be read."""
    try:
        return await exported_marks(session.marks, job)
    except OperatorError:
        return None


async def _labels(
    job: EvaluationJob, session: ToolSession, index: ResultIndex
) -> ExportedLabels | None:
    """Return the labels of people that the principal keeps; None if the state cannot be read."""
    # Imported here because loading SQLite would slow down every start.
    from evals_mcp.labels.exported_labels import exported_labels  # noqa: PLC0415

    evaluation = item_of(session.provider, job.workflow_id).record
    try:
        return await exported_labels(session.labels, evaluation, job, index)
    except OperatorError:
        return None


def _to_folder(folder: ExportFolder, content: Content, form: Format) -> StoredExport:
    manifest = None if form.holds_manifest else partial(write_manifest, content)
    path = folder.write(content.title + form.ending, partial(form.write, content), manifest)
    return stored_at(path, form)


def _by_link(downloads: Downloads, content: Content, form: Format) -> StoredExport:
    manifest = None if form.holds_manifest else partial(write_manifest, content)
    # The rows of an ended evaluation do not change, so with the same marks the file is the same.
    made_of = [content.title, content.name, content.marks, form.ending, version("evals-mcp")]
    digest = value_digest("export", made_of).rpartition("-")[2]
    name = f"results-{digest[:12]}-{content.title[:30]}{form.ending}"
    link, size = downloads.offer(name, partial(form.write, content), manifest)
    what = "It" if form.holds_manifest else "The link with ?manifest at its end"
    return StoredExport(
        size,
        f"Give the user the link, which is valid for {LINK_SECONDS / 60:.0f} minutes. {what} says "
        "what made the results.",
        link=link,
    )


def to_new_file(path: Path, content: Content, form: Format) -> StoredExport:
    """Write an export to a file of a path that a user has named, and its manifest beside it.

    Raises:
        InvalidRequestError: something is at the path.
        OperatorError: the folder does not take the file.
    """
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


def stored_at(path: Path, form: Format) -> StoredExport:
    """Return an export that was written to a path of this machine."""
    manifest = "The file" if form.holds_manifest else manifest_path(path).name
    return StoredExport(
        path.stat().st_size,
        f"The file at this path is for the user. {manifest} says which data, rubric, judge and "
        "settings made the results.",
        path=path,
    )


def _notes(job: EvaluationJob, index: ResultIndex) -> list[str]:
    notes: list[str] = []
    if lines := index.damage.lines:
        notes.append(f"{counted(lines, 'line')} of the result file cannot be read: not exported.")
    notes += index.notes
    if job.status != "completed":
        status = inert(job.status, _STATUS_SHOWN)
        notes.append(f"Partial: the evaluation ended as {status} before every row was judged.")
    return notes
