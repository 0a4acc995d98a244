"""Two evaluations beside labels: which judge is nearer, or the difference as people see it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from evals_mcp.results.calibration.agreement import measured
from evals_mcp.results.calibration.corrected import WINS, Correction, corrected_mean
from evals_mcp.results.calibration.counted import FEWEST, CountedLabels
from evals_mcp.results.calibration.labels import LabelValue
from evals_mcp.results.number_text import counted as counted_text
from evals_mcp.results.number_text import ends, score, score_ends, signed
from evals_mcp.results.statistics.estimate import Estimate, Scale, rounded
from evals_mcp.results.statistics.paired import paired_mean_difference, paired_rate_difference
from evals_mcp.results.statistics.rates import rate
from evals_mcp.results.statistics.scores import mean
from evals_mcp.results.types.marking import Marking
from evals_schemas.tools.comparisons import ComparedLabels
from evals_schemas.tools.groups import Measured
from evals_schemas.tools.summaries import CorrectedFigure

_SAMPLES = frozenset({"random", "all"})


@dataclass(frozen=True, slots=True)
class ValuePair:
    """The verdicts on one row in both evaluations."""

    row_a: int
    row_b: int
    a: LabelValue
    b: LabelValue


@dataclass(frozen=True)
class LabelledPairs:
    """The pairs of two evaluations and the labels that count in each."""

    pairs: Sequence[ValuePair]
    a: CountedLabels | None
    """None if A has no label."""
    b: CountedLabels | None
    same_data: bool = False
    """Whether both are of one data set, so that their samples begin with the same rows."""


def nearer_judge(
    labelled: LabelledPairs, marking: Marking, names: tuple[str, str]
) -> ComparedLabels | None:
    """Return which of two judges of the same answers is nearer to the labels; None without any.

    Args:
        labelled: the pairs, whose labels are about the same answers in both evaluations.
        marking: how verdicts of the type are marked.
        names: the names of the judges.
    """
    sides = [side for side in (labelled.a, labelled.b) if side is not None]
    if not sides:
        return None
    best = max(sides, key=lambda side: (side.refusal is None, len(side.rows)))
    if (reason := _refusal(best)) is not None:
        return _refused(reason)
    number_of = {pair.row_a if best is labelled.a else pair.row_b: pair for pair in labelled.pairs}
    rows = [
        (number_of[row.row].a, number_of[row.row].b, row.label)
        for row in best.rows
        if row.row in number_of
    ]
    if len(rows) < FEWEST:
        return _refused(_too_few(len(rows)))
    if marking.number is float:
        return _nearer_scores(rows, names)
    right = Counter((a == label, b == label) for a, b, label in rows)
    only_a, only_b, n = right[True, False], right[False, True], len(rows)
    difference = paired_rate_difference(only_a, only_b, n)
    assert difference is not None, "there are rows"
    both = right[True, True]
    sentence = _nearer(names, difference, n, 100)
    return ComparedLabels(
        sentences=[sentence],
        labels=n,
        agreement_a=measured(rate(both + only_a, n), 100),
        agreement_b=measured(rate(both + only_b, n), 100),
        difference=measured(difference, 100),
    )


def corrected_difference(
    labelled: LabelledPairs,
    number: Callable[[LabelValue], float],
    scale: Scale | None,
    unit: tuple[str, str],
) -> ComparedLabels | None:
    """Return the difference of two evaluations of other answers, corrected row by row.

    None if neither has a label.

    Args:
        labelled: the pairs, and the labels of both sides.
        number: returns a verdict or a label as a number.
        scale: the range of a difference; `WINS` for passes, None if unknown.
        unit: the name of the figure, and `points` or `score`.
    """
    if labelled.a is None and labelled.b is None:
        return None
    if labelled.a is None or labelled.b is None:
        side, other = ("A", "B") if labelled.b is None else ("B", "A")
        return _refused(
            f"Only {side} has labels; a difference needs labels for both answers of a row. "
            f"{_how_to_pair(labelled, other, FEWEST)}"
        )
    for name, side_labels in (("A", labelled.a), ("B", labelled.b)):
        if reason := _refusal(side_labels):
            return _refused(f"Of {name}: {reason[:1].lower()}{reason[1:]}")
    labels_a, labels_b = (
        {row.row: row.label for row in side.rows} for side in (labelled.a, labelled.b)
    )
    both = [pair for pair in labelled.pairs if pair.row_a in labels_a and pair.row_b in labels_b]
    if len(both) < FEWEST:
        return _refused(_few_pairs(labelled, len(both), len(labels_a), len(labels_b)))
    every = Counter[float](number(pair.b) - number(pair.a) for pair in labelled.pairs)
    correction = corrected_mean(
        every,
        [number(pair.b) - number(pair.a) for pair in both],
        [number(labels_b[pair.row_b]) - number(labels_a[pair.row_a]) for pair in both],
        scale,
    )
    if isinstance(correction, str):
        return _refused(correction)
    figure = _figure(correction, unit)
    return ComparedLabels(
        sentences=list(_difference_sentences(figure, len(both))),
        labels=len(both),
        corrected=figure,
    )


def headline_with_labels(headline: str, labels: ComparedLabels | None) -> str:
    """Return the headline of a comparison with what the labels say, first if the judge is off."""
    if labels is None or (labels.difference is None and labels.corrected is None):
        return headline
    if labels.corrected is not None and labels.corrected.is_off:
        return f"{labels.sentences[0]} By the judge alone: {headline}"
    return f"{headline} {labels.sentences[0]}"


def _nearer_scores(
    rows: Sequence[tuple[LabelValue, LabelValue, LabelValue]], names: tuple[str, str]
) -> ComparedLabels:
    errors = [(abs(float(a) - float(label)), abs(float(b) - float(label))) for a, b, label in rows]
    difference = paired_mean_difference([b - a for a, b in errors])
    assert difference is not None, "there are rows"
    nearer = Estimate(-difference.value, None, difference.n, difference.method)
    if difference.interval:
        low, high = difference.interval
        nearer = Estimate(-difference.value, (-high, -low), difference.n, difference.method)
    return ComparedLabels(
        sentences=[_nearer(names, nearer, len(rows), 1)],
        labels=len(rows),
        error_a=measured(mean([a for a, _ in errors])),
        error_b=measured(mean([b for _, b in errors])),
        difference=measured(difference),
    )


def _nearer(names: tuple[str, str], difference: Estimate, labels: int, scale: int) -> str:
    """Return which judge is nearer; a difference above 0 is in favour of the second."""
    start = f"Beside {labels} labels of people"
    shown = difference.interval is not None and not (
        difference.interval[0] <= 0 <= difference.interval[1]
    )
    if not shown:
        interval = _interval_text(difference, scale)
        return f"{start}, neither judge is shown to be nearer{interval}."
    first = difference.value < 0
    name = names[0] if first else names[1]
    value = abs(difference.value)
    low, high = sorted(abs(end) for end in difference.interval or ())
    if scale == 100:
        text = (
            f"agrees on {100 * value:.1f} points more (95 % interval {ends(100 * low, 100 * high)})"
        )
    else:
        text = f"is nearer by {score(value)} on average (95 % interval {score_ends(low, high)})"
    return f"{start}, {name} {text}."


def _interval_text(difference: Estimate, scale: int) -> str:
    if difference.interval is None:
        return ""
    low, high = (scale * end for end in difference.interval)
    if scale == 100:
        return f" (B agrees on {signed(low)} to {signed(high)} points, 95 % interval)"
    return f" (B is nearer by {score_ends(low, high)}, 95 % interval)"


def _difference_sentences(figure: CorrectedFigure, labels: int) -> Iterator[str]:
    place = ", outside of this interval" if figure.is_off else ""
    yield (
        f"Corrected by labels for both answers of {counted_text(labels, 'row')}: {figure.of} "
        f"{_difference_text(figure.figure, figure.unit)}; by the judge alone "
        f"{_number(figure.judge_alone, figure.unit)}{place}."
    )
    if figure.worth_labels is None:
        yield "The labels alone say as much; the judge adds nothing to them."


def _difference_text(figure: Measured, unit: str) -> str:
    text = _number(figure[0], unit)
    if len(figure) < 3:
        return text
    low, high = figure[1:]
    interval = f"{signed(low)} to {signed(high)}" if unit == "points" else score_ends(low, high)
    return f"{text} (95 % interval {interval})"


def _number(value: float, unit: str) -> str:
    return f"{signed(value)} points" if unit == "points" else score(value)


def _figure(correction: Correction, unit: tuple[str, str]) -> CorrectedFigure:
    scale = 100 if unit[1] == "points" else 1

    def shown(estimate: Estimate) -> Measured:
        return [rounded(scale * value) for value in (estimate.value, *(estimate.interval or ()))]

    worth = correction.worth
    return CorrectedFigure(
        of=unit[0],
        unit="points" if unit[1] == "points" else "score",
        figure=shown(correction.estimate),
        method=correction.method,
        judge_alone=rounded(scale * correction.judge_alone),
        labels_alone=None if correction.alone is None else shown(correction.alone),
        worth_labels=None if worth is None else float(round(worth)),
    )


def _refusal(counted: CountedLabels) -> str | None:
    if counted.refusal is not None:
        return counted.refusal
    if counted.plan not in _SAMPLES:
        return "A balanced sample corrects a pass rate only: label a random sample."
    return None


def _few_pairs(labelled: LabelledPairs, both: int, of_a: int, of_b: int) -> str:
    how = _how_to_pair(labelled, "A" if of_a < of_b else "B", FEWEST - both)
    return (
        f"{counted_text(both, 'row')} with labels on both sides, of {of_a} of A and {of_b} of B; "
        f"{FEWEST} are the fewest. {how}"
    )


def _how_to_pair(labelled: LabelledPairs, side: str, more: int) -> str:
    """Return how the labels come about that lack on one side."""
    if labelled.same_data:
        return (
            f"Samples of one data set begin with the same rows: label {more} more for {side}, with "
            "label_rows."
        )
    return (
        "The two are of different data sets, whose samples have different rows: judge both answers "
        "from one data set, and label the same rows of both."
    )


def _too_few(labels: int) -> str:
    return f"{counted_text(labels, 'pair')} with labels; {FEWEST} are the fewest."


def _refused(reason: str) -> ComparedLabels:
    return ComparedLabels(
        sentences=[f"Labels correct nothing here: {reason[:1].lower()}{reason[1:]}"],
        labels=0,
        not_computed={"corrected": reason},
    )


def figures_of(
    marking: Marking, parameters: Mapping[str, object]
) -> tuple[Callable[[LabelValue], float], Scale | None, tuple[str, str]] | None:
    """Return how verdicts become numbers, the range of a difference, and its name and unit.

    None if rows have no figure that could differ.
    """
    if marking.number is float:
        scale = marking.scale(parameters)
        spread = (scale[0] - scale[1], scale[1] - scale[0]) if scale else None
        return float, spread, ("mean score, B minus A", "score")
    if (wins := marking.number) is not None:
        # A net preference above 0 is for side B.
        return (lambda value: -wins(value)), (-2.0, 2.0), ("net preference, B minus A", "points")
    passes = marking.passes(parameters)
    if passes is None:
        return None
    return (lambda value: float(passes(value))), WINS, ("pass rate, B minus A", "points")
