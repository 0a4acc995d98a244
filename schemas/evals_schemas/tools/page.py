"""What the page shows, in a report and in the viewer: a tool's answer and what it lacks.

The page computes no figure: counts, shares and sums that it draws are fields of these models. Texts
are data from others; the page shows them as text and nothing else.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from evals_schemas.contract import Request
from evals_schemas.tools.comparisons import CompareEvaluationsOutput
from evals_schemas.tools.outputs import (
    GetEvaluationOutput,
    ListEvaluationsOutput,
    StatusOutput,
)
from evals_schemas.tools.result_pages import Show
from evals_schemas.tools.summaries import Rate

ColumnRole = Literal["input", "answer", "answer_a", "answer_b"]
"""What a column holds: what the judge was given, or the judged answers."""

Change = Literal["gained", "lost"]
"""Whether a pair passes in B only, or in A only."""


Opinion = Literal["right", "wrong", "unsure"]
"""What a person says about a verdict."""

MarkSource = Literal["page", "app"]
"""Where a person marks: the viewer of this machine, or the page in a chat."""


class RowQuery(Request):
    """Which rows of an evaluation the page asks for."""

    show: Show = Field(default="all", description="As in read_results.")
    label: str | None = Field(default=None, description="As in read_results.")
    decision: Literal["A", "B", "Tie"] | None = Field(
        default=None, description="As in read_results."
    )
    min_score: float | None = Field(default=None, description="As in read_results.")
    max_score: float | None = Field(default=None, description="As in read_results.")
    text: str | None = Field(default=None, description="As in read_results.", min_length=1)
    sample_rows: int | None = Field(
        default=None,
        description="The first so many rows of the sample, in its order; with text at most.",
        ge=1,
        le=500,
    )


class FlipQuery(Request):
    """Which changed pairs of a comparison the page asks for."""

    change: Change | None = Field(default=None, description="gained or lost passes; all if None.")
    verdict_a: str | None = Field(default=None, description="A name of the matrix, for A.")
    verdict_b: str | None = Field(default=None, description="A name of the matrix, for B.")
    text: str | None = Field(
        default=None, description="In a column of either row, ignoring case.", min_length=1
    )


class PageColumn(BaseModel):
    """One column of the rows."""

    name: str
    role: ColumnRole


class JudgeReason(BaseModel):
    """What a judge wrote about a row."""

    text: str
    order: Literal["A, B", "B, A"] | None = None
    """The order in which the answers were shown; None unless both orders were judged."""
    choice: str | None = None
    """The choice in this order, as A or B of the evaluation; None without one."""


class RowMark(BaseModel):
    """What the person who looks said about the verdict of a row."""

    opinion: Opinion
    should_be: str | float | None = None
    """What a wrong verdict should be; None if it was not said."""
    at: str
    """When, in UTC."""


class PageRow(BaseModel):
    """One judged row, with its texts whole unless `cut`."""

    row: int
    """Its number in the result file, from 1."""
    state: str
    """`ok`, or why the row has no valid verdict: see `RowState`."""
    verdict: str | None = None
    score: float | None = None
    passed: bool | None = None
    problem: str | None = None
    """Why it has no valid verdict, as a sentence; None if it has one."""
    orders_differ: bool = False
    """Whether the two orders led to different choices."""
    reasons: list[JudgeReason]
    texts: list[str | None]
    """One text for each of the columns; None where the row has no value."""
    cut: bool = False
    """Whether a text was too long to be shown whole."""
    mark: RowMark | None = None
    label: str | None = None
    """What people say that the verdict should be, as a sentence; None without a label."""


class RowsPage(BaseModel):
    """Some rows of an evaluation."""

    total: int
    """Rows in the result file."""
    matching: int
    """Rows that match."""
    columns: list[PageColumn]
    rows: list[PageRow]
    next_cursor: str | None = None
    """For the rows that follow; None at the end."""
    notes: list[str]
    """What is missing from the file."""
    sample_seed: int | None = None
    """The seed of the sample that the rows are of; None for rows that were not drawn."""


class Share(BaseModel):
    """Some of the rows of an evaluation, as a part of a bar."""

    name: str
    count: int
    percent: float
    """Of all rows of the bar."""
    tone: Literal["good", "bad", "none", "empty", "a", "b"]
    """good and bad: passes and fails; none: no verdict, or a tie; empty: not judged."""
    query: RowQuery | None = None
    """The rows; None if no query has exactly these rows."""


class Filter(BaseModel):
    """Some rows that can be asked for by name."""

    name: str
    count: int
    query: RowQuery


class Bin(BaseModel):
    """The scores of a range."""

    low: float
    high: float
    count: int
    passes: bool | None = None
    """Whether all scores of the range pass; None if some do, or if no threshold is known."""
    query: RowQuery
    """The rows with these scores."""


class Matrix(BaseModel):
    """Rows by two verdicts."""

    names: list[str]
    """The verdicts, of the rows of the table and of its columns."""
    passes: list[bool | None]
    """Whether each verdict is a pass; None if unknown."""
    counts: list[list[int]]
    """counts[i][j]: rows with the verdict i first and j second."""
    row_totals: list[int]
    column_totals: list[int]


class Setting(BaseModel):
    """One parameter of an evaluation, or of two."""

    name: str
    """With dots for nested ones, such as `judge.model`."""
    value: str | None = None
    """As text, with its line breaks; None if the evaluation has no such parameter."""
    value_b: str | None = None
    """comparison: that of B."""


class WinRate(BaseModel):
    """The win rate of one side, with a tie as half a win."""

    side: Literal["A", "B"]
    rate: Rate


class MarkedSample(BaseModel):
    """The marks of the first rows of a random order, up to the first row without a mark."""

    seed: int
    right: int
    wrong: int
    unsure: int
    rate: Rate | None = None
    """Those marked right, of those marked right or wrong; None without any."""


class MarksPage(BaseModel):
    """What the person who looks said about verdicts, and may say."""

    may_mark: bool
    names: list[str]
    """The values that a verdict can have; empty for numbers."""
    low: float | None = None
    """score: the lowest number; None if it is unknown."""
    high: float | None = None
    right: int = 0
    wrong: int = 0
    unsure: int = 0
    sample: MarkedSample | None = None
    """None before a row of the sample was marked."""
    sentences: list[str] = Field(default_factory=list[str])
    """What the marks say, and what limits them; empty without marks."""


class MarkAnswer(BaseModel):
    """A mark that was stored."""

    row: int
    mark: RowMark | None = None
    """None if it was taken back."""
    marks: MarksPage


class EvaluationPage(BaseModel):
    """One evaluation as the page shows it."""

    answer: GetEvaluationOutput
    """The answer of `get_evaluation`."""
    judge: str | None = None
    """The judge's model or rule; None if unknown."""
    sides: tuple[str, str] | None = None
    """compare: what A and B are."""
    win_rate: WinRate | None = None
    """compare: the win rate of the better side; None without one."""
    shares: list[Share] = Field(default_factory=list[Share])
    """All rows by outcome."""
    shares_total: int = 0
    """The rows of all shares."""
    bins: list[Bin] | None = None
    """score: the scores by range; None without rows."""
    outside: int = 0
    """score: scores outside of the ranges."""
    orders: Matrix | None = None
    """compare: choices when shown as A, B and as B, A; None if one order was judged."""
    filters: list[Filter] = Field(default_factory=list[Filter])
    """The queries that suit the type; empty without rows."""
    default_query: RowQuery | None = None
    """The rows that are shown first; None without rows."""
    by_columns: list[str] = Field(default_factory=list[str])
    """Columns by whose values figures make sense."""
    settings: list[Setting]
    """The parameters whole, without keys and addresses."""
    may_stop: bool = False
    """Whether the page may stop the evaluation."""
    marks: MarksPage | None = None
    """None without rows, or if the state cannot be read."""


class ChangedPair(BaseModel):
    """One row that A and B judged differently."""

    a: PageRow
    """In A, with no texts: they are in the fields below."""
    b: PageRow
    shared: list[tuple[str, str]]
    """Columns with the same text in both, by name."""
    own_a: list[tuple[str, str]]
    """The other columns of A, the judged answer among them."""
    own_b: list[tuple[str, str]]


class FlipsPage(BaseModel):
    """Some changed pairs of a comparison, the largest change first."""

    total: int
    """Pairs judged differently."""
    matching: int
    """Pairs that match."""
    pairs: list[ChangedPair]
    next_cursor: str | None = None
    """For the pairs that follow; None at the end."""


class ComparisonPage(BaseModel):
    """Two evaluations side by side as the page shows them."""

    answer: CompareEvaluationsOutput
    """The answer of `compare_evaluations`, without flips."""
    names: tuple[str, str]
    """What A and B are, in a few words."""
    changes: Matrix | None = None
    """Pairs by verdict in A and in B; None if verdicts have no names."""
    gained: int | None = None
    """Pairs that pass in B only; None if the type has no pass."""
    lost: int | None = None
    """Pairs that pass in A only; None if the type has no pass."""
    by_columns: list[str] = Field(default_factory=list[str])
    """Columns by whose values figures make sense."""
    settings: list[Setting]
    """The parameters of both."""


class StatusPage(BaseModel):
    """A running evaluation."""

    answer: StatusOutput
    """The answer of `get_status`."""
    percent: float | None = None
    """Share of the units that are done; None if unknown."""
    per_second: float | None = None
    """Units a second of late; None before that can be said."""
    seconds_left: float | None = None
    """Seconds left at that speed; None if unknown."""
    may_stop: bool = False


class ListPage(BaseModel):
    """The newest evaluations."""

    answer: ListEvaluationsOutput
    """The answer of `list_evaluations`."""


class Report(BaseModel):
    """The data of a report: one evaluation with rows, or a comparison with changed pairs."""

    made_at: str
    """When it was written, with its zone, to be shown as it is."""
    version: str
    """The version of the program."""
    left_out: list[str]
    """What the report does not hold, a sentence each; empty if it holds everything."""
    evaluation: EvaluationPage | None = None
    rows: RowsPage | None = None
    """The rows of `evaluation`; None if the report was asked for without, or there are none."""
    comparison: ComparisonPage | None = None
    flips: FlipsPage | None = None
    """The changed pairs of `comparison`."""
