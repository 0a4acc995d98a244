"""The headline of an evaluation with what labels say of its judge.

A figure by a model judge says what that judge thinks. The headline says so, and begins with the
corrected figure where the judge's own lies outside of its interval.
"""

from __future__ import annotations

from evals_mcp.results.calibration.counted import FEWEST
from evals_mcp.results.calibration.sentences import figure_text
from evals_mcp.results.number_text import counted
from evals_schemas.tools.summaries import Calibration

UNCHECKED = " This is by this judge; unchecked."
"""The end of a headline without labels."""

NOT_READ = " This is by this judge; get_evaluation says what labels say of it."
"""The end of a headline of rows that are not on this machine."""


_BY_OTHERS_ONLY = (
    " Quote the second figure only with what it assumes. 30 to 60 labels of these rows need no "
    "assumption: offer the user label_rows."
)


def headline_with(headline: str, calibration: Calibration | None) -> str:
    """Return a headline with what the labels say; without labels it ends with `UNCHECKED`."""
    if calibration is None:
        return headline + UNCHECKED
    if not calibration.corrected:
        return f"{headline}{_unchecked(calibration)}"
    figure = calibration.corrected[0]
    text = figure_text(figure.figure, figure.unit)
    labels = counted(calibration.labels, "label")
    if figure.is_off:
        return (
            f"Corrected by {labels} of people, the {figure.of} is {text}. By the judge alone, "
            f"outside of this interval: {headline}"
        )
    return f"{headline} Checked by {labels} of people: corrected {figure.of} {text}."


def _unchecked(calibration: Calibration) -> str:
    number, elsewhere = calibration.labels + calibration.waiting, calibration.by_other_labels
    text = UNCHECKED.removesuffix(".")
    if elsewhere is not None:
        text += " here"
    if number:
        kinds = {"human": " by people", "model": " by another model"}
        labels = f"{counted(number, 'label')}{kinds.get(calibration.kind, '')}"
        text += f" ({labels} so far, which correct nothing)"
    if elsewhere is None:
        return f"{text}."
    return (
        f"{text}. By labels for other answers it would be "
        f"{figure_text(elsewhere.figure, elsewhere.unit)}, if the judge errs here as it did there."
    )


def next_step_by(headline: str, calibration: Calibration | None) -> str:
    """Return what an assistant does next about the judge; empty if nothing is to be done."""
    if calibration is not None and calibration.corrected:
        return _next_step_by_labels(calibration)
    if calibration is not None and calibration.by_other_labels is not None:
        return _BY_OTHERS_ONLY
    number = 0 if calibration is None else calibration.labels + calibration.waiting
    if calibration is not None and 0 < calibration.waiting < FEWEST and not calibration.labels:
        more = counted(FEWEST - calibration.waiting, "label")
        return f" Offer the user label_rows: {more} to go until the first corrected figure."
    if number or not headline.endswith(UNCHECKED):
        return ""
    return " Nobody has checked this judge: offer the user label_rows; 30 to 60 labels suffice."


def _next_step_by_labels(calibration: Calibration) -> str:
    main, steps = calibration.corrected[0], list[str]()
    if main.is_off:
        steps.append(
            " Quote the corrected figure first, and show the wrong calls: read_results with `show` "
            "misjudged."
        )
    if main.worth_labels is None and main.labels_alone and calibration.plan != "all":
        steps.append(
            " This judge adds nothing to the labels: offer a better rubric, not more rows."
        )
    return "".join(steps)
