"""The calibration of an evaluation: agreement with the labels, and what they correct."""

from __future__ import annotations

from collections import Counter
from statistics import median
from typing import Any

from evals_mcp.cleaning import quoted
from evals_mcp.results.calibration.agreement import (
    agreement_figures,
    balanced_agreement,
    ceiling,
    class_figures,
    matrix,
    measured,
    score_figures,
)
from evals_mcp.results.calibration.corrected import (
    WINS,
    Correction,
    corrected_mean,
    corrected_rate,
    label_strata,
)
from evals_mcp.results.calibration.counted import CountedLabels
from evals_mcp.results.calibration.judged import JudgedRows, classes_of
from evals_mcp.results.calibration.labels import Labels
from evals_mcp.results.calibration.sentences import sentences
from evals_mcp.results.statistics.corrections.label_numbers import labels_for_half_width
from evals_mcp.results.statistics.corrections.rogan_gladen import informedness
from evals_mcp.results.statistics.estimate import Estimate, rounded
from evals_mcp.results.types.marking import Passes
from evals_schemas.tools.summaries import Calibration, CorrectedFigure, MoreLabels

_HALF_WIDTHS = (10.0, 5.0, 3.0, 2.0)
"""Half-widths in points for which labels are counted: the next two that are narrower."""

_LABEL_SHARES = 4
_NAME = 40

NOT_TOLD_APART = "judge"
"""The key in `not_computed` of a judge that is not shown to tell good from bad."""


def calibration_of(rows: JudgedRows, labels: Labels, counted: CountedLabels) -> Calibration:
    """Return the labels beside the verdicts.

    Args:
        rows: all rows with a verdict.
        labels: all labels of the evaluation.
        counted: those that count.
    """
    absent: dict[str, str] = {}
    answer = Calibration(
        sentences=[],
        labels=len(counted.rows),
        waiting=counted.waiting,
        kind=counted.kind,
        labellers=counted.labellers,
        plan=counted.plan,
        seed=counted.sample.seed if counted.sample else None,
        skipped=counted.sample.skipped if counted.sample else 0,
        of_other_answers=labels.of_other_answers,
        ceiling=ceiling(counted),
    )
    if counted.rows:
        answer = answer.model_copy(update=_agreement(rows, counted, absent))
    if counted.refusal is not None:
        absent["corrected"] = counted.refusal
    elif counted.rows:
        corrections = _corrections(rows, counted, absent)
        answer.corrected = [
            _shown(name, unit, correction) for name, (unit, correction) in corrections.items()
        ]
        if corrections:
            unit, correction = next(iter(corrections.values()))
            answer.labels_for = _labels_for(unit, correction, rows.total, counted)
        _add_doubt(rows, counted, absent)
    answer.not_computed = absent
    answer.sentences = list(sentences(answer, rows, counted))
    return answer


def _agreement(rows: JudgedRows, counted: CountedLabels, absent: dict[str, str]) -> dict[str, Any]:
    passes = rows.passes
    names = 0 if rows.marking.number is float else len(rows.marking.names(rows.parameters)) or 2
    figures: dict[str, Any] = {"matrix": matrix(counted.rows)}
    if counted.plan == "balanced":
        absent["kappa"] = absent["ac1"] = "The sample is balanced by what the judge passes."
        if passes is not None:
            figures["agreement"] = measured(
                balanced_agreement(counted, passes, rows.passed, rows.total), 100
            )
            figures |= _balanced_classes(rows, counted, passes)
        return figures
    figures |= agreement_figures(counted, names, absent)
    if passes is not None:
        figures |= class_figures(counted, passes, absent)
    if not names:
        figures |= score_figures(counted, absent)
    return figures


def _balanced_classes(
    rows: JudgedRows, counted: CountedLabels, passes: Passes
) -> dict[str, list[float]]:
    """Return sensitivity and specificity, weighted by the rows of each half, without intervals."""
    table = Counter((passes(row.verdict), passes(row.label)) for row in counted.rows)
    weights = {True: rows.passed, False: rows.total - rows.passed}
    shares = dict[tuple[bool, bool], float]()
    for verdict in (True, False):
        labelled = table[verdict, True] + table[verdict, False]
        for label in (True, False):
            share = table[verdict, label] / labelled if labelled else 0.5
            shares[verdict, label] = weights[verdict] * share
    figures = dict[str, list[float]]()
    for name, passing in (("sensitivity", True), ("specificity", False)):
        of_label = shares[True, passing] + shares[False, passing]
        if of_label:
            figures[name] = [rounded(100 * shares[passing, passing] / of_label)]
    return figures


def _corrections(
    rows: JudgedRows, counted: CountedLabels, absent: dict[str, str]
) -> dict[str, tuple[str, Correction]]:
    """Return the corrected figures by name with their units, the main one first."""
    figures = dict[str, tuple[str, Correction]]()
    number, passes = rows.marking.number, rows.passes
    if number is not None:
        every = Counter[float]()
        for verdict, n in rows.verdicts.items():
            every[number(verdict)] += n
        is_wins = number is not float
        name = f"win rate of {rows.side}" if is_wins else "mean score"
        corrected = corrected_mean(
            every,
            [number(row.verdict) for row in counted.rows],
            [number(row.label) for row in counted.rows],
            WINS if is_wins else rows.marking.scale(rows.parameters),
            counted.plan,
        )
        if isinstance(corrected, str):
            absent[name] = corrected
        else:
            figures[name] = ("wins" if is_wins else "score", corrected)
    if passes is not None:
        figures["pass rate"] = ("%", corrected_rate(rows.verdicts, counted, passes))
    elif number is None:
        commonest = Counter(rows.verdicts).most_common(_LABEL_SHARES)
        strata = label_strata(rows.verdicts, counted)
        for label, _ in commonest:
            figures[f"share of {quoted(str(label), _NAME)}"] = (
                "%",
                corrected_rate(rows.verdicts, counted, label.__eq__, strata),
            )
    return figures


def _shown(name: str, unit: str, correction: Correction) -> CorrectedFigure:
    """Return a figure in percent, or in the unit of the scores."""

    def shown(value: float) -> float:
        if unit == "wins":
            return rounded(50 * (1 + value))
        return rounded(value if unit == "score" else 100 * value)

    def figure(estimate: Estimate) -> list[float]:
        return [shown(value) for value in (estimate.value, *(estimate.interval or ()))]

    worth = correction.worth
    return CorrectedFigure(
        of=name,
        unit="score" if unit == "score" else "%",
        figure=figure(correction.estimate),
        method=correction.method,
        judge_alone=shown(correction.judge_alone),
        labels_alone=None if correction.alone is None else figure(correction.alone),
        worth_labels=None if worth is None else float(round(worth)),
    )


def _labels_for(
    unit: str, correction: Correction, rows: int, counted: CountedLabels
) -> list[MoreLabels]:
    """Return the labels for narrower intervals; nothing if they cannot be counted."""
    ends = correction.estimate.interval
    if ends is None or correction.correlation is None or len(counted.rows) >= rows:
        return []
    scale = {"%": 100.0, "wins": 50.0}.get(unit, 1.0)
    present = scale * (ends[1] - ends[0]) / 2
    goals = [present / 2] if unit == "score" else [h for h in _HALF_WIDTHS if h < present][:2]
    paces = [row.seconds for row in counted.rows if row.seconds]
    needs: list[MoreLabels] = []
    for goal in goals:
        total = labels_for_half_width(
            goal / scale, correction.variance, correction.correlation, rows
        )
        if total is None or total > rows:
            needs.append(MoreLabels(half_width=rounded(goal), more=None))
            break
        more = total - counted.total
        if more <= 0:
            continue
        minutes = round(more * median(paces) / 60, 1) if paces else None
        needs.append(MoreLabels(half_width=rounded(goal), more=more, minutes=minutes))
    return needs


def _add_doubt(rows: JudgedRows, counted: CountedLabels, absent: dict[str, str]) -> None:
    """Add to `absent` that the judge is not shown to tell good from bad."""
    passes = rows.passes
    if passes is None or counted.plan == "balanced":
        return
    pairs = [(row.verdict, row.label) for row in counted.rows]
    excess = informedness(classes_of(pairs, passes))
    if excess is not None and excess.interval is not None and excess.interval[0] <= 0:
        absent[NOT_TOLD_APART] = (
            "The judge is not shown to tell good from bad: sensitivity plus specificity minus 1 "
            f"may be 0 or less ({excess.value:.2f}, 95 % interval {excess.interval[0]:.2f} to "
            f"{excess.interval[1]:.2f}). The corrected rate stands, as it rests on the labels."
        )
