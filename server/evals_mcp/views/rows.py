"""Rows as the page shows them: whole texts with their line breaks, and every reason by itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from evals_mcp.cleaning import clean, clean_whole
from evals_mcp.errors import InvalidRequestError
from evals_mcp.results.paging import STATES
from evals_mcp.results.types.columns import columns_of
from evals_mcp.tools.read_results import Eligible, RowQuery, check_filters, file_notes, with_reason
from evals_schemas.datasets.cells import cell_text
from evals_schemas.evaluation_api.evaluations import EvaluationJob
from evals_schemas.tools.page import ColumnRole, JudgeReason, PageColumn, PageRow, RowsPage
from evals_schemas.tools.page import RowQuery as PageQuery
from evals_schemas.tools.result_pages import ReadResultsInput

if TYPE_CHECKING:
    from evals_mcp.result_files.index import IndexedRow, ResultIndex

MOST_CHARACTERS = 20_000
"""Characters of a text that the page shows; of a longer one it shows the beginning."""

ROWS_AT_ONCE = 20
"""Rows that the page asks for at once."""

_NAME = 80
_FIRST, _SECOND = "judge_feedback_original_order", "judge_feedback_flipped_order"
_RAW, _RAW_FIRST, _RAW_SECOND = (
    "judge_raw_output",
    "judge_raw_output_original",
    "judge_raw_output_flipped",
)


def page_columns(roles: Mapping[str, ColumnRole]) -> list[PageColumn]:
    """Return columns with names that can be shown."""
    return [PageColumn(name=clean(name, _NAME), role=role) for name, role in roles.items()]


def rows_page(
    job: EvaluationJob,
    index: ResultIndex,
    query: PageQuery,
    cursor: str | None,
    eligible: Eligible,
) -> RowsPage:
    """Return one page of the rows that match a query. Blocks.

    Raises:
        InvalidRequestError: no row of this type can match, or the cursor is another query's.
    """
    arguments = ReadResultsInput(
        evaluation_id=job.workflow_id,
        limit=ROWS_AT_ONCE,
        cursor=cursor,
        **query.model_dump(exclude_none=True, exclude={"sample_rows"}),
    )
    check_filters(arguments, job)
    selected = RowQuery(arguments, job, index, eligible)
    entries, roles = selected.page(), columns_of(job, index.columns)
    return RowsPage(
        total=index.total(),
        matching=selected.matching,
        columns=page_columns(roles),
        rows=[page_row(job, index, entry, list(roles)) for entry in entries],
        next_cursor=selected.cursor(entries),
        notes=file_notes(job, index),
    )


def sample_page(
    job: EvaluationJob, index: ResultIndex, order: Sequence[int], cursor: str | None
) -> RowsPage:
    """Return one page of rows that were drawn at random, in their order. Blocks.

    Raises:
        InvalidRequestError: the cursor is from elsewhere.
    """
    start = place_of(cursor)
    end = start + ROWS_AT_ONCE
    entries, roles = index.by_number(order[start:end]), columns_of(job, index.columns)
    return RowsPage(
        total=index.total(),
        matching=len(order),
        columns=page_columns(roles),
        rows=[page_row(job, index, entry, list(roles)) for entry in entries],
        next_cursor=str(end) if end < len(order) else None,
        notes=file_notes(job, index),
    )


def place_of(cursor: str | None) -> int:
    """Return the place of a cursor in a list that is made anew for each page.

    Raises:
        InvalidRequestError: the cursor is from elsewhere.
    """
    if cursor and not (cursor.isascii() and cursor.isdecimal()):
        raise InvalidRequestError("`cursor` is not from this page: leave it out to start anew.")
    return int(cursor or 0)


def page_row(
    job: EvaluationJob, index: ResultIndex, entry: IndexedRow, columns: Sequence[str]
) -> PageRow:
    """Return a row with its texts in these columns. Blocks."""
    row, verdict = with_reason(index.read(entry), job), entry.verdict
    texts = _Texts()
    original, flipped = verdict.original, verdict.flipped
    return PageRow(
        row=entry.number,
        state=verdict.state,
        # As long as it is, because the page asks for the rows of a verdict by it.
        verdict=verdict.verdict,
        score=verdict.score,
        passed=verdict.passed,
        problem=_problem(verdict.state, row, texts),
        orders_differ=bool(original and flipped and original != flipped),
        reasons=list(_reasons(row, (original, flipped), texts)),
        texts=[texts.of(row.get(name)) for name in columns],
        cut=texts.cut,
    )


class _Texts:
    """Makes the texts of one row, and notes whether one was cut."""

    def __init__(self) -> None:
        self.cut = False

    def of(self, value: object) -> str | None:
        """Return the text of a cell; None for null."""
        if value is None:
            return None
        text, was_cut = clean_whole(cell_text(value), MOST_CHARACTERS)
        self.cut |= was_cut
        return text


def _problem(state: str, row: Mapping[str, Any], texts: _Texts) -> str | None:
    if state == "ok":
        return None
    error = texts.of(row.get("evaluation_error"))
    return f"{STATES[state]}: {error}" if error else STATES[state]


def _reasons(
    row: Mapping[str, Any], choices: tuple[str | None, str | None], texts: _Texts
) -> Iterator[JudgeReason]:
    """Yield what the judge gave as its reason or, without one, what it wrote at all."""
    for plain, first, second in ((("feedback"), _FIRST, _SECOND), (_RAW, _RAW_FIRST, _RAW_SECOND)):
        reasons = [texts.of(row.get(name) or None) for name in (plain, first, second)]
        if any(reasons):
            break
    else:
        return
    if reasons[0]:
        yield JudgeReason(text=reasons[0])
        return
    both = any(choices)
    orders: tuple[Literal["A, B"], Literal["B, A"]] = ("A, B", "B, A")
    for text, order, choice in zip(reasons[1:], orders, choices, strict=True):
        if text or both:
            yield JudgeReason(
                text=text or "", order=order if both or reasons[2] else None, choice=choice
            )
