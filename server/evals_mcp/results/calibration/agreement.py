"""How far the judge agrees with the labels, before anything is corrected."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

from evals_mcp.cleaning import quoted
from evals_mcp.results.calibration.counted import FEWEST, CountedLabels, LabelledRow
from evals_mcp.results.calibration.labels import LabelValue
from evals_mcp.results.number_text import counted as counted_text
from evals_mcp.results.number_text import score
from evals_mcp.results.statistics.agreement import (
    LARGEST_TABLE,
    agreement_intervals,
    cohens_kappa,
    gwets_ac1,
    raw_agreement,
)
from evals_mcp.results.statistics.corrections.strata import Stratum, stratified_rate
from evals_mcp.results.statistics.correlation import (
    pearson,
    quadratic_kappa,
    score_intervals,
    spearman,
)
from evals_mcp.results.statistics.estimate import Estimate, rounded
from evals_mcp.results.statistics.paired import paired_mean_difference, score_differences
from evals_mcp.results.statistics.rates import rate
from evals_mcp.results.types.marking import Passes
from evals_schemas.tools.groups import Measured
from evals_schemas.tools.summaries import Ceiling, LabelledCell

FEWEST_OF_A_CLASS = 5
"""Labels of a class below which neither its interval nor kappa is shown."""

_CELLS = 6
_NAME = 40


def measured(
    estimate: Estimate | None, scale: float = 1, *, interval: bool = True
) -> Measured | None:
    """Return a figure with the ends of its interval, multiplied by `scale`; None without one."""
    if estimate is None:
        return None
    ends = estimate.interval if interval else None
    return [rounded(scale * value) for value in (estimate.value, *(ends or ()))]


def value_text(value: LabelValue) -> str:
    """Return a label or a score as text, quoted if it is a text of others."""
    return quoted(value, _NAME) if isinstance(value, str) else score(value)


def matrix(rows: Sequence[LabelledRow]) -> list[LabelledCell]:
    """Return the commonest pairs of verdict and label."""
    counts = Counter((row.verdict, row.label) for row in rows)
    return [
        LabelledCell(verdict=value_text(verdict), label=value_text(label), rows=number)
        for (verdict, label), number in counts.most_common(_CELLS)
    ]


def ceiling(counted: CountedLabels) -> Ceiling | None:
    """Return the agreement of two labellers; None if they share too few rows."""
    table = Counter(counted.several)
    same = raw_agreement(table)
    if same is None or same.n < FEWEST:
        return None
    kappa = cohens_kappa(table)
    return Ceiling(
        rows=same.n,
        same=rounded(100 * same.value),
        kappa=None if kappa is None else rounded(kappa),
    )


def agreement_figures(counted: CountedLabels, names: int, absent: dict[str, str]) -> dict[str, Any]:
    """Return agreement, its baseline, kappa and AC1, by their fields; reasons go to `absent`.

    Args:
        counted: the labels.
        names: the number of verdicts that are possible; 0 for numbers.
        absent: why figures are missing, by field.
    """
    table = Counter((row.verdict, row.label) for row in counted.rows)
    commonest = Counter(row.label for row in counted.rows).most_common(1)[0][1]
    figures: dict[str, Any] = {
        "agreement": measured(raw_agreement(table), 100, interval=counted.plan != "chosen"),
        "majority_baseline": rounded(100 * commonest / len(counted.rows)),
    }
    if not names:
        return figures
    if reason := _too_few(counted.rows):
        absent["kappa"] = absent["ac1"] = reason
        return figures
    categories = max(2, names, len({value for pair in table for value in pair}))
    kappa, ac1 = cohens_kappa(table), gwets_ac1(table, categories)
    ends = (None, None)
    varies = 0 < sum(n for (a, b), n in table.items() if a == b) < len(counted.rows)
    if varies and categories <= LARGEST_TABLE and counted.plan != "chosen":
        ends = agreement_intervals(table, categories)
    figures["ac1"] = _with_ends(ac1, ends[1])
    if reason := _rare_class(counted.rows):
        absent["kappa"] = reason
    elif kappa is None:
        absent["kappa"] = "The judge and the labels give every row the same verdict."
    else:
        figures["kappa"] = _with_ends(kappa, ends[0])
    return figures


def balanced_agreement(counted: CountedLabels, passes: Passes, passed: int, rows: int) -> Estimate:
    """Return the share of all rows on which the judge and people agree, of a balanced sample."""
    strata = list[Stratum]()
    for verdict, number in ((True, passed), (False, rows - passed)):
        labelled = [row for row in counted.rows if passes(row.verdict) == verdict]
        same = sum(row.verdict == row.label for row in labelled)
        strata.append(Stratum(number, same, len(labelled)))
    figure = stratified_rate(strata)
    assert figure is not None, "there are labels"
    return figure


def class_figures(
    counted: CountedLabels, passes: Passes, absent: dict[str, str]
) -> dict[str, Measured | None]:
    """Return sensitivity and specificity; a class with few labels has no interval."""
    figures = dict[str, Measured | None]()
    for name, passing in (("sensitivity", True), ("specificity", False)):
        labelled = [row for row in counted.rows if passes(row.label) == passing]
        right = sum(passes(row.verdict) == passing for row in labelled)
        many = len(labelled) >= FEWEST_OF_A_CLASS
        figures[name] = measured(
            rate(right, len(labelled)), 100, interval=many and counted.plan != "chosen"
        )
        if not many:
            absent[f"{name}.interval" if labelled else name] = (
                f"{counted_text(len(labelled), 'label')} {'pass' if passing else 'fail'}; "
                f"{FEWEST_OF_A_CLASS} are the fewest."
            )
    return figures


def score_figures(counted: CountedLabels, absent: dict[str, str]) -> dict[str, Measured | None]:
    """Return how alike the judge and people score and rank the answers."""
    pairs = Counter((float(row.verdict), float(row.label)) for row in counted.rows)
    if reason := _too_few(counted.rows):
        absent["weighted_kappa"] = absent["pearson"] = absent["spearman"] = reason
        return {}
    levels = {value for pair in pairs for value in pair}
    ends = (None, None, None)
    if len(levels) <= LARGEST_TABLE and counted.plan != "chosen":
        ends = score_intervals(pairs)
    linear, ranks = pearson(pairs), spearman(pairs)
    if linear is None:
        absent["pearson"] = absent["spearman"] = "The judge or people gave every row one score."
    if len(levels) > LARGEST_TABLE:
        absent["weighted_kappa"] = f"More than {LARGEST_TABLE} different scores."
    differences = score_differences([(label, verdict) for verdict, label in pairs.elements()])
    return {
        "pearson": _with_ends(linear, ends[0]),
        "spearman": _with_ends(ranks, ends[1]),
        "weighted_kappa": _with_ends(quadratic_kappa(pairs), ends[2])
        if len(levels) <= LARGEST_TABLE
        else None,
        "mean_difference": measured(paired_mean_difference(differences)),
    }


def _too_few(rows: Sequence[LabelledRow]) -> str | None:
    if len(rows) >= FEWEST:
        return None
    return f"{len(rows)} labels; {FEWEST} are the fewest."


def _rare_class(rows: Sequence[LabelledRow]) -> str | None:
    """Return why kappa is not shown where nearly all labels are the same; else None."""
    labels = Counter(row.label for row in rows)
    commonest = max(labels.values())
    if len(rows) - commonest >= FEWEST_OF_A_CLASS:
        return None
    return (
        f"Only {len(rows) - commonest} labels differ from the commonest one; "
        f"{FEWEST_OF_A_CLASS} are the fewest."
    )


def _with_ends(value: float | None, ends: tuple[float, float] | None) -> Measured | None:
    if value is None or not math.isfinite(value):
        return None
    return [rounded(each) for each in (value, *(ends or ()))]
