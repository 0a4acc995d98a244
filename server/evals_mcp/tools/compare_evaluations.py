"""`compare_evaluations`: compares two evaluations over the same rows."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from anyio import to_thread

from evals_mcp.cleaning import clean
from evals_mcp.errors import EvalsMCPError, InvalidRequestError, NotFoundError
from evals_mcp.result_files.keyed_rows import keyed_rows
from evals_mcp.results.comparisons import comparability
from evals_mcp.results.comparisons.clustered import (
    ClusteredComparison,
    with_clusters,
    without_clusters,
)
from evals_mcp.results.comparisons.comparability import Caution
from evals_mcp.results.comparisons.comparison import Comparison
from evals_mcp.results.comparisons.flips import FEEDBACK_A, FEEDBACK_B, flips, shown_flip
from evals_mcp.results.comparisons.headline import headline
from evals_mcp.results.comparisons.joining import (
    SIDES,
    Joined,
    Pair,
    answer_columns,
    join,
    key_columns,
    ready_answers,
    refuse_no_pairs,
    shown_columns,
)
from evals_mcp.results.comparisons.judging import (
    Compared,
    compared_of,
    judge_differences,
    passing_differences,
    subject_of,
)
from evals_mcp.results.groups.differences import by_pair
from evals_mcp.results.number_text import counted, sentence_of
from evals_mcp.results.paging import SHORTEST, JudgedRow, page_of
from evals_mcp.results.rows import input_columns
from evals_mcp.results.sides import Names
from evals_mcp.results.statistics.estimate import Scale
from evals_mcp.results.types.comparing import refuse_incomparable
from evals_mcp.results.types.table import TypeSpec, type_spec
from evals_mcp.tools.calls.cursors import read_cursor, write_cursor
from evals_mcp.tools.calls.session import ToolSession
from evals_mcp.tools.labelling import waiting
from evals_mcp.tools.labelling.compared import OpenEvaluation, with_labels_of_both
from evals_schemas.evaluation_api.evaluations import ENDED, EvaluationJob
from evals_schemas.tools.comparisons import CompareEvaluationsInput, CompareEvaluationsOutput, Flip
from evals_schemas.tools.groups import Groups

if TYPE_CHECKING:
    from evals_mcp.result_files.index import ResultIndex

DEFAULT_LIMIT = 5
DEFAULT_TOKENS = 700
"""Tokens of the flips at most, with the default limit."""

_TOKENS_BESIDE_VALUES = 150
"""The same if the answer has the figures by a column, too."""

LARGEST_TOKENS = 5_000
"""Tokens of the flips at most, with a larger limit."""

_CHARS = 160
_SHORTEST = 80
"""Characters of a text from which on a default answer shows fewer flips instead of less text."""

_COLUMNS_SHOWN = 3
_FEEDBACK = ("feedback", "judge_feedback_original_order")
_ANSWER_A, _ANSWER_B = "answer in A", "answer in B"


async def compare_evaluations(
    arguments: CompareEvaluationsInput, session: ToolSession
) -> CompareEvaluationsOutput:
    """Compare two evaluations; rows are paired by the keys in the indexes of their files."""
    async with open_both(arguments, session) as both:
        answer = await answer_of(both, session)
    return await with_names(answer, session)


async def answer_of(both: Both, session: ToolSession) -> CompareEvaluationsOutput:
    """Return the answer of the tool with what labels say, without the names."""
    answer = await to_thread.run_sync(both.answer)
    sides = OpenEvaluation(both.a, both.rows_a), OpenEvaluation(both.b, both.rows_b)
    return await with_labels_of_both(answer, sides, both.joined.pairs, session)


async def with_names(
    answer: CompareEvaluationsOutput, session: ToolSession
) -> CompareEvaluationsOutput:
    """Return the answer with the names that users gave the evaluations."""
    ids = (answer.evaluation_id_a, answer.evaluation_id_b)
    name_a, name_b = [await session.name_of(each) for each in ids]
    return answer.model_copy(update={"name_a": name_a, "name_b": name_b})


@asynccontextmanager
async def open_both(
    arguments: CompareEvaluationsInput, session: ToolSession
) -> AsyncGenerator[Both]:
    """Open the rows of two ended evaluations of one type.

    Raises:
        InvalidRequestError: the arguments exclude each other, or the two cannot be compared.
        EvalsMCPError: an evaluation does not exist, or its rows cannot be read.
    """
    a = await _job("evaluation_id_a", arguments.evaluation_id_a, session)
    b = await _job("evaluation_id_b", arguments.evaluation_id_b, session)
    if a.workflow_id == b.workflow_id:
        raise InvalidRequestError(
            "`evaluation_id_a` and `evaluation_id_b` are the same evaluation: call "
            "list_evaluations for the id of the other one."
        )
    if arguments.by and arguments.cluster_column:
        raise InvalidRequestError(
            "`by` and `cluster_column` exclude each other: the intervals of a value take its rows "
            "as independent. Call compare_evaluations once with each."
        )
    for job in (a, b):
        _refuse_running(job)
    refuse_incomparable(a, b)
    files = dict.fromkeys(job.parameters.get("input_data_file_path") for job in (a, b))
    inputs = [await _input_columns(file_id, session) for file_id in files]
    async with session.result_rows(a) as rows_a, session.result_rows(b) as rows_b:
        service_of = session.provider.service_of
        names = service_of(a.workflow_id).name, service_of(b.workflow_id).name
        hidden_a = await waiting.hidden_rows(session, a, rows_a)
        hidden = hidden_a, await waiting.hidden_rows(session, b, rows_b)
        yield Both(arguments, a, b, rows_a, rows_b, _all_inputs(inputs), names, hidden)


async def _job(field: str, evaluation_id: str, session: ToolSession) -> EvaluationJob:
    try:
        return await session.evaluation(await session.evaluation_id(evaluation_id, field))
    except NotFoundError as error:
        raise NotFoundError(f"`{field}`: {error}") from None


def _refuse_running(job: EvaluationJob) -> None:
    """Refuse an evaluation that has not ended, of which only the first rows are judged.

    Raises:
        InvalidRequestError: the evaluation still runs.
    """
    if job.status not in ENDED:
        raise InvalidRequestError(
            f"{job.workflow_id} is {clean(job.status, 40)}: only ended evaluations are compared. "
            "Call get_status with wait_seconds 45 until it has ended, then call this tool again."
        )


async def _input_columns(file_id: str | None, session: ToolSession) -> list[str] | None:
    """Return the columns of a data set; None if it is unknown or cannot be read any more."""
    # Imported here to keep the start of the server fast.
    from evals_mcp.datasets.first_columns import dataset_columns  # noqa: PLC0415

    try:
        return await dataset_columns(file_id, session.provider) if file_id else None
    except EvalsMCPError:
        return None


def _all_inputs(inputs: Sequence[list[str] | None]) -> frozenset[str] | None:
    """Return the columns of all data sets; None if those of one are unknown."""
    readable = [columns for columns in inputs if columns is not None]
    if len(readable) < len(inputs):
        return None
    return frozenset(name for columns in readable for name in columns)


@dataclass(frozen=True)
class Both:
    """Two ended evaluations with their rows. The methods block and run in a worker thread."""

    arguments: CompareEvaluationsInput
    a: EvaluationJob
    b: EvaluationJob
    rows_a: ResultIndex
    rows_b: ResultIndex
    inputs: frozenset[str] | None
    """Columns of the data sets, None if unknown; a service may add other columns to its rows."""
    services: tuple[str, str]
    """The services of A and of B."""
    hidden: waiting.Sides
    """The rows of A and of B that are not shown."""

    @property
    def _spec(self) -> TypeSpec:
        """What is special about the type of both."""
        return type_spec(self.a.type)

    def _inputs(self, index: ResultIndex) -> list[str]:
        inputs = self._spec.own_rows.inputs if self._spec.own_rows else self.inputs
        if inputs is None:
            return index.columns
        return [name for name in index.columns if name in inputs]

    @cached_property
    def joined(self) -> Joined:
        """The pairs of rows that figures count. Raises InvalidRequestError if there are none."""
        a, b = ((self.a, self.rows_a), (self.b, self.rows_b))
        joined = join(keyed_rows(*a, self._key), keyed_rows(*b, self._key))
        refuse_no_pairs(joined, self._key)
        return waiting.all_that_wait_or_none(joined, self.hidden)

    @cached_property
    def every_change(self) -> list[Pair]:
        """The pairs judged differently, the largest change first."""
        return flips(self._spec.comparing.change, self.joined.pairs, self._same_labels)

    @cached_property
    def changed(self) -> list[Pair]:
        """Those of them that may be shown."""
        return waiting.visible_pairs(self.every_change, self.hidden)

    @property
    def _same_labels(self) -> bool:
        return comparability.same_labels(self.a, self.b)

    def answer(self) -> CompareEvaluationsOutput:
        """Return the answer of the tool."""
        query = [self.a.workflow_id, self.b.workflow_id, self.arguments.key]
        start = _start(query, self.arguments.cursor)
        key, joined, comparing = self._key, self.joined, self._spec.comparing
        scale = comparing.scale(self.a, self.b, joined)
        plain = comparing.figures(joined, self._same_labels, scale)
        compared, cautions = self.compared()
        clustered = self._over_clusters(plain, joined, scale)
        figures, compared = clustered.figures, replace(compared, **clustered.headline_facts)
        changed, hidden = self.changed, waiting.notes_of_both(self.hidden)
        page = self._page(changed[start : start + self.arguments.limit], key)
        end = start + len(page)
        cursor = write_cursor(query, end) if page and end < len(changed) else None
        return CompareEvaluationsOutput(
            headline=headline(figures, joined.counts, compared),
            evaluation_id_a=self.a.workflow_id,
            evaluation_id_b=self.b.workflow_id,
            type=str(self.a.type),
            compares=compared.subject,
            comparable="with care" if cautions else "yes",
            warnings=[*(caution.text for caution in cautions), *clustered.notes, *hidden],
            paired_by=shown_columns(key),
            rows=joined.counts,
            agreement=figures.agreement,
            score_agreement=figures.score_agreement,
            passes=figures.passes,
            scores=figures.scores,
            preference=figures.preference,
            clusters=clustered.clusters,
            not_computed=figures.not_computed,
            by=self._by(joined, plain, scale, compared),
            total_flips=len(self.every_change),
            flips=page,
            next_cursor=cursor,
            next_step=_next_step(compared, bool(cautions), cursor),
        )

    def compared(self) -> tuple[Compared, list[Caution]]:
        """Return what the comparison is about, and what weakens it."""
        joined = self.joined
        judge = judge_differences(self.a, self.b, self.services)
        passing = passing_differences(self.a, self.b)
        subject = subject_of(self.a, self.b, joined.same_answers, judge)
        compared = compared_of(self.a, self.b, subject, judge, passing)
        cautions = self._cautions(joined, compared.names)
        judging = comparability.judging_cautions(subject, judge, passing, compared.names)
        return compared, [*judging, *cautions]

    def _by(
        self, joined: Joined, whole: Comparison, scale: Scale | None, compared: Compared
    ) -> Groups | None:
        """Return the figures for each value of the column that is named, None without one."""
        if (column := self.arguments.by) is None:
            return None
        # Imported here because loading SQLite would slow down every start.
        from evals_mcp.result_files.groups import differences_by_column  # noqa: PLC0415

        figure = by_pair(joined, whole, scale, compared)
        visible, hidden = waiting.parts_of_pairs(joined.pairs, self.hidden)
        return differences_by_column(self.rows_a, column, visible, figure, hidden)

    def _over_clusters(
        self, figures: Comparison, joined: Joined, scale: Scale | None
    ) -> ClusteredComparison:
        """Return the figures over clusters, or name the column that would do."""
        from evals_mcp.result_files.clusters import (  # noqa: PLC0415 - as above
            file_clusters,
            file_repeated_input,
        )

        if column := self.arguments.cluster_column:
            inputs = input_columns(dict.fromkeys(self._inputs(self.rows_a)))
            clusters = file_clusters(self.rows_a, column, inputs)
            paired = clusters.of(pair.row_a - 1 for pair in joined.pairs)
            return with_clusters(figures, joined.pairs, paired, scale)
        if self._spec.own_rows:
            return ClusteredComparison(figures)
        answers = ready_answers(self.a.parameters) | ready_answers(self.b.parameters)
        return without_clusters(figures, file_repeated_input(self.rows_a, answers))

    @cached_property
    def _key(self) -> list[str]:
        if self._spec.own_rows and self.arguments.key is None:
            return [self._spec.own_rows.key]
        return key_columns(
            self.arguments.key,
            (self._inputs(self.rows_a), self._inputs(self.rows_b)),
            (self.a.parameters, self.b.parameters),
        )

    def _cautions(self, joined: Joined, names: Names) -> list[Caution]:
        """Return the cautions about the data and the rows."""
        cautions, counts = comparability.request_cautions(self.a, self.b, names), joined.counts
        if not (counts.unmatched_a or counts.unmatched_b):
            # Every row is paired, so it does not matter that the data sets are different files.
            cautions = [caution for caution in cautions if caution.of != "data"]
        cautions += comparability.row_cautions(counts, names)
        for name, rows in zip(names, (self.rows_a, self.rows_b), strict=True):
            if lines := rows.damage.lines:
                text = f"{counted(lines, 'line')} of the result file of {name} cannot be read; "
                first = f"the first is line {rows.damage.first_line}."
                cautions.append(Caution(text + first, "rows"))
            cautions += [Caution(f"{sentence_of(name)}: {note}", "rows") for note in rows.notes]
        return cautions

    def _page(self, pairs: Sequence[Pair], key: list[str]) -> list[Flip]:
        """Return as many of these pairs, with as much of their texts, as the token limit allows."""
        rows = [JudgedRow(pair.row_a, pair.a, self._texts(pair, key)) for pair in pairs]
        few = self.arguments.limit <= DEFAULT_LIMIT
        shown_columns = (name for row in rows for name in row.columns)
        names = [*dict.fromkeys([FEEDBACK_A, FEEDBACK_B, *shown_columns])]
        tokens, shortest = (DEFAULT_TOKENS, _SHORTEST) if few else (LARGEST_TOKENS, SHORTEST)
        if few and self.arguments.by:
            tokens = _TOKENS_BESIDE_VALUES
        page = page_of(rows, names, _CHARS, tokens, shortest)
        shown = zip(pairs, (row.columns for row in page.rows), strict=False)
        return [shown_flip(pair, columns) for pair, columns in shown]

    def _texts(self, pair: Pair, key: list[str]) -> dict[str, Any]:
        """Return both reasons, the judged answers, and the columns that say which row it is."""
        row_a = self.rows_a.read(self.rows_a.by_number([pair.row_a])[0])
        row_b = self.rows_b.read(self.rows_b.by_number([pair.row_b])[0])
        answers_a, answers_b = self._answers(self.a, row_a), self._answers(self.b, row_b)
        columns = input_columns(dict.fromkeys(self._inputs(self.rows_a)))
        others = [name for name in columns if name not in key]
        inputs = [name for name in [*key, *others] if name not in answers_a | answers_b]
        texts = {name: row_a.get(name) for name in inputs[:_COLUMNS_SHOWN]}
        texts |= {FEEDBACK_A: _feedback(row_a), FEEDBACK_B: _feedback(row_b)}
        if answers_a == answers_b:
            return texts | answers_a
        texts |= dict(zip([_ANSWER_A, f"second {_ANSWER_A}"], answers_a.values(), strict=False))
        return texts | dict(
            zip([_ANSWER_B, f"second {_ANSWER_B}"], answers_b.values(), strict=False)
        )

    def _answers(self, job: EvaluationJob, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return the judged answers of a row by column; none if the whole row was judged."""
        if self._spec.own_rows:
            return {self._spec.own_rows.answer: row.get(self._spec.own_rows.answer)}
        if not any(job.parameters.get(side) for side in SIDES):
            return {}
        return {name: row.get(name) for name in answer_columns(job.parameters, ())}


def _start(query: object, cursor: str | None) -> int:
    """Return the index at which the page of flips begins.

    Raises:
        InvalidRequestError: the cursor is not one of compare_evaluations.
    """
    start = read_cursor(query, cursor) if cursor else 0
    if not isinstance(start, int) or start < 0:
        raise InvalidRequestError(
            "`cursor` is not from compare_evaluations: leave it out to start from the first flips."
        )
    return start


def _feedback(row: dict[str, Any]) -> object:
    return next((row[name] for name in _FEEDBACK if row.get(name)), None)


def _next_step(compared: Compared, cautious: bool, cursor: str | None) -> str:
    text = "Report the headline with its interval" + (" and the warnings." if cautious else ".")
    if compared.subject != "answers":
        text += " The answers are the same: the figures are about the judging."
    text += " read_results shows whole rows."
    if cursor:
        text += " For more flips, call compare_evaluations with next_cursor as cursor."
    return text
