"""Reports: the page with its data in one file that opens from a disk and prints."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from anyio import to_thread
from pydantic import BaseModel

from evals_mcp.errors import InvalidRequestError
from evals_mcp.results.number_text import counted
from evals_mcp.results.types.columns import columns_of
from evals_mcp.tools.calls.session import ToolSession, WrittenReport
from evals_mcp.tools.compare_evaluations import open_both
from evals_mcp.tools.labelling.waiting import Hidden, hidden_rows
from evals_mcp.tools.read_results import file_notes, shown_where
from evals_mcp.views.comparison import changed_pairs, comparison_page, with_marks_of_both
from evals_mcp.views.document import report_document
from evals_mcp.views.evaluation import evaluation_page, opened_rows
from evals_mcp.views.marks import with_marks
from evals_mcp.views.people_labels import with_people_labels
from evals_mcp.views.rows import MOST_CHARACTERS, page_columns, page_row
from evals_schemas.evaluation_api.evaluations import ENDED, EvaluationJob
from evals_schemas.tools.comparisons import CompareEvaluationsInput
from evals_schemas.tools.page import EvaluationPage, FlipQuery, FlipsPage, PageRow, Report, RowsPage

if TYPE_CHECKING:
    from evals_mcp.result_files.index import ResultIndex

DEFAULT_ROWS = 500
"""Rows, or changed pairs, of a report unless another number is asked for."""

MOST_BYTES = 16 * 1024 * 1024
"""Bytes of the rows of a report; further ones are left out."""

_FIRST = ("failing", "disagreements", "one_order", "invalid", "failed")
"""The rows that a report holds before others."""


@dataclass(frozen=True)
class Extent:
    """How much a report holds."""

    rows: int = DEFAULT_ROWS
    """Rows, or changed pairs, at most; 0 for none."""
    by: str | None = None
    """Column for whose values it has the figures."""
    cluster_column: str | None = None
    """Column whose equal values mark rows that belong together; widens the intervals."""
    max_bytes: int = MOST_BYTES
    """Bytes of all rows at most."""


async def evaluation_report(
    session: ToolSession, evaluation_id: str, extent: Extent | None = None
) -> WrittenReport:
    """Return the report of an ended evaluation.

    Raises:
        InvalidRequestError: the evaluation runs, or the column cannot be used.
        EvalsMCPError: it does not exist, or cannot be read.
    """
    extent = extent or Extent()
    job = await session.evaluation(await session.evaluation_id(evaluation_id))
    if job.status not in ENDED:
        raise InvalidRequestError(
            f"{job.workflow_id} still runs, and a report is made of results: call get_status with "
            "wait_seconds 45 until it has ended. `evals-mcp view` shows it while it runs."
        )
    page = await evaluation_page(session, evaluation_id, extent.by, extent.cluster_column)
    rows, left_out = None, list[str]()
    async with AsyncExitStack() as stack:
        index = await opened_rows(job, session, stack)
        if index is None:
            left_out.append("The rows are not in it, because they cannot be read.")
        elif not extent.rows:
            left_out.append("The rows are not in it, because it was asked for without them.")
        else:
            hidden = await hidden_rows(session, job, index)
            rows, left_out = await to_thread.run_sync(_rows, job, index, extent, hidden)
            await with_marks(session, job, index, rows.rows)
            await with_people_labels(session, job, index, rows.rows)
    _only_look(page)
    headline = page.answer.summary.headline if page.answer.summary else None
    report = _report(session, left_out)
    report.evaluation, report.rows = page, rows
    return _written(report, job.workflow_id, headline, len(rows.rows) if rows else 0)


def _only_look(page: EvaluationPage) -> None:
    """Take away what a file cannot do: mark rows, and draw some."""
    page.filters = [each for each in page.filters if each.query.sample_rows is None]
    if page.marks is not None:
        page.marks.may_mark = False


async def comparison_report(
    session: ToolSession, id_a: str, id_b: str, extent: Extent | None = None
) -> WrittenReport:
    """Return the report of two ended evaluations over the same rows.

    Raises:
        InvalidRequestError: they cannot be compared, or the column cannot be used.
        EvalsMCPError: one does not exist, or its rows cannot be read.
    """
    extent = extent or Extent()
    arguments = CompareEvaluationsInput(evaluation_id_a=id_a, evaluation_id_b=id_b)
    columns = {"by": extent.by, "cluster_column": extent.cluster_column}
    page = await comparison_page(session, arguments.model_copy(update=columns))
    flips, left_out = None, ["The changed rows are not in it: it was asked for without them."]
    if extent.rows:
        async with open_both(arguments, session) as both:
            flips = await to_thread.run_sync(changed_pairs, both, FlipQuery(), None, extent.rows)
            await with_marks_of_both(session, both, flips)
        left_out = _limited_pairs(flips, extent)
    answer = page.answer
    report = _report(session, left_out)
    report.comparison, report.flips = page, flips
    name = f"{answer.evaluation_id_a} and {answer.evaluation_id_b}"
    return _written(report, name, answer.headline, len(flips.pairs) if flips else 0)


def _report(session: ToolSession, left_out: list[str]) -> Report:
    made_at = session.clock.now().isoformat(" ", "minutes")
    return Report(made_at=made_at, version=version("evals-mcp"), left_out=left_out)


def _written(report: Report, name: str, headline: str | None, rows: int) -> WrittenReport:
    summary = f"{name}: {headline or 'no figures'} This page needs JavaScript."
    document = report_document(data_of(report), f"Evaluation {name}", summary)
    return WrittenReport(document, rows, report.left_out, headline)


def data_of(shown: BaseModel) -> dict[str, Any]:
    """Return what the page gets of a model: JSON without nulls."""
    return shown.model_dump(mode="json", exclude_none=True)


def _rows(
    job: EvaluationJob, index: ResultIndex, extent: Extent, hidden: Hidden
) -> tuple[RowsPage, list[str]]:
    """Return the rows of a report, and what it leaves out. Blocks."""
    total, roles = index.total(), columns_of(job, index.columns)
    bytes_left, rows = extent.max_bytes, list[PageRow]()
    for number in _chosen(index, extent.rows, hidden.rows):
        row = page_row(job, index, index.by_number([number])[0], list(roles))
        bytes_left -= len(row.model_dump_json(exclude_none=True))
        if bytes_left < 0 and rows:
            break
        rows.append(row)
    rows.sort(key=lambda row: row.row)
    page = RowsPage(
        total=total,
        matching=total,
        columns=page_columns(roles),
        rows=rows,
        notes=[*file_notes(job, index), *hidden.notes],
    )
    return page, list(_left_out(page, index, bytes_left < 0))


def _chosen(index: ResultIndex, most: int, hidden: frozenset[int]) -> Iterator[int]:
    """Yield the numbers of the rows that a report holds: those to look at first, then the rest."""
    chosen = dict[int, None]()
    for show in (*_FIRST, "all"):
        for number in index.numbers(shown_where(show), "file"):
            if len(chosen) == most:
                return
            if number not in chosen and number not in hidden:
                chosen[number] = None
                yield number


def _left_out(page: RowsPage, index: ResultIndex, is_full: bool) -> Iterator[str]:
    held = len(page.rows)
    if held < page.total:
        where = (shown_where(show) for show in _FIRST)
        first = len({number for each in where for number in index.numbers(each, "file")})
        order = (
            f"the {first:,} that fail, have no verdict or depend on the order come first"
            if first
            else "those at the start of the file"
        )
        size = f" More would make the file larger than {MOST_BYTES >> 20} MiB." if is_full else ""
        yield f"It holds {held:,} of the {page.total:,} rows: {order}.{size}"
    if cut := sum(row.cut for row in page.rows):
        yield f"{_have(cut)} texts of which it shows the first {MOST_CHARACTERS:,} characters."
    yield from page.notes


def _limited_pairs(flips: FlipsPage, extent: Extent) -> list[str]:
    """Leave out pairs for which there is no space; return sentences on what is left out."""
    bytes_left, held = extent.max_bytes, 0
    for pair in flips.pairs:
        bytes_left -= len(pair.model_dump_json(exclude_none=True))
        if bytes_left < 0 and held:
            break
        held += 1
    size = (
        f" More would make the file larger than {MOST_BYTES >> 20} MiB." if bytes_left < 0 else ""
    )
    flips.pairs, flips.next_cursor = flips.pairs[:held], None
    notes: list[str] = []
    if held < flips.total:
        notes.append(
            f"It holds the {held:,} largest changes of {flips.total:,} changed rows.{size}"
        )
    if cut := sum(pair.a.cut or pair.b.cut for pair in flips.pairs):
        notes.append(
            f"{_have(cut)} texts of which it shows the first {MOST_CHARACTERS:,} characters."
        )
    return notes


def _have(rows: int) -> str:
    return f"{counted(rows, 'row')} {'has' if rows == 1 else 'have'}"


def file_stem(ids: Sequence[str]) -> str:
    """Return the name of a report's file without its ending."""
    return "-".join(["report", *ids])
