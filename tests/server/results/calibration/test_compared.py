from __future__ import annotations

from dataclasses import replace

import pytest

from evals_mcp.results.calibration.compared import (
    LabelledPairs,
    ValuePair,
    corrected_difference,
    figures_of,
    headline_with_labels,
    nearer_judge,
)
from evals_mcp.results.calibration.counted import CountedLabels, LabelledRow
from evals_mcp.results.calibration.labels import LabelValue
from evals_schemas.tools.comparisons import ComparedLabels
from tests.server.results.calibration.examples import KINDS

NAMES = ("judge 'one'", "judge 'two'")


def counted(labels: list[LabelValue], judge: list[LabelValue]) -> CountedLabels:
    rows = [
        LabelledRow(number, verdict, label)
        for number, (label, verdict) in enumerate(zip(labels, judge, strict=False), 1)
    ]
    return CountedLabels(rows, "human", "random", 1)


def pairs(a: list[LabelValue], b: list[LabelValue]) -> list[ValuePair]:
    return [ValuePair(n, n, x, y) for n, (x, y) in enumerate(zip(a, b, strict=True), 1)]


def difference(labelled: LabelledPairs, of: str = "passes") -> ComparedLabels:
    marking, parameters = KINDS[of]
    figures = figures_of(marking, parameters)
    assert figures is not None
    found = corrected_difference(labelled, *figures)
    assert found is not None
    return found


def test_a_judge_that_favours_one_side_is_corrected_row_by_row() -> None:
    """People see no difference; the judge passes B in every second row where it fails A."""
    labels: list[LabelValue] = ["good" if n % 3 else "bad" for n in range(200)]
    changed: list[LabelValue] = ["good" if n % 3 != 1 else "bad" for n in range(200)]
    second: list[LabelValue] = ["good" if n % 2 else label for n, label in enumerate(changed)]
    labelled = LabelledPairs(
        pairs(labels, second), counted(labels[:90], labels), counted(changed[:90], second)
    )

    found = difference(labelled)

    assert found.corrected is not None
    assert found.labels == 90
    assert found.corrected.judge_alone > 10
    assert found.corrected.figure[1] <= 0 <= found.corrected.figure[2]
    assert found.corrected.is_off
    headline = headline_with_labels("B passes more often.", found)
    assert headline.startswith("Corrected by labels for both answers of 90 rows: pass rate, B ")
    assert headline.endswith(" By the judge alone: B passes more often.")


def test_scores_and_preferences_are_differences_of_b_minus_a() -> None:
    scores_a: list[LabelValue] = [float(1 + n % 4) for n in range(100)]
    scores_b: list[LabelValue] = [float(2 + n % 4) for n in range(100)]
    mixed: list[LabelValue] = [float(1 + (n * 7) % 5) for n in range(100)]
    choices_a: list[LabelValue] = ["A" if n % 3 else "Tie" for n in range(100)]
    choices_b: list[LabelValue] = ["B" if n % 5 else "A" for n in range(100)]

    scored = difference(
        LabelledPairs(
            pairs(scores_a, scores_b),
            counted(scores_a[:60], scores_a),
            counted(mixed[:60], scores_b),
        ),
        "scores",
    )
    chosen = difference(
        LabelledPairs(
            pairs(choices_a, choices_b),
            counted(choices_a[:60], choices_a),
            counted(choices_b[:60], choices_b),
        ),
        "choices",
    )

    assert scored.corrected is not None
    assert scored.corrected.judge_alone == pytest.approx(1)
    assert scored.corrected.unit == "score"
    assert chosen.corrected is not None
    assert chosen.corrected.judge_alone > 100


def test_of_two_judges_of_scores_the_one_nearer_on_average_is_named() -> None:
    labels: list[LabelValue] = [float(1 + n % 5) for n in range(60)]
    near: list[LabelValue] = [min(5.0, float(label) + n % 2) for n, label in enumerate(labels)]
    far: list[LabelValue] = [max(1.0, float(label) - 2) for label in labels]

    found = nearer_judge(
        LabelledPairs(pairs(far, near), counted(labels, far), None), KINDS["scores"][0], NAMES
    )

    assert found is not None
    assert found.error_a is not None
    assert found.error_b is not None
    assert found.error_a[0] > found.error_b[0]
    assert found.sentences[0].startswith("Beside 60 labels of people, judge 'two' is nearer by")


def test_judges_that_are_as_near_are_not_ranked() -> None:
    labels: list[LabelValue] = ["good" if n % 2 else "bad" for n in range(60)]
    first: list[LabelValue] = ["good" if n % 7 == 0 else label for n, label in enumerate(labels)]
    second: list[LabelValue] = ["bad" if n % 7 == 1 else label for n, label in enumerate(labels)]

    found = nearer_judge(
        LabelledPairs(pairs(first, second), counted(labels, first), None), KINDS["passes"][0], NAMES
    )

    assert found is not None
    assert "neither judge is shown to be nearer (B agrees on" in found.sentences[0]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"refusal": "The labels are by another model, not by people."}, "another model"),
        ({"plan": "balanced"}, "balanced sample"),
        ({"rows": []}, "0 pairs with labels; 30 are the fewest"),
    ],
)
def test_labels_that_correct_nothing_rank_no_judges(change: dict[str, str], reason: str) -> None:
    labels: list[LabelValue] = ["good", "bad"] * 30
    side = replace(counted(labels, labels), **change)  # pyright: ignore[reportArgumentType]

    found = nearer_judge(
        LabelledPairs(pairs(labels, labels), side, None), KINDS["passes"][0], NAMES
    )

    assert found is not None
    assert found.difference is None
    assert reason in found.sentences[0]
    assert headline_with_labels("As before.", found) == "As before."
