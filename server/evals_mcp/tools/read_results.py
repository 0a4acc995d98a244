"""`read_results`: the rows of an ended evaluation, a page at a time."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from anyio import to_thread

from evals_mcp.cleaning import clean
from evals_mcp.errors import InvalidRequestError
from evals_mcp.results.paging import JudgedRow, page_of, shown_columns
from evals_mcp.results.rows import BENCHMARK_FIELDS, PASSING_SCORE, Row
from evals_mcp.tools.calls.cursors import read_cursor, write_cursor
from evals_mcp.tools.calls.evaluation_ids import checked_evaluation_id
from evals_mcp.tools.calls.session import ToolSession
from evals_schemas.benchmark_api.benchmarks import BENCHMARK
from evals_schemas.evaluation_api.evaluations import ENDED, EvaluationJob
from evals_schemas.tools.result_pages import (
    DEFAULT_CHARS,
    DEFAULT_LIMIT,
    ReadResultsInput,
    ReadResultsOutput,
)

if TYPE_CHECKING:
    from evals_mcp.result_files.index import IndexedRow, ResultIndex, Where

DEFAULT_TOKENS = 1_600
"""What the rows of a page may take when nothing larger was asked for."""

LARGEST_TOKENS = 6_500
"""What they may take at the most."""

_SHOWN = {
    "failing": "state = 'ok' AND passed = 0",
    "passing": "state = 'ok' AND passed = 1",
    "invalid": "state = 'invalid'",
    "failed": "state IN ('generation_failed', 'judge_failed')",
    "disagreements": "original != flipped",
    "all": "1",
}

_LABELS = 20

_NOT_OURS = "`cursor` is none of read_results': leave it out and start from the first page."

_TYPES = {
    "label": ("classify", BENCHMARK),
    "decision": ("compare",),
    "min_score": ("score", BENCHMARK),
    "max_score": ("score", BENCHMARK),
}
"""The types whose rows have what a filter looks for."""


async def read_results(arguments: ReadResultsInput, session: ToolSession) -> ReadResultsOutput:
    """One page of the rows that fit."""
    evaluation_id = checked_evaluation_id(arguments.evaluation_id)
    job = await session.provider.get_evaluation(evaluation_id)
    _check(arguments, job)
    async with session.result_rows(job) as index:
        return await to_thread.run_sync(_page, arguments, job, index)


def _check(arguments: ReadResultsInput, job: EvaluationJob) -> None:
    """Refuse filters that no row of this type could meet."""
    for name, kinds in _TYPES.items():
        if getattr(arguments, name) is not None and job.type not in kinds:
            raise InvalidRequestError(
                f"`{name}` is for {' and '.join(kinds)} evaluations; {job.workflow_id} is a "
                f"{job.type} evaluation. Leave it out and call read_results again."
            )
    if job.type == "compare" and arguments.show in {"failing", "passing"}:
        raise InvalidRequestError(
            f"`show` {arguments.show}: a comparison has no pass. Use decision A, B or Tie, or show "
            "disagreements, invalid, failed or all."
        )
    if arguments.show == "disagreements" and job.type != "compare":
        raise InvalidRequestError(
            "`show` disagreements is for compare evaluations, which judge both orders."
        )
    if arguments.sort != "file" and arguments.sample_seed is not None:
        raise InvalidRequestError("`sort` and `sample_seed` exclude each other: a sample is drawn.")
    low, high = arguments.min_score, arguments.max_score
    if low is not None and high is not None and low > high:
        raise InvalidRequestError(f"`min_score` {low:g} is above `max_score` {high:g}: swap them.")
    if arguments.sort != "file" and job.type not in _TYPES["min_score"]:
        raise InvalidRequestError(
            "`sort` by score is for score and benchmark evaluations; leave it out."
        )


def _page(arguments: ReadResultsInput, job: EvaluationJob, index: ResultIndex) -> ReadResultsOutput:
    columns = _columns(arguments.columns, index.columns, job)
    found = _Finding(arguments, job, index)
    places = found.places()
    rows = [
        JudgedRow(place.number, place.verdict, _with_reason(index.read(place), job))
        for place in places
    ]
    plain = arguments.limit <= DEFAULT_LIMIT and arguments.max_chars <= DEFAULT_CHARS
    page = page_of(rows, columns, arguments.max_chars, DEFAULT_TOKENS if plain else LARGEST_TOKENS)
    returned = len(page.rows)
    cursor = found.cursor(places[:returned])
    return ReadResultsOutput(
        evaluation_id=job.workflow_id,
        showing=_showing(arguments, found.show),
        total=index.total(),
        matching=found.matching,
        returned=returned,
        rows=page.rows,
        cut=page.cut,
        notes=[
            *_notes(job, index, page.left_out),
            *_short(arguments, returned, len(places)),
            *_threshold_note(job, rows),
        ],
        next_cursor=cursor,
        next_step=_next_step(found, returned, cursor),
    )


class _Finding:
    """The rows that an input asks for."""

    def __init__(self, arguments: ReadResultsInput, job: EvaluationJob, index: ResultIndex) -> None:
        self.arguments = arguments
        self.index = index
        self.matching = 0
        """Rows that fit."""
        self.is_benchmark = job.type == BENCHMARK
        self.show = arguments.show or _default_show(arguments, job)
        self._where = _where(arguments, self.show)
        asked = arguments.model_dump(exclude={"cursor", "limit", "max_chars", "columns", "show"})
        # A running evaluation's file grows: a cursor into a shorter one would hide rows.
        self._query = asked | {"show": self.show, "rows": index.total()}
        place = read_cursor(self._query, arguments.cursor) if arguments.cursor else None
        self._last, self._position, counted = _place(place)
        self._numbers: Sequence[int] | None = None
        if arguments.text or arguments.sample_seed is not None:
            self._numbers = self._chosen()
        else:
            self.matching = self._counted() if counted is None else counted

    def places(self) -> list[IndexedRow]:
        """The rows of this page."""
        limit = self.arguments.limit
        if self._numbers is not None:
            return self.index.by_number(self._numbers[self._position : self._position + limit])
        after = self._after()
        return self.index.page(self._where, self.arguments.sort, limit, after)

    def _after(self) -> IndexedRow | None:
        try:
            return self.index.by_number([self._last])[0] if self._last else None
        except KeyError:
            raise InvalidRequestError(_NOT_OURS) from None

    def cursor(self, shown: Sequence[IndexedRow]) -> str | None:
        """Where the next page begins; None after the last row, and for a sample."""
        position = self._position + len(shown)
        if not shown or position >= self.matching or self.arguments.sample_seed is not None:
            return None
        return write_cursor(self._query, [shown[-1].number, position, self.matching])

    def _counted(self) -> int:
        scored = self.arguments.sort != "file"
        return self.index.matching(self._where.also("score IS NOT NULL") if scored else self._where)

    def _chosen(self) -> Sequence[int]:
        """The numbers of rows that the index alone cannot find."""
        numbers: Sequence[int] = self.index.numbers(self._where, self.arguments.sort)
        self.matching = len(numbers)
        if text := self.arguments.text:
            numbers = self.index.containing(numbers, text)
            self.matching = len(numbers)
        if (seed := self.arguments.sample_seed) is not None:
            count = min(self.arguments.limit, len(numbers))
            # In the order drawn: where a page has no room for all, any of them may be missing.
            numbers = random.Random(seed).sample(numbers, count)  # noqa: S311 - no secret
        return numbers


def _default_show(arguments: ReadResultsInput, job: EvaluationJob) -> str:
    """Failing rows, unless a filter says what is wanted or nothing can fail."""
    filtered = any(getattr(arguments, name) is not None for name in _TYPES)
    can_fail = job.type in {"score", BENCHMARK} or bool(job.parameters.get("pass_labels"))
    return "failing" if can_fail and not filtered else "all"


def _place(place: Any) -> tuple[int, int, int | None]:
    """Last row shown, rows shown so far, rows that match; from a cursor or from nothing."""
    match place:
        case None:
            return 0, 0, None
        case [int() as last, int() as position, int() as matching] if min(place) >= 0:
            return last, position, matching
        case _:
            raise InvalidRequestError(_NOT_OURS)


def _where(arguments: ReadResultsInput, show: str) -> Where:
    # SQLite costs start-up time that only a reader of rows has to pay.
    from evals_mcp.result_files.index import Where  # noqa: PLC0415

    where = Where(_SHOWN[show])
    if arguments.label is not None:
        where = where.also("verdict = :label", label=arguments.label)
    if arguments.decision is not None:
        where = where.also("verdict = :decision", decision=arguments.decision)
    if arguments.min_score is not None:
        where = where.also("score >= :min_score", min_score=arguments.min_score)
    if arguments.max_score is not None:
        where = where.also("score <= :max_score", max_score=arguments.max_score)
    return where


def _columns(wanted: list[str] | None, there: list[str], job: EvaluationJob) -> list[str]:
    if wanted is None and job.type == BENCHMARK:
        return [name for name in BENCHMARK_FIELDS if name in there]
    if wanted is None:
        return shown_columns(there)
    if unknown := [name for name in wanted if name not in there]:
        known = ", ".join(clean(name, 60) for name in there[:40])
        raise InvalidRequestError(
            f"`columns`: there is no {clean(unknown[0], 60)}; there are {known}."
        )
    return wanted


def _showing(arguments: ReadResultsInput, show: str) -> str:
    filters: Mapping[str, Any] = arguments.model_dump(
        include={"label", "decision", "min_score", "max_score", "text"}, exclude_none=True
    )
    parts = [f"{name} {clean(str(value), 60)}" for name, value in filters.items()]
    if arguments.sort != "file":
        parts.append(arguments.sort.replace("_", " "))
    if arguments.sample_seed is not None:
        parts.append(f"a random sample, seed {arguments.sample_seed}")
    return ", ".join([show, *parts])


def _notes(job: EvaluationJob, index: ResultIndex, left_out: list[str]) -> list[str]:
    notes: list[str] = []
    damage = index.damage
    if damage.lines:
        notes.append(
            f"{damage.lines} lines of the result file cannot be read and are left out; the first "
            f"is line {damage.first_line}: {damage.reason}."
        )
    if job.status not in ENDED:
        notes.append("Partial: the evaluation is running, and these are the rows judged so far.")
    elif job.status != "completed":
        notes.append(f"Partial: the evaluation ended as {job.status} before every row was judged.")
    if left_out:
        names = ", ".join(clean(name, 60) for name in left_out[:10])
        more = f" and {len(left_out) - 10} more" if len(left_out) > 10 else ""
        notes.append(f"No room for {names}{more}: choose with `columns`.")
    return notes


def _with_reason(row: Row, job: EvaluationJob) -> Row:
    """A row with the reason of its failure where every type has it."""
    if job.type != BENCHMARK:
        return row
    return {**row, "evaluation_error": row.get("error")}


def _threshold_note(job: EvaluationJob, rows: Sequence[JudgedRow]) -> list[str]:
    guessed = any(row.verdict.state == "ok" and row.columns.get("correct") is None for row in rows)
    if job.type != BENCHMARK or not guessed:
        return []
    rule = f"pass is a score of {PASSING_SCORE:g} or more"
    return [f"The service does not tell which answers are correct: {rule}."]


def _short(arguments: ReadResultsInput, returned: int, found: int) -> list[str]:
    if returned == found or arguments.sample_seed is None:
        return []
    return [f"{returned} of the {found} rows drawn fit here: lower `limit` or choose `columns`."]


def _next_step(found: _Finding, returned: int, cursor: str | None) -> str:
    if cursor:
        return "Call read_results with this cursor and the same filters for more."
    if not returned:
        if unknown := _unknown_label(found):
            return unknown
        counts = {name: found.index.matching(_shown_where(name)) for name in _SHOWN}
        there = ", ".join(f"{name} {rows}" for name, rows in counts.items() if rows)
        return f"No row fits. By `show` there are: {there or 'no rows at all'}."
    if found.arguments.sample_seed is not None:
        return "Another sample_seed draws other rows."
    return "That is all of them."


def _unknown_label(found: _Finding) -> str | None:
    """The labels or models there are, where the one asked for is not among them."""
    label = found.arguments.label
    there = list(dict.fromkeys(count.verdict.verdict for count in found.index.counts))
    if label is None or label in there:
        return None
    what = "models" if found.is_benchmark else "labels"
    names = ", ".join(clean(name, 120) for name in there[:_LABELS] if name)
    more = f" and {len(there) - _LABELS} more" if len(there) > _LABELS else ""
    return f"No row has the label {clean(label, 60)!r}; the {what} are {names or 'none'}{more}."


def _shown_where(show: str) -> Where:
    from evals_mcp.result_files.index import Where  # noqa: PLC0415 - as above

    return Where(_SHOWN[show])
