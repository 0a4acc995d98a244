"""A pass rate without labels of its own, corrected by those of other answers to the same judge."""

from __future__ import annotations

from evals_mcp.results.calibration.agreement import FEWEST_OF_A_CLASS, measured
from evals_mcp.results.calibration.counted import CountedLabels
from evals_mcp.results.calibration.judged import JudgedRows, classes_of
from evals_mcp.results.calibration.sentences import figure_text
from evals_mcp.results.number_text import percent
from evals_mcp.results.statistics.corrections.rogan_gladen import informedness, rogan_gladen_rate
from evals_mcp.results.statistics.estimate import rounded
from evals_schemas.tools.summaries import CorrectedFigure

ASSUMPTION = (
    "The labels are about other answers; this holds if the judge errs here as it did there."
)


def rate_by_other_labels(
    rows: JudgedRows, counted: CountedLabels, side: str
) -> CorrectedFigure | str:
    """Return the pass rate of an evaluation by labels of another one, or why it is not corrected.

    Args:
        rows: all rows of the evaluation without labels.
        counted: the labels of the other one, which the same judge judged.
        side: the name of the evaluation without labels.
    """
    passes = rows.passes
    if passes is None:
        return "Labels of other answers correct a pass rate only."
    if counted.refusal is not None:
        return counted.refusal
    if counted.plan == "balanced":
        return "A balanced sample corrects its own answers only: label a random sample."
    classes = classes_of(((row.verdict, row.label) for row in counted.rows), passes)
    if min(classes.passing, classes.failing) < FEWEST_OF_A_CLASS:
        return (
            f"{classes.passing} labels pass and {classes.failing} fail; {FEWEST_OF_A_CLASS} of "
            "each are the fewest that say how a judge errs."
        )
    excess = informedness(classes)
    figure = rogan_gladen_rate(rows.passed, rows.total, classes)
    if figure is None or excess is None or excess.interval is None or excess.interval[0] <= 0:
        return "The judge is not shown to tell good from bad, so its errors cannot be undone."
    shown = measured(figure, 100)
    assert shown is not None, "there is a figure"
    return CorrectedFigure(
        of=f"pass rate of {side}",
        unit="%",
        figure=shown,
        method="rogan-gladen",
        judge_alone=rounded(100 * rows.passed / rows.total),
    )


def other_labels_sentence(figure: CorrectedFigure, labelled: str, labels: int) -> str:
    """Return the corrected rate with what it assumes."""
    return (
        f"Corrected by {labels} labels for {labelled}: {figure.of} "
        f"{figure_text(figure.figure, figure.unit)}; by the judge alone "
        f"{percent(figure.judge_alone)} %. {ASSUMPTION}"
    )
