"""The table of evaluation types: how rows are read, filtered, summed up and compared.

A new type is a line of this table and the functions that the line names. The tools ask the table
and never for a type's name. `evals_schemas.evaluation_types` names the other tables with a line for
each type.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, Protocol

from evals_mcp.results.comparisons.comparability import (
    refuse_different_labels,
    refuse_different_ranges,
    refuse_different_sides,
    refuse_two_models,
)
from evals_mcp.results.comparisons.comparison import (
    Comparison,
    compare_answers,
    compare_choices,
    compare_labels,
    compare_scores,
    declared_scale,
    unit_scale,
)
from evals_mcp.results.comparisons.flips import (
    Size,
    change_of_answer,
    change_of_choice,
    change_of_label,
    change_of_score,
)
from evals_mcp.results.comparisons.joining import Joined
from evals_mcp.results.groups.figures import (
    Reader,
    by_answer,
    by_choice,
    by_label,
    by_score,
)
from evals_mcp.results.rows import (
    PASSING_SCORE,
    ReadRow,
    Row,
    RowVerdict,
    answer_reader,
    choice_reader,
    label_reader,
    score_reader,
)
from evals_mcp.results.statistics.estimate import Scale
from evals_mcp.results.summaries.benchmark_rows import BenchmarkRows
from evals_mcp.results.summaries.benchmark_summary import (
    has_metrics,
    knows_difference,
    summarize_benchmark,
)
from evals_mcp.results.summaries.clustered import Headline
from evals_mcp.results.summaries.row_summary import (
    Counts,
    choice_totals,
    label_totals,
    score_totals,
)
from evals_mcp.results.summaries.summary import (
    has_labels,
    has_scores,
    rate_headline,
    score_headline,
    summarize_labels,
    summarize_scores,
)
from evals_mcp.results.summaries.win_summary import (
    has_wins,
    knows_orders,
    summarize_wins,
    win_headline,
)
from evals_mcp.results.types.marking import ANSWERS, CHOICES, LABELS, SCORES, Marking
from evals_schemas.evaluation_api.evaluations import EvaluationJob
from evals_schemas.evaluation_types import BENCHMARK, CLASSIFY, COMPARE, SCORE
from evals_schemas.tools.summaries import Summary

Parameters = Mapping[str, Any]


class RowCollection(Protocol):
    """Rows that are added one by one and summed up at the end."""

    def add(self, number: int, verdict: RowVerdict, row: Row) -> None:
        """Add a row with its number and its verdict."""
        ...

    def summary(self, job: EvaluationJob, *, is_part: bool = False) -> Summary | None:
        """Return the summary of the rows, of which there may be more; None without any."""
        ...


@dataclass(frozen=True)
class OwnRows:
    """The columns of a type whose rows are not the rows of a data set with a verdict added."""

    inputs: frozenset[str]
    """The columns that come from the benchmark."""
    key: str
    """The column that pairs the rows of two evaluations."""
    answer: str
    """The column of the judged answer."""
    shown: tuple[str, ...]
    """The columns that are shown with a verdict unless others are requested."""
    error: str
    """The column with the reason of a failure."""
    model: str
    """The parameter with the id of the only model."""
    passing_score: float
    """Score from which on an answer passes if the service does not report which answers do."""


@dataclass(frozen=True)
class Comparing:
    """How two evaluations of one type are compared."""

    refuse: Callable[[EvaluationJob, EvaluationJob], None]
    """Raises InvalidRequestError if a difference would have no meaning."""
    figures: Callable[[Joined, bool, Scale | None], Comparison]
    """Returns the figures of the joined rows. The second argument says whether both have the same
    labels; the third is the range of the scores, None if it is unknown."""
    change: Size
    """Returns how much a pair changed."""
    scale: Callable[[EvaluationJob, EvaluationJob, Joined], Scale | None] = declared_scale
    """Returns the range of the scores; None if it is unknown."""


@dataclass(frozen=True)
class Summing:
    """How an evaluation of one type is summed up."""

    figures: Callable[[Any, Parameters, int | None], Summary]
    """Returns the summary of results; the third argument is the number of rows, None if unknown."""
    has_figures: Callable[[Any], bool]
    """Whether the results have any figure."""
    by_value: Reader
    """Returns the main figure of the rows with one value of a column, and how it is read."""
    totals: Callable[[Counts, Sequence[float], EvaluationJob], dict[str, Any]] | None = None
    """Returns the results that the service would report for these verdicts and scores; None if the
    summary needs whole rows."""
    rows: Callable[[], RowCollection] | None = None
    """Returns what whole rows are added to; None if verdicts and scores suffice."""
    needs_row_count: bool = False
    """Whether the figures need the number of rows if the service does not report it."""
    unit: Literal["answers"] | None = None
    """What is counted; None for rows."""
    totals_suffice: Callable[[Any, Parameters], bool] = lambda _results, _parameters: True
    """Whether the engine's totals give the same headline as the rows."""
    headline: Headline | None = None
    """Words the headline of a summary of rows in clusters; None if the type has no clusters."""
    from_rows_only: str = "Quartiles, histogram and the reasons of failures"
    """The figures that totals cannot give."""


@dataclass(frozen=True)
class TypeSpec:
    """What makes the results of one type of evaluation different from the others."""

    name: str
    read: Callable[[Parameters], ReadRow]
    """Returns the function that reads the verdicts of an evaluation's rows."""
    summing: Summing
    comparing: Comparing
    filters: frozenset[str]
    """The arguments of `read_results` that can match verdicts of this type."""
    can_fail: Callable[[Parameters], bool]
    """Whether a row can pass or fail."""
    verdicts: str = "labels"
    """What verdicts are, in the plural."""
    shows: frozenset[str] = frozenset({"failing", "passing", "invalid", "failed", "all"})
    """The values of `show` of `read_results` that can match rows of this type."""
    rows_to_read: str = "failing ones, or those with a label, decision or score"
    """The rows that are worth reading."""
    instruction_tokens: int = 0
    """Tokens of the engine's instruction to answer with JSON and of its schema, without labels."""
    marking: Marking = LABELS
    """What a person can say about verdicts of this type."""
    own_rows: OwnRows | None = None
    """The columns of rows that are not rows of a data set; None for rows of a data set."""


_SCORE_RANGE = frozenset({"min_score", "max_score"})
_CHOICES_SHOWN = frozenset({"disagreements", "one_order", "invalid", "failed", "all"})

_BENCHMARK_ROWS = OwnRows(
    inputs=frozenset({"question_id", "question", "expected_answer"}),
    key="question",
    answer="model_answer",
    shown=("question", "expected_answer", "model_answer"),
    error="error",
    model="model_id",
    passing_score=PASSING_SCORE,
)


def _has_pass_labels(parameters: Parameters) -> bool:
    return bool(parameters.get("pass_labels"))


def _always(_: Parameters) -> bool:
    return True


def _never(_: Parameters) -> bool:
    return False


_SPECS = (
    TypeSpec(
        CLASSIFY,
        label_reader,
        Summing(summarize_labels, has_labels, by_label, label_totals, headline=rate_headline),
        Comparing(refuse_different_labels, compare_labels, change_of_label),
        filters=frozenset({"label"}),
        can_fail=_has_pass_labels,
        instruction_tokens=96,
    ),
    TypeSpec(
        SCORE,
        score_reader,
        Summing(
            summarize_scores,
            has_scores,
            by_score,
            score_totals,
            needs_row_count=True,
            headline=score_headline,
        ),
        Comparing(refuse_different_ranges, compare_scores, change_of_score),
        filters=_SCORE_RANGE,
        can_fail=_always,
        marking=SCORES,
        instruction_tokens=102,
    ),
    TypeSpec(
        COMPARE,
        choice_reader,
        Summing(
            summarize_wins,
            has_wins,
            by_choice,
            choice_totals,
            needs_row_count=True,
            totals_suffice=knows_orders,
            headline=win_headline,
            from_rows_only="Pairs judged in one order only, position bias and answer lengths",
        ),
        Comparing(refuse_different_sides, compare_choices, change_of_choice),
        filters=frozenset({"decision"}),
        can_fail=_never,
        shows=_CHOICES_SHOWN,
        marking=CHOICES,
        instruction_tokens=119,
    ),
    TypeSpec(
        BENCHMARK,
        answer_reader,
        Summing(
            summarize_benchmark,
            has_metrics,
            by_answer,
            rows=BenchmarkRows,
            unit="answers",
            totals_suffice=knows_difference,
            from_rows_only="Counted answers and a paired difference of two models",
        ),
        Comparing(refuse_two_models, compare_answers, change_of_answer, unit_scale),
        filters=_SCORE_RANGE | {"label"},
        can_fail=_always,
        verdicts="models",
        rows_to_read="wrong answers, those with a score, or with `label` those of one model",
        marking=ANSWERS,
        own_rows=_BENCHMARK_ROWS,
    ),
)

TYPES: Mapping[str, TypeSpec] = MappingProxyType({spec.name: spec for spec in _SPECS})
"""Every type of evaluation by its name."""


def type_spec(name: str | None) -> TypeSpec:
    """Return what is special about a type; a type of a later version is read as labels."""
    return TYPES.get(name or "") or TYPES[CLASSIFY]


def row_reader(name: str | None, parameters: Parameters) -> ReadRow:
    """Return the function that reads the rows of an evaluation of this type and parameters."""
    return type_spec(name).read(parameters)
