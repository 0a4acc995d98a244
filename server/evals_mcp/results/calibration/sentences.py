"""What a calibration says, in sentences that stay true when they are quoted alone."""

from __future__ import annotations

from collections.abc import Iterator

from evals_mcp.results.calibration.counted import CountedLabels, next_step
from evals_mcp.results.calibration.judged import JudgedRows, classes_of
from evals_mcp.results.number_text import (
    counted as counted_text,
)
from evals_mcp.results.number_text import (
    percent,
    percent_ends,
    score,
    score_ends,
    sentence_of,
)
from evals_schemas.tools.groups import Measured
from evals_schemas.tools.summaries import Calibration, CorrectedFigure, MoreLabels

_MANY_SKIPPED = 0.1
"""Share of skipped rows in a sample from which on a caution is said."""

_SELECTED = {
    "random": ", drawn at random",
    "balanced": ", drawn half from those that the judge passes",
    "chosen": "",
    "all": ", for every row",
}
_BY = {"human": ("one person", "people"), "model": ("another model", "other models")}


def sentences(answer: Calibration, rows: JudgedRows, counted: CountedLabels) -> Iterator[str]:
    """Yield what is said, the agreement first.

    Args:
        answer: the figures.
        rows: all rows with a verdict.
        counted: the labels that count.
    """
    if counted.rows:
        yield _agreement(answer)
        if counted.plan != "balanced":
            yield from _classes(rows, counted)
    for figure in answer.corrected:
        yield corrected_sentence(figure)
    if answer.corrected:
        yield from _worth(answer.corrected[0], answer)
        if answer.labels_for:
            yield more_labels_sentence(answer.labels_for[0], answer.corrected[0].unit)
    if counted.refusal is not None:
        yield _refused(counted)
    yield from _cautions(answer, counted)
    if two := answer.ceiling:
        kappa = f" (kappa {two.kappa:.2f})" if two.kappa is not None else ""
        same = round(two.same * two.rows / 100)
        yield f"Two labellers agree on {same} of {two.rows} rows that both labelled{kappa}."
        if counted.second_looks:
            yield (
                f"When {counted.second_looks} of these rows were labelled again, the verdict could "
                "be seen; no figure of the judge counts these second labels."
            )


def corrected_sentence(figure: CorrectedFigure) -> str:
    """Return a corrected figure with its interval, beside that of the judge alone."""
    place = ", outside of this interval" if figure.is_off else ""
    judge = number_text(figure.judge_alone, figure.unit)
    return (
        f"Corrected: {figure.of} {figure_text(figure.figure, figure.unit)}; by the judge alone "
        f"{judge}{place}."
    )


def more_labels_sentence(needed: MoreLabels, unit: str) -> str:
    """Return what a narrower interval needs."""
    points = f"±{needed.half_width:.3g}" + (" points" if unit == "%" else "")
    if needed.more is None:
        return f"No number of labels brings this to {points}; judge more rows."
    minutes = ""
    if needed.minutes is not None:
        minutes = f", about {counted_text(max(1, round(needed.minutes)), 'minute')} at this pace"
    return f"{counted_text(needed.more, 'more label')} would bring this to {points}{minutes}."


def figure_text(figure: Measured, unit: str) -> str:
    """Return a figure with its interval."""
    text = number_text(figure[0], unit)
    if len(figure) < 3:
        return text
    ends = percent_ends(*figure[1:]) + " %" if unit == "%" else score_ends(*figure[1:])
    return f"{text} (95 % interval {ends})"


def number_text(value: float, unit: str) -> str:
    """Return a percentage or a score."""
    return f"{percent(value)} %" if unit == "%" else score(value)


def _agreement(answer: Calibration) -> str:
    single, several = _BY.get(answer.kind, ("one column", "columns"))
    by = single if answer.labellers == 1 else f"{answer.labellers} {several}"
    start = f"{counted_text(answer.labels, 'label')} by {by}{_SELECTED[answer.plan]}"
    if answer.agreement is None:
        return f"{start}."
    share, *ends = answer.agreement
    interval = f", 95 % interval {percent_ends(*ends)} %" if ends else ""
    beyond = [
        f"{name} {figure[0]:.2f}"
        for name, figure in (
            ("kappa", answer.kappa),
            ("AC1", answer.ac1),
            ("weighted kappa", answer.weighted_kappa),
        )
        if figure
    ]
    more = f"; {', '.join(beyond)}" if beyond else ""
    if answer.plan == "balanced":
        return f"{start}: over all rows the judge agrees on {percent(share)} %{interval}{more}."
    agreed = round(share * answer.labels / 100)
    text = f"{start}: the judge agrees on {agreed} ({percent(share)} %{interval}{more})"
    if answer.majority_baseline is not None:
        commonest = round(answer.majority_baseline * answer.labels / 100)
        text += f"; always giving the commonest label would agree on {commonest}"
    return f"{text}.{_stricter(answer)}"


def _stricter(answer: Calibration) -> str:
    """Return how far the judge's scores lie from the labels; empty unless that is shown."""
    if answer.mean_difference is None or len(answer.mean_difference) < 3:
        return ""
    value, low, high = answer.mean_difference
    if low <= 0 <= high:
        return ""
    ranks = f" They rank alike (Spearman {answer.spearman[0]:.2f})." if answer.spearman else ""
    alike = ranks if answer.spearman and answer.spearman[0] >= 0.8 else ""
    kind = "stricter" if value < 0 else "more lenient"
    interval = score_ends(*sorted((abs(low), abs(high))))
    return f" The judge is {score(abs(value))} {kind} (95 % interval {interval}).{alike}"


def _classes(rows: JudgedRows, counted: CountedLabels) -> Iterator[str]:
    passes = rows.passes
    if passes is None:
        return
    classes = classes_of(((row.verdict, row.label) for row in counted.rows), passes)
    who = "the labels" if counted.kind != "human" else "people"
    parts: list[str] = []
    if classes.failing:
        wrong = classes.failing - classes.failed
        parts.append(f"passes {wrong} of {counted_text(classes.failing, 'answer')} that {who} fail")
    if classes.passing:
        wrong = classes.passing - classes.passed
        parts.append(f"fails {wrong} of {classes.passing} that {who} pass")
    yield f"The judge {' and '.join(parts)}."


def _worth(figure: CorrectedFigure, answer: Calibration) -> Iterator[str]:
    if figure.worth_labels is not None:
        yield f"{answer.labels} labels with the judge are worth {figure.worth_labels:.0f} alone."
    elif figure.labels_alone and answer.plan != "all":
        yield "The labels alone say as much; this judge adds nothing to them."


def _refused(counted: CountedLabels) -> str:
    refusal = sentence_of(counted.refusal or "")
    return f"Nothing is corrected: {refusal[:1].lower()}{refusal[1:]}" if refusal else ""


def _cautions(answer: Calibration, counted: CountedLabels) -> Iterator[str]:
    if answer.waiting:
        more = "" if not counted.rows else f"{counted_text(answer.waiting, 'more label')} so far; "
        yield sentence_of(
            f"{more}figures appear at 30, 60, 120 and 300 labels only, next at "
            f"{next_step(counted.total)}, so that nobody stops where they look good."
        )
    if counted.sample and answer.skipped > _MANY_SKIPPED * counted.sample.counted:
        yield (
            f"{answer.skipped} of {counted.sample.counted} rows of the sample were skipped; what "
            "is hard to label is missing from these figures."
        )
    if answer.of_other_answers:
        about = (
            "is about another answer" if answer.of_other_answers == 1 else "are about other answers"
        )
        yield f"{counted_text(answer.of_other_answers, 'label')} {about} and not counted."
    if doubt := answer.not_computed.get("judge"):
        yield doubt
