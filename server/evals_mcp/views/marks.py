"""Marks as the page shows and makes them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

from anyio import to_thread
from pydantic import Field

from evals_mcp.cleaning import quoted
from evals_mcp.errors import InvalidRequestError, OperatorError, UnsupportedError
from evals_mcp.marks.mark import Drawn, Mark
from evals_mcp.marks.marked_rows import marked_rows, marks_of_sample
from evals_mcp.marks.sample import STEP, drawn, sample_seed
from evals_mcp.marks.subjects import subjects_of
from evals_mcp.marks.summary import marked_sample, sentences
from evals_mcp.results.rows import JUDGED
from evals_mcp.results.types.marking import Marking, Value
from evals_mcp.results.types.table import type_spec
from evals_mcp.tools.calls.naming import item_of
from evals_mcp.tools.calls.session import ToolSession
from evals_mcp.tools.labelling.misjudged import MISJUDGED, misjudged_rows
from evals_mcp.tools.labelling.waiting import hidden_rows
from evals_mcp.tools.read_results import Eligible
from evals_mcp.views.people_labels import with_people_labels
from evals_mcp.views.rows import rows_page, sample_page
from evals_schemas.contract import Request
from evals_schemas.evaluation_api.evaluations import ENDED, EvaluationJob
from evals_schemas.tools.page import (
    Filter,
    MarkAnswer,
    MarkSource,
    MarksPage,
    Opinion,
    PageRow,
    RowMark,
    RowQuery,
    RowsPage,
)

if TYPE_CHECKING:
    from evals_mcp.result_files.index import IndexedRow, ResultIndex

MOST_DRAWN = 500
"""Rows of a sample at most."""

_NAMES_SHOWN = 20


class MarkCall(Request):
    """What a person says about the verdict of a row."""

    evaluation_id: str = Field(min_length=1)
    row: int = Field(description="Its number in the result file, from 1.")
    opinion: Opinion | None = Field(
        description="About the verdict; null takes back what was said before."
    )
    should_be: str | Annotated[float, Field(strict=True)] | None = Field(
        default=None, description="What a wrong verdict should be: a label, a choice or a score."
    )
    sample_seed: int | None = Field(
        default=None, description="`sample_seed` of the rows that are shown; absent without one."
    )


async def mark_row(session: ToolSession, call: MarkCall, source: MarkSource) -> MarkAnswer:
    """Store what a person says about the verdict of a row.

    Raises:
        InvalidRequestError: there is no such row or verdict, or the call contradicts itself.
        UnsupportedError: the server only reads.
        EvalsMCPError: the evaluation does not exist or cannot be read, or the state is full.
    """
    if not session.may_write:
        raise UnsupportedError(
            "Nothing was marked: the server sets server.read_only, or you lack the right to write."
        )
    job = await session.evaluation(await session.evaluation_id(call.evaluation_id))
    if job.status not in ENDED:
        raise InvalidRequestError(
            f"Nothing was marked: {job.workflow_id} is {job.status}; rows are marked after its end."
        )
    marks = session.marks
    async with session.result_rows(job) as index:
        hidden = await hidden_rows(session, job, index)
        if call.row in hidden.rows:
            raise InvalidRequestError(f"Nothing was marked. {hidden.notes[0]}")
        entry = await to_thread.run_sync(_row, job, index, call.row)
        subjects = subjects_of(job)
        verdict = _verdict(job, entry)
        label = _label(job, call, verdict)
        mark = Mark(
            opinion=call.opinion or "withdrawn",
            verdict=verdict,
            label=label,
            labeller=marks.labeller,
            source=source,
            at=marks.now(),
            evaluation=_item_name(session, job),
            row=call.row,
            question=subjects.question,
            sample=await _drawn(session, job, index, call),
        )
        row = await to_thread.run_sync(index.read, entry)
        await marks.add(subjects.of(row), mark)
        page = await _marks_page(session, job, index)
    return MarkAnswer(row=call.row, mark=_shown(mark), marks=page)


async def mark_ticket(session: ToolSession, evaluation_id: str) -> str:
    """Return the ticket for the marks of an evaluation, by its complete id.

    It is for the `_meta` of a result only: a model that has it could mark rows itself.
    """
    return await session.marks.ticket(item_of(session.provider, evaluation_id).record)


async def marks_page(
    session: ToolSession, job: EvaluationJob, index: ResultIndex
) -> MarksPage | None:
    """Return the marks of an evaluation; None if the state cannot be read."""
    try:
        return await _marks_page(session, job, index)
    except OperatorError:
        return None


async def marked_rows_page(
    session: ToolSession,
    job: EvaluationJob,
    index: ResultIndex,
    query: RowQuery,
    cursor: str | None,
) -> RowsPage:
    """Return one page of the rows that match a query, with their marks.

    Raises:
        InvalidRequestError: no row of this type can match, or the cursor is another query's.
        StateError: the labels that say which rows match cannot be read.
    """
    wrong = await misjudged_rows(session, job, index) if query.show == MISJUDGED else None
    hidden = await hidden_rows(session, job, index)

    def read() -> RowsPage:
        if query.sample_rows is None:
            return rows_page(job, index, query, cursor, Eligible(wrong, hidden.rows))
        drawn_rows = sample_of(session, job, index, query.sample_rows)
        order = Eligible(hidden=hidden.rows).of(drawn_rows)
        if query.text is not None:
            order = index.containing(order, query.text)
        page = sample_page(job, index, order, cursor)
        page.sample_seed = seed_of(session, job)
        return page

    page = await to_thread.run_sync(read)
    page.notes += hidden.notes
    await with_marks(session, job, index, page.rows)
    await with_people_labels(session, job, index, page.rows)
    return page


def sample_filter(marks: MarksPage | None, rows: int) -> Filter | None:
    """Return the filter for rows drawn at random; None for somebody who marks nothing.

    It has more rows once all of the earlier ones are marked.

    Args:
        marks: the marks so far.
        rows: rows with a verdict.
    """
    sample = marks.sample if marks else None
    if marks is None or rows < 2 or not (marks.may_mark or sample):
        return None
    done = sample.right + sample.wrong + sample.unsure if sample else 0
    drawn_rows = min(rows, MOST_DRAWN, STEP * (done // STEP + 1))
    return Filter(
        name=f"{drawn_rows} at random", count=drawn_rows, query=RowQuery(sample_rows=drawn_rows)
    )


async def with_marks(
    session: ToolSession, job: EvaluationJob, index: ResultIndex, rows: Sequence[PageRow]
) -> None:
    """Add the marks of some rows to them; nothing if the state cannot be read."""
    subjects, marking = subjects_of(job), type_spec(job.type).marking

    def read() -> list[tuple[PageRow, str, Value]]:
        entries = index.by_number([row.row for row in rows])
        return [
            (row, subjects.of(index.read(entry)), value)
            for row, entry in zip(rows, entries, strict=True)
            if row.state == JUDGED and (value := marking.value(entry.verdict)) is not None
        ]

    named = await to_thread.run_sync(read)
    try:
        marks = await session.marks.of([name for _, name, _ in named])
    except OperatorError:
        return
    for row, name, value in named:
        if (mark := marks.get(name)) is not None:
            row.mark = _shown(mark.about(value))


def sample_of(session: ToolSession, job: EvaluationJob, index: ResultIndex, rows: int) -> list[int]:
    """Return the first rows of the sample of this principal, in its order. Blocks."""
    # Imported here because loading SQLite would slow down every start.
    from evals_mcp.result_files.conditions import Where  # noqa: PLC0415

    numbers = index.numbers(Where("state = 'ok'"), "file")
    return drawn(numbers, seed_of(session, job), rows)


def seed_of(session: ToolSession, job: EvaluationJob) -> int:
    """Return the seed of the sample of an evaluation for this principal."""
    return sample_seed(session.marks.labeller, _item_name(session, job))


async def _marks_page(session: ToolSession, job: EvaluationJob, index: ResultIndex) -> MarksPage:
    marking, subjects = type_spec(job.type).marking, subjects_of(job)
    stored = await session.marks.all_of(subjects.verdicts)

    def read() -> tuple[Counter[str], list[Mark]]:
        by_row = marked_rows(index, subjects, marking, stored)
        if not by_row:
            return Counter(), []
        order = sample_of(session, job, index, MOST_DRAWN)
        in_order = marks_of_sample(index, subjects, marking, stored, order)
        return Counter(mark.opinion for mark in by_row.values()), in_order

    counts, in_order = await to_thread.run_sync(read)
    right, wrong, unsure = counts["right"], counts["wrong"], counts["unsure"]
    sample = marked_sample(in_order, seed_of(session, job))
    scale = marking.scale(job.parameters)
    by_opinion = {"right": right, "wrong": wrong, "unsure": unsure}
    return MarksPage(
        may_mark=session.may_write and job.status in ENDED,
        names=list(marking.names(job.parameters)),
        low=scale[0] if scale else None,
        high=scale[1] if scale else None,
        right=right,
        wrong=wrong,
        unsure=unsure,
        sample=sample,
        sentences=sentences(by_opinion, sample),
    )


def _item_name(session: ToolSession, job: EvaluationJob) -> str:
    """Return the name of an evaluation that does not change when services are added."""
    return item_of(session.provider, job.workflow_id).record


def _row(job: EvaluationJob, index: ResultIndex, number: int) -> IndexedRow:
    try:
        return index.by_number([number])[0]
    except KeyError:
        raise InvalidRequestError(
            f"Nothing was marked: {job.workflow_id} has no row {number}; its rows are 1 to "
            f"{index.total()}."
        ) from None


def _verdict(job: EvaluationJob, entry: IndexedRow) -> Value:
    verdict = type_spec(job.type).marking.value(entry.verdict)
    if entry.verdict.state != JUDGED or verdict is None:
        raise InvalidRequestError(
            f"Nothing was marked: row {entry.number} has no verdict that could be right or wrong."
        )
    return verdict


def _label(job: EvaluationJob, call: MarkCall, verdict: Value) -> Value | None:
    """Return what the verdict should be; None if the call leaves it open."""
    marking = type_spec(job.type).marking
    if call.opinion != "wrong":
        if call.should_be is not None:
            raise InvalidRequestError(
                "Nothing was marked: `should_be` is for a verdict that is wrong. Leave it out."
            )
        return verdict if call.opinion == "right" else None
    names = list(marking.names(job.parameters))
    if call.should_be is None:
        others = [name for name in names if name != verdict]
        return others[0] if len(others) == 1 else None
    if not _is_possible(call.should_be, marking, job):
        raise InvalidRequestError(
            f"Nothing was marked: `should_be` {_text(call.should_be)} is no verdict of this "
            f"evaluation. {_possible(names, marking, job)}"
        )
    if call.should_be == verdict:
        raise InvalidRequestError(
            f"Nothing was marked: the verdict is {_text(verdict)} already. Mark it right, or name "
            "another one in `should_be`."
        )
    return call.should_be


def _is_possible(value: Value, marking: Marking, job: EvaluationJob) -> bool:
    names = marking.names(job.parameters)
    if isinstance(value, str) or names:
        return value in names
    low, high = marking.scale(job.parameters) or (-math.inf, math.inf)
    return math.isfinite(value) and low <= value <= high


def _possible(names: Sequence[str], marking: Marking, job: EvaluationJob) -> str:
    if names:
        more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
        listed = ", ".join(quoted(name, 60) for name in names[:_NAMES_SHOWN])
        return f"Its verdicts are {listed}{more}."
    scale = marking.scale(job.parameters)
    return f"Give a number{f' from {scale[0]:g} to {scale[1]:g}' if scale else ''}."


def _text(value: Value) -> str:
    return quoted(value, 60) if isinstance(value, str) else f"{value:g}"


async def _drawn(
    session: ToolSession, job: EvaluationJob, index: ResultIndex, call: MarkCall
) -> Drawn | None:
    """Return the place of the row in the sample that the page shows; None without a sample."""
    if call.sample_seed is None:
        return None
    order = await to_thread.run_sync(sample_of, session, job, index, MOST_DRAWN)
    if call.sample_seed != seed_of(session, job) or call.row not in order:
        raise InvalidRequestError(
            f"Nothing was marked: row {call.row} is not in the sample with the seed "
            f"{call.sample_seed}. Leave `sample_seed` out for a row that was not drawn."
        )
    return Drawn(call.sample_seed, order.index(call.row) + 1)


def _shown(mark: Mark | None) -> RowMark | None:
    if mark is None or mark.opinion == "withdrawn":
        return None
    should_be = mark.label if mark.opinion == "wrong" else None
    return RowMark(opinion=mark.opinion, should_be=should_be, at=mark.at)
