"""The main figure of the rows with one value, taken from their summary."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from evals_mcp.cleaning import quoted
from evals_mcp.results.sides import side_names
from evals_mcp.results.statistics.estimate import rounded
from evals_mcp.results.statistics.two_samples import Moments
from evals_schemas.tools.comparisons import DifferenceInterval
from evals_schemas.tools.groups import Measured, Unit
from evals_schemas.tools.summaries import BenchmarkDifference, Interval, LabelCount, Rate, Summary

_NAME = 40
_LABELS = 3


@dataclass(frozen=True)
class Share:
    """Rows that pass or fail, to be tested against those of all other values."""

    passed: int
    n: int


@dataclass(frozen=True)
class PairedTest:
    """A paired difference, tested against 0 within its own rows."""

    p_value: float | None
    """None if no pair differs."""


Tested = Share | Moments | PairedTest
"""What is tested; moments are in the unit of the figure."""


@dataclass(frozen=True)
class GroupFigures:
    """The figures of the rows with one value."""

    counted: int = 0
    """Rows, answers or pairs in the main figure."""
    main: Measured | None = None
    """The main figure; None if it is undefined for these rows."""
    tested: Tested | None = None
    """None if nothing can be tested."""
    others: Mapping[str, Measured] = field(default_factory=dict[str, Measured])
    counts: Mapping[str, int] = field(default_factory=dict[str, int])


@dataclass(frozen=True)
class MainFigure:
    """What the main figure of every value is called, and how it is read."""

    name: str
    """Such as `pass rate`."""
    unit: Unit
    of: str
    """What it counts, in the plural, such as `answers`."""
    low: str = "lower than the other rows"
    """What is said of a value with a low figure."""
    high: str = "higher than the other rows"
    """What is said of a value with a high figure."""
    none: str = "no value clearly differs from the other rows"
    """What is said if neither is shown of any value."""
    is_difference: bool = False
    """Whether the figure is tested against 0 instead of against the other rows."""
    is_tested: bool = True
    """Whether values may be called low or high."""
    note: str | None = None
    """What else has to be known of it."""
    missing: str = "no row has a valid verdict"
    """Why a value may have no figure."""


Read = Callable[[Summary, int], GroupFigures]
"""Returns the figures of a summary of so many rows."""

Reader = Callable[[Mapping[str, Any]], tuple[MainFigure | None, Read]]
"""Returns for the parameters of an evaluation its main figure, and how a summary is read; the
figure is None if the evaluation does not say which rows are better."""


def by_label(parameters: Mapping[str, Any]) -> tuple[MainFigure | None, Read]:
    """Return how labels are read: the pass rate, or the most frequent labels."""
    if parameters.get("pass_labels"):
        return MainFigure("pass rate", "%", "answers"), _pass_rate
    return None, _labels


def _pass_rate(summary: Summary, _rows: int) -> GroupFigures:
    rate = summary.pass_rate
    if rate is None or rate.count is None or rate.of is None:
        return GroupFigures()
    return GroupFigures(rate.of, measured(rate), Share(rate.count, rate.of))


def _labels(summary: Summary, rows: int) -> GroupFigures:
    labels: list[LabelCount] = summary.labels or []
    counts = {quoted(one.label, _NAME): one.count for one in labels[:_LABELS] if one.count}
    failed = summary.failures.total if summary.failures else None
    return GroupFigures(rows - (failed or 0), counts=counts)


def by_score(_: Mapping[str, Any]) -> tuple[MainFigure | None, Read]:
    """Return how scores are read: the mean, and the pass rate beside it."""
    return MainFigure("mean score", "score", "answers"), _mean_score


def _mean_score(summary: Summary, _rows: int) -> GroupFigures:
    scores, rate = summary.scores, summary.pass_rate
    if scores is None or not scores.n:
        return GroupFigures()
    deviation = 0.0 if scores.n == 1 else scores.std
    tested = None
    if deviation is not None:
        tested = Moments(scores.n, scores.mean, deviation * (scores.n - 1) ** 0.5)
    others = {"pass rate in %": measured(rate)} if rate else {}
    return GroupFigures(scores.n, figure(scores.mean, scores.interval), tested, others)


def by_choice(parameters: Mapping[str, Any]) -> tuple[MainFigure | None, Read]:
    """Return how choices are read: the win rate of the first side, a tie as half a win."""
    a, b = side_names(parameters)
    main = MainFigure(
        f"win rate of {a}",
        "%",
        "pairs",
        note=f"A tie is half a win of {a} over {b}.",
        missing="no pair was judged in both orders, or the order decided most of the pairs",
    )

    def read(summary: Summary, _rows: int) -> GroupFigures:
        wins = summary.wins
        if wins is None:
            return GroupFigures()
        pairs = wins.a + wins.b + wins.ties
        counts = {a: wins.a, b: wins.b, "ties": wins.ties}
        if not pairs:
            return GroupFigures(counts=counts)
        # Pairs whose order decided are among the other rows of the other values.
        tested = _moments_of_wins(wins.a, wins.b, wins.ties)
        percent = wins.a_percent
        share = None if percent is None else figure(percent, wins.a_interval)
        return GroupFigures(pairs, share, tested, counts=counts)

    return main, read


def _moments_of_wins(wins: int, losses: int, ties: int) -> Moments:
    """Return the moments of 100 for each win, 50 for each tie and 0 for each loss."""
    n = wins + losses + ties
    mean = (100 * wins + 50 * ties) / n
    squares = wins * (100 - mean) ** 2 + ties * (50 - mean) ** 2 + losses * mean**2
    return Moments(n, mean, squares**0.5)


def by_answer(parameters: Mapping[str, Any]) -> tuple[MainFigure | None, Read]:
    """Return how a benchmark is read: correct answers, or the second model minus the first."""
    if not parameters.get("model_id_2"):
        return MainFigure("correct answers", "%", "answers"), _correct_answers
    first, second = (
        quoted(str(parameters.get(name)), _NAME) for name in ("model_id", "model_id_2")
    )
    main = MainFigure(
        f"correct answers of {second} minus those of {first}",
        "points",
        "questions",
        low=f"{second} below {first}",
        high=f"{second} above {first}",
        none=f"{first} and {second} clearly differ for no value",
        is_difference=True,
        missing="no answers of both models to one question have a verdict",
    )
    return main, _two_models


def _correct_answers(summary: Summary, _rows: int) -> GroupFigures:
    models = summary.benchmark.models if summary.benchmark else []
    rate = models[0].correct if models else None
    if rate is None or rate.count is None or rate.of is None:
        return GroupFigures()
    return GroupFigures(rate.of, measured(rate), Share(rate.count, rate.of))


def _two_models(summary: Summary, _rows: int) -> GroupFigures:
    benchmark = summary.benchmark
    if benchmark is None:
        return GroupFigures()
    others = {
        f"{quoted(model.model_id, _NAME)} in %": measured(model.correct)
        for model in benchmark.models
        if model.correct
    }
    correct = (one for one in benchmark.differences if one.of == "correct")
    difference: BenchmarkDifference | None = next(correct, None)
    if difference is None:
        return GroupFigures(others=others)
    return GroupFigures(
        difference.questions,
        figure(difference.difference, difference.interval),
        PairedTest(difference.p_value),
        others,
    )


def figure(value: float, interval: Interval | DifferenceInterval | None) -> Measured:
    """Return a figure with the ends of its interval, if it has one."""
    ends = [interval.low, interval.high] if interval else []
    return [rounded(value), *ends]


def measured(rate: Rate) -> Measured:
    """Return a rate in percent with the ends of its interval, if it has one."""
    return figure(rate.percent, rate.interval)
