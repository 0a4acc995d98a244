"""A pass rate without labels of its own, corrected by those of other answers to the same judge."""

from __future__ import annotations

from dataclasses import dataclass

from evals_mcp.cleaning import quoted
from evals_mcp.results.calibration.agreement import FEWEST_OF_A_CLASS, measured
from evals_mcp.results.calibration.counted import CountedLabels
from evals_mcp.results.calibration.judged import PassedRows, classes_of
from evals_mcp.results.calibration.sentences import figure_text
from evals_mcp.results.number_text import counted as counted_text
from evals_mcp.results.number_text import percent
from evals_mcp.results.statistics.corrections.rogan_gladen import informedness, rogan_gladen_rate
from evals_mcp.results.statistics.estimate import rounded
from evals_schemas.tools.summaries import Calibration, CorrectedFigure

ASSUMPTION = "this holds if the judge errs here as it did there."
"""The end of a sentence about labels of other answers."""

_NAME = 60


def rate_by_other_labels(
    rows: PassedRows, counted: CountedLabels, of: str = "pass rate"
) -> CorrectedFigure | str:
    """Return the pass rate of an evaluation by labels of another one, or why it is not corrected.

    Args:
        rows: all rows of the evaluation without labels.
        counted: the labels of the other one, which the same judge judged.
        of: the name of the figure.
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
        of=of,
        unit="%",
        figure=shown,
        method="rogan-gladen",
        judge_alone=rounded(100 * rows.passed / rows.total),
    )


def other_labels_sentence(figure: CorrectedFigure, labelled: str, labels: int) -> str:
    """Return the corrected rate with what it assumes, beside the labels of a compared side."""
    return (
        f"Corrected by {labels} labels for {labelled}: {figure.of} "
        f"{figure_text(figure.figure, figure.unit)}; by the judge alone "
        f"{percent(figure.judge_alone)} %. The labels are about other answers; {ASSUMPTION}"
    )


@dataclass(frozen=True)
class LabelsElsewhere:
    """Labels of another evaluation by the same judge."""

    evaluation_id: str
    name: str | None
    """The name that its user gave it; None without one."""
    labels: int
    same_data: bool
    """Whether they are about other answers to the same data set."""

    @property
    def source(self) -> str:
        """Say whose labels they are."""
        kind = "other answers" if self.same_data else "another data set"
        name = f"{quoted(self.name, _NAME)}, " if self.name else ""
        return f"{kind} ({name}{self.evaluation_id})"


def with_figure_of(
    answer: Calibration | None, figure: CorrectedFigure | str, elsewhere: LabelsElsewhere
) -> Calibration:
    """Return a calibration with the pass rate by labels of another evaluation, as a second figure.

    Args:
        answer: what labels of the evaluation itself say, which correct nothing; None without any.
        figure: the corrected rate, or why it is absent.
        elsewhere: the labels.
    """
    own = answer or Calibration(sentences=[], labels=0, labellers=0)
    about = "about" if elsewhere.same_data else "from"
    if isinstance(figure, str):
        sentence = (
            f"Labels {about} {elsewhere.source} do not correct this rate: "
            f"{figure[:1].lower()}{figure[1:]}"
        )
        absent = own.not_computed | {"by_other_labels": figure}
        return own.model_copy(
            update={"sentences": [*own.sentences, sentence], "not_computed": absent}
        )
    place = ", outside of this interval" if figure.is_off else ""
    rate = (
        f"By {counted_text(elsewhere.labels, 'label')} of people: {figure.of} "
        f"{figure_text(figure.figure, figure.unit)}; by the judge alone "
        f"{percent(figure.judge_alone)} %{place}."
    )
    sentences = [rate, f"The labels are {about} {elsewhere.source}; {ASSUMPTION}"]
    return own.model_copy(
        update={"sentences": [*own.sentences, *sentences], "by_other_labels": figure}
    )
