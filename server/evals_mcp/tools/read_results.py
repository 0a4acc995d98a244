"""`read_results`: pages of an evaluation's judged rows."""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from anyio import to_thread

from evals_mcp.cleaning import quoted
from evals_mcp.errors import InvalidRequestError
from evals_mcp.results.calibration.labels import LabelValue
from evals_mcp.results.number_text import counted
from evals_mcp.results.paging import JudgedRow, page_of, shown_columns
from evals_mcp.results.rows import Row
from evals_mcp.results.types.table import TYPES, type_spec
from evals_mcp.tools.calls.cursors import read_cursor, write_cursor
from evals_mcp.tools.calls.session import ToolSession
from evals_mcp.tools.labelling.misjudged import LABEL_COLUMN, MISJUDGED, misjudged_rows
from evals_mcp.tools.labelling.waiting import Hidden, hidden_rows
from evals_schemas.evaluation_api.evaluations import ENDED, EvaluationJob
from evals_schemas.tools.result_pages import (
    DEFAULT_CHARS,
    DEFAULT_LIMIT,
    ReadResultsInput,
    ReadResultsOutput,
)

if TYPE_CHECKING:
    from evals_mcp.result_files.conditions import Where
    from evals_mcp.result_files.index import IndexedRow, ResultIndex

DEFAULT_TOKENS = 1_600
"""Tokens of a page's rows at most, with the default limits."""

LARGEST_TOKENS = 6_500
"""Tokens of a page's rows at most, with larger limits."""

SHOWN = {
    "failing": "state = 'ok' AND passed = 0",
    "passing": "state = 'ok' AND passed = 1",
    "invalid": "state = 'invalid'",
    "failed": "state IN ('generation_failed', 'judge_failed')",
    "disagreements": "original != flipped",
    "one_order": "state = 'one_order'",
    "all": "1",
}
"""Conditions on the index by the value of `show`."""

_LABELS = 20

_WRONG_CURSOR = "`cursor` is not from read_results: leave it out to start from the first page."

_FILTERS = ("label", "decision", "min_score", "max_score")
"""The arguments that filter by the verdict; `TypeSpec.filters` names those of a type."""


async def read_results(arguments: ReadResultsInput, session: ToolSession) -> ReadResultsOutput:
    """Return one page of the rows that match."""
    evaluation_id = await session.evaluation_id(arguments.evaluation_id)
    job = await session.evaluation(evaluation_id)
    check_filters(arguments, job)
    async with session.result_rows(job) as index:
        labels = None
        if arguments.show == MISJUDGED:
            labels = await misjudged_rows(session, job, index)
        hidden = await hidden_rows(session, job, index)
        return await to_thread.run_sync(_page, arguments, job, index, labels, hidden)


def check_filters(arguments: ReadResultsInput, job: EvaluationJob) -> None:
    """Raise InvalidRequestError for a filter that no row of this type can match."""
    spec = type_spec(job.type)
    for name in _FILTERS:
        if getattr(arguments, name) is not None and name not in spec.filters:
            raise InvalidRequestError(
                f"`{name}` is for {_types_with(name)} evaluations; {job.workflow_id} is a "
                f"{job.type} evaluation. Leave it out and call read_results again."
            )
    if arguments.show in {"failing", "passing"} and arguments.show not in spec.shows:
        raise InvalidRequestError(
            f"`show` {arguments.show}: a comparison has no pass. Use decision A, B or Tie, or show "
            "disagreements, one_order, invalid, failed or all."
        )
    if arguments.show in {"disagreements", "one_order"} and arguments.show not in spec.shows:
        raise InvalidRequestError(
            f"`show` {arguments.show} is for compare evaluations, which judge both orders."
        )
    if arguments.sort != "file" and arguments.sample_seed is not None:
        raise InvalidRequestError("`sort` and `sample_seed` exclude each other: leave one out.")
    low, high = arguments.min_score, arguments.max_score
    if low is not None and high is not None and low > high:
        raise InvalidRequestError(f"`min_score` {low:g} is above `max_score` {high:g}: swap them.")
    if arguments.sort != "file" and "min_score" not in spec.filters:
        raise InvalidRequestError(
            f"`sort` by score is for {_types_with('min_score')} evaluations; leave it out."
        )


def _types_with(argument: str) -> str:
    """Return the names of the types that a filter applies to."""
    return " and ".join(spec.name for spec in TYPES.values() if argument in spec.filters)


def _page(
    arguments: ReadResultsInput,
    job: EvaluationJob,
    index: ResultIndex,
    labels: Mapping[int, LabelValue] | None,
    hidden: Hidden,
) -> ReadResultsOutput:
    columns = _columns(arguments.columns, index.columns, job)
    query = RowQuery(arguments, job, index, Eligible(labels, hidden.rows))
    entries = query.page()
    rows = [
        JudgedRow(entry.number, entry.verdict, with_reason(index.read(entry), job))
        for entry in entries
    ]
    if labels is not None:
        columns = [LABEL_COLUMN, *columns]
        rows = [
            replace(row, columns={LABEL_COLUMN: labels[row.number], **row.columns}) for row in rows
        ]
    plain = arguments.limit <= DEFAULT_LIMIT and arguments.max_chars <= DEFAULT_CHARS
    page = page_of(rows, columns, arguments.max_chars, DEFAULT_TOKENS if plain else LARGEST_TOKENS)
    returned = len(page.rows)
    cursor = query.cursor(entries[:returned])
    return ReadResultsOutput(
        evaluation_id=job.workflow_id,
        showing=_showing(arguments, query.show),
        total=index.total(),
        matching=query.matching,
        returned=returned,
        rows=page.rows,
        cut=page.cut,
        notes=[
            *file_notes(job, index, page.left_out),
            *_short(arguments, returned, len(entries)),
            *_threshold_note(job, rows),
            *hidden.notes,
        ],
        next_cursor=cursor,
        next_step=_next_step(query, returned, cursor),
    )


@dataclass(frozen=True)
class Eligible:
    """Which rows can match, whatever the filters are."""

    among: Collection[int] | None = None
    """Their numbers; None for all."""
    hidden: frozenset[int] = frozenset()
    """Numbers of rows that never match."""

    @property
    def is_everything(self) -> bool:
        """Whether no row is left out."""
        return self.among is None and not self.hidden

    def of(self, numbers: Sequence[int]) -> Sequence[int]:
        """Return those of some rows that can match, in their order."""
        if (among := self.among) is not None:
            numbers = [number for number in numbers if number in among]
        if self.hidden:
            numbers = [number for number in numbers if number not in self.hidden]
        return numbers


EVERY_ROW = Eligible()


class RowQuery:
    """The rows that match a call's filters."""

    def __init__(
        self,
        arguments: ReadResultsInput,
        job: EvaluationJob,
        index: ResultIndex,
        eligible: Eligible = EVERY_ROW,
    ) -> None:
        """Find the rows."""
        self.arguments = arguments
        self._eligible = eligible
        self.index = index
        self.matching = 0
        """Rows that match."""
        self.verdicts = type_spec(job.type).verdicts
        """What the verdicts of the rows are, in the plural."""
        self.show = arguments.show or default_show(arguments, job)
        self._where = _where(arguments, self.show)
        filters = arguments.model_dump(exclude={"cursor", "limit", "max_chars", "columns", "show"})
        # The file of a running evaluation grows: a cursor into a shorter one would hide rows.
        self._query = filters | {"show": self.show, "rows": index.total()}
        position = read_cursor(self._query, arguments.cursor) if arguments.cursor else None
        self._last, self._position, counted = _checked_position(position)
        self._numbers: Sequence[int] | None = None
        if arguments.text or arguments.sample_seed is not None or not eligible.is_everything:
            self._numbers = self._chosen()
            self._position = self._after_last(self._numbers)
        else:
            self.matching = self._counted() if counted is None else counted

    def page(self) -> list[IndexedRow]:
        """Return the rows of this page."""
        limit = self.arguments.limit
        if self._numbers is not None:
            return self.index.by_number(self._numbers[self._position : self._position + limit])
        after = self._after()
        return self.index.page(self._where, self.arguments.sort, limit, after)

    def _after_last(self, numbers: Sequence[int]) -> int:
        """Return the place after the last row shown, which moves as rows are labelled."""
        moves = self._eligible.hidden and self._last in numbers
        return numbers.index(self._last) + 1 if moves else self._position

    def _after(self) -> IndexedRow | None:
        try:
            return self.index.by_number([self._last])[0] if self._last else None
        except KeyError:
            raise InvalidRequestError(_WRONG_CURSOR) from None

    def cursor(self, shown: Sequence[IndexedRow]) -> str | None:
        """Return the cursor of the next page; None after the last row, and for a sample."""
        position = self._position + len(shown)
        if not shown or position >= self.matching or self.arguments.sample_seed is not None:
            return None
        return write_cursor(self._query, [shown[-1].number, position, self.matching])

    def _counted(self) -> int:
        scored = self.arguments.sort != "file"
        return self.index.matching(
            self._where.also_of_score("score IS NOT NULL") if scored else self._where
        )

    def _chosen(self) -> Sequence[int]:
        """Return the numbers of the rows that contain the text or are drawn at random."""
        numbers = self._eligible.of(self.index.numbers(self._where, self.arguments.sort))
        self.matching = len(numbers)
        if text := self.arguments.text:
            numbers = self.index.containing(numbers, text)
            self.matching = len(numbers)
        if (seed := self.arguments.sample_seed) is not None:
            count = min(self.arguments.limit, len(numbers))
            # In the order drawn, so that rows cut from a full page are random too.
            numbers = random.Random(seed).sample(numbers, count)  # noqa: S311 - no secret
        return numbers


def default_show(arguments: ReadResultsInput, job: EvaluationJob) -> str:
    """Return failing rows by default; all rows with a filter, or if no row can fail."""
    filtered = any(getattr(arguments, name) is not None for name in _FILTERS)
    can_fail = type_spec(job.type).can_fail(job.parameters)
    return "failing" if can_fail and not filtered else "all"


def _checked_position(position: Any) -> tuple[int, int, int | None]:
    """Return the last row shown, the rows shown so far and the matching rows, from a cursor.

    Raises:
        InvalidRequestError: the position is not one that `read_results` writes.
    """
    match position:
        case None:
            return 0, 0, None
        case [int() as last, int() as shown, int() as matching] if min(position) >= 0:
            return last, shown, matching
        case _:
            raise InvalidRequestError(_WRONG_CURSOR)


def _where(arguments: ReadResultsInput, show: str) -> Where:
    # Imported here because loading SQLite would slow down every start.
    from evals_mcp.result_files.conditions import Where  # noqa: PLC0415

    where = Where(SHOWN.get(show, SHOWN["all"]))
    if arguments.label is not None:
        where = where.also("verdict = :label", label=arguments.label)
    if arguments.decision is not None:
        where = where.also("verdict = :decision", decision=arguments.decision)
        if show == "all":
            # As many rows as the summary counts for this decision.
            where = where.also("state = 'ok'")
    if arguments.min_score is not None:
        where = where.also_of_score("score >= :min_score", min_score=arguments.min_score)
    if arguments.max_score is not None:
        where = where.also_of_score("score <= :max_score", max_score=arguments.max_score)
    return where


def _columns(names: list[str] | None, existing: list[str], job: EvaluationJob) -> list[str]:
    if names is None:
        own_rows = type_spec(job.type).own_rows
        if own_rows is None:
            return shown_columns(existing)
        return [name for name in own_rows.shown if name in existing]
    if missing := [name for name in names if name not in existing]:
        listed = ", ".join(quoted(name, 60) for name in existing[:40])
        raise InvalidRequestError(
            f"`columns`: there is no column {quoted(missing[0], 60)}; the columns are {listed}."
        )
    return names


def _showing(arguments: ReadResultsInput, show: str) -> str:
    filters: Mapping[str, Any] = arguments.model_dump(
        include={"label", "decision", "min_score", "max_score", "text"}, exclude_none=True
    )
    parts = [
        f"{name} {quoted(str(value), 60) if isinstance(value, str) else value}"
        for name, value in filters.items()
    ]
    if arguments.sort != "file":
        parts.append(arguments.sort.replace("_", " "))
    if arguments.sample_seed is not None:
        parts.append(f"a random sample, seed {arguments.sample_seed}")
    return ", ".join([show, *parts])


def file_notes(job: EvaluationJob, index: ResultIndex, left_out: Sequence[str] = ()) -> list[str]:
    """Return what is missing from a result file, and which columns have no room."""
    notes: list[str] = []
    damage = index.damage
    if damage.lines:
        notes.append(
            f"{counted(damage.lines, 'line')} of the result file cannot be read; the first is line "
            f"{damage.first_line}: {damage.reason}."
        )
    notes += index.notes
    if job.status not in ENDED:
        notes.append("Partial: the evaluation is running; these are the rows judged so far.")
    elif job.status != "completed":
        notes.append(f"Partial: the evaluation ended as {job.status} before every row was judged.")
    if left_out:
        names = ", ".join(quoted(name, 60) for name in left_out[:10])
        more = f" and {len(left_out) - 10} more" if len(left_out) > 10 else ""
        notes.append(f"No room for {names}{more}: choose with `columns`.")
    return notes


def with_reason(row: Row, job: EvaluationJob) -> Row:
    """Return the row with the reason of its failure in the field that other types use."""
    own_rows = type_spec(job.type).own_rows
    return row if own_rows is None else {**row, "evaluation_error": row.get(own_rows.error)}


def _threshold_note(job: EvaluationJob, rows: Sequence[JudgedRow]) -> list[str]:
    guessed = any(row.verdict.state == "ok" and row.columns.get("correct") is None for row in rows)
    own_rows = type_spec(job.type).own_rows
    if own_rows is None or not guessed:
        return []
    rule = f"pass is a score of {own_rows.passing_score:g} or more"
    return [f"The service does not report which answers are correct: {rule}."]


def _short(arguments: ReadResultsInput, returned: int, drawn: int) -> list[str]:
    if returned == drawn or arguments.sample_seed is None:
        return []
    return [f"{returned} of the {drawn} rows drawn fit here: lower `limit` or choose `columns`."]


def _next_step(query: RowQuery, returned: int, cursor: str | None) -> str:
    if cursor:
        return "Call read_results with this cursor and the same filters for more."
    if not returned:
        if unknown := _unknown_label(query):
            return unknown
        counts = {name: query.index.matching(shown_where(name)) for name in SHOWN}
        by_show = ", ".join(f"{name} {rows}" for name, rows in counts.items() if rows)
        return f"No row matches. Rows by `show`: {by_show or 'none'}."
    if query.arguments.sample_seed is not None:
        return "Another sample_seed draws other rows."
    return "These are all matching rows."


def _unknown_label(query: RowQuery) -> str | None:
    """Return a list of the labels or models if no row has the one in the filter; else None."""
    label = query.arguments.label
    labels = list(dict.fromkeys(count.verdict.verdict for count in query.index.counts))
    if label is None or label in labels:
        return None
    names = ", ".join(quoted(name, 120) for name in labels[:_LABELS] if name)
    more = f" and {len(labels) - _LABELS} more" if len(labels) > _LABELS else ""
    what = f"the {query.verdicts} are {names or 'none'}{more}"
    return f"No row has the label {quoted(label, 60)}; {what}."


def shown_where(show: str) -> Where:
    """Return the condition of a value of `show`."""
    from evals_mcp.result_files.conditions import Where  # noqa: PLC0415 - as above

    return Where(SHOWN[show])
