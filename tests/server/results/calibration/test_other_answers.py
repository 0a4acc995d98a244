from __future__ import annotations

import pytest

from evals_mcp.results.calibration.counted import CountedLabels, LabelledRow
from evals_mcp.results.calibration.judged import JudgedRows
from evals_mcp.results.calibration.labels import Plan
from evals_mcp.results.calibration.other_answers import (
    ASSUMPTION,
    other_labels_sentence,
    rate_by_other_labels,
)
from evals_mcp.results.types.marking import CHOICES, LABELS
from evals_schemas.tools.summaries import CorrectedFigure
from tests.server.results.calibration.examples import PASSES

ROWS = JudgedRows({"good": 700, "bad": 300}, LABELS, PASSES).by_pass


def labels(both: int, missed: int, wrong: int, failed: int, plan: Plan = "random") -> CountedLabels:
    """Return labels of another evaluation: passes that the judge saw and missed, then fails."""
    cells = {
        ("good", "good"): both,
        ("bad", "good"): missed,
        ("good", "bad"): wrong,
        ("bad", "bad"): failed,
    }
    pairs = [pair for pair, number in cells.items() for _ in range(number)]
    rows = [LabelledRow(row, *pair) for row, pair in enumerate(pairs, 1)]
    return CountedLabels(rows, "human", plan, 1)


def test_the_errors_on_labelled_answers_correct_the_rate_of_others() -> None:
    figure = rate_by_other_labels(ROWS, labels(57, 3, 12, 48), "pass rate of B")

    assert isinstance(figure, CorrectedFigure)
    assert figure.method == "rogan-gladen"
    assert figure.figure[0] == pytest.approx(100 * (0.7 + 0.8 - 1) / (0.95 + 0.8 - 1), abs=1e-3)
    sentence = other_labels_sentence(figure, "A", 120)
    assert sentence.startswith("Corrected by 120 labels for A: pass rate of B 66.7 % (95 % ")
    assert sentence.endswith(ASSUMPTION)


@pytest.mark.parametrize(
    ("counted", "reason"),
    [
        (labels(30, 3, 1, 3), "33 labels pass and 4 fail; 5 of each are the fewest"),
        (labels(20, 15, 20, 15), "not shown to tell good from bad"),
        (labels(40, 5, 5, 40, "balanced"), "balanced sample"),
    ],
    ids=["few", "by chance", "balanced"],
)
def test_labels_that_do_not_show_how_the_judge_errs_correct_no_other_rate(
    counted: CountedLabels, reason: str
) -> None:
    figure = rate_by_other_labels(ROWS, counted, "B")

    assert isinstance(figure, str)
    assert reason in figure


def test_choices_have_no_rate_to_correct() -> None:
    rows = JudgedRows({"A": 9, "B": 3}, CHOICES, {}).by_pass

    assert "pass rate only" in str(rate_by_other_labels(rows, labels(9, 9, 9, 9), "B"))
