from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from inline_snapshot import snapshot

from evals_mcp.results.calibration.headline import UNCHECKED, headline_with
from evals_mcp.results.calibration.labels import Labels
from tests.server.results.calibration.examples import FAIR, calibrated, labels_of

EVERY: Mapping[Any, int] = {"good": 820, "bad": 180}


def said(*arguments: Any, **fields: Any) -> str:
    return " ".join(calibrated(*arguments, **fields).sentences)


def test_labels_drawn_at_random_correct_the_pass_rate() -> None:
    answer = calibrated(FAIR, EVERY)

    assert answer.sentences == snapshot(
        [
            (
                "60 labels by one person, drawn at random: the judge agrees on 51 (85.0 %, "
                "95 % interval 73.9 to 91.9 %; kappa 0.55, AC1 0.78); always giving the "
                "commonest label would agree on 47."
            ),
            "The judge passes 5 of 13 answers that people fail and fails 4 of 47 that people pass.",
            (
                "Corrected: pass rate 79.5 % (95 % interval 69.1 to 86.5 %); by the judge "
                "alone 82.0 %."
            ),
            "60 labels with the judge are worth 83 alone.",
            "131 more labels would bring this to ±5 points, about 44 minutes at this pace.",
        ]
    )
    assert answer.agreement == pytest.approx([85, 73.9, 91.9], abs=0.1)
    assert answer.majority_baseline == pytest.approx(78.3, abs=0.1)
    assert answer.sensitivity is not None
    assert answer.sensitivity[0] == pytest.approx(100 * 43 / 47, abs=1e-3)
    assert answer.specificity is not None
    assert answer.specificity[0] == pytest.approx(100 * 8 / 13, abs=1e-3)
    (corrected,) = answer.corrected
    assert corrected.method == "stratified"
    assert not answer.not_computed


def test_a_headline_leads_with_the_corrected_figure_only_where_the_judge_lies_outside() -> None:
    lenient = {("good", "good"): 30, ("good", "bad"): 20, ("bad", "bad"): 10}
    judge = "82.0 % of 1000 answers pass (95 % interval 79.5 to 84.3 %)."

    inside = headline_with(judge, calibrated(FAIR, EVERY))
    outside = headline_with(judge, calibrated(lenient, EVERY))

    assert inside == snapshot(
        "82.0 % of 1000 answers pass (95 % interval 79.5 to 84.3 %). Checked by 60 "
        "labels of people: corrected pass rate 79.5 % (95 % interval 69.1 to 86.5 %)."
    )
    assert outside == snapshot(
        "Corrected by 60 labels of people, the pass rate is 49.2 % (95 % interval 37.8 "
        "to 60.6 %). By the judge alone, outside of this interval: 82.0 % of 1000 "
        "answers pass (95 % interval 79.5 to 84.3 %)."
    )
    assert headline_with(judge, None) == judge + UNCHECKED


def test_preferences_are_corrected_as_a_win_rate_of_the_first_side() -> None:
    table = {("A", "A"): 30, ("A", "B"): 8, ("B", "B"): 12, ("Tie", "A"): 5, ("Tie", "Tie"): 5}

    answer = calibrated(table, {"A": 180, "B": 60, "Tie": 60}, "choices")

    assert answer.sentences == snapshot(
        [
            (
                "60 labels by one person, drawn at random: the judge agrees on 47 (78.3 %, "
                "95 % interval 66.4 to 86.9 %; kappa 0.61, AC1 0.70); always giving the "
                "commonest label would agree on 35."
            ),
            (
                "Corrected: win rate of A 61.3 % (95 % interval 51.3 to 71.3 %); by the "
                "judge alone 70.0 %."
            ),
            "60 labels with the judge are worth 78 alone.",
            "No number of labels brings this to ±5 points; judge more rows.",
        ]
    )
    assert answer.corrected[0].method == "regression"
    assert answer.sensitivity is None


def test_scores_are_corrected_as_a_mean_and_as_a_pass_rate() -> None:
    table = {(5.0, 5.0): 20, (4.0, 5.0): 18, (3.0, 3.0): 10, (2.0, 3.0): 5, (1.0, 2.0): 7}

    answer = calibrated(table, {5.0: 100, 4.0: 90, 3.0: 50, 2.0: 30, 1.0: 30}, "scores")

    assert answer.sentences == snapshot(
        [
            (
                "60 labels by one person, drawn at random: the judge agrees on 30 (50.0 %, "
                "95 % interval 37.7 to 62.3 %; weighted kappa 0.85); always giving the "
                "commonest label would agree on 38. The judge is 0.5 stricter (95 % interval "
                "0.3697 to 0.6303). They rank alike (Spearman 0.89)."
            ),
            "The judge passes 0 of 22 answers that people fail and fails 0 of 38 that people pass.",
            (
                "Corrected: mean score 4.163 (95 % interval 3.998 to 4.329); by the judge "
                "alone 3.667, outside of this interval."
            ),
            (
                "Corrected: pass rate 63.3 % (95 % interval 55.4 to 71.0 %); by the judge "
                "alone 63.3 %."
            ),
            "60 labels with the judge are worth 196 alone.",
            "No number of labels brings this to ±0.0829; judge more rows.",
        ]
    )
    assert [figure.of for figure in answer.corrected] == ["mean score", "pass rate"]
    assert answer.kappa is None
    assert answer.weighted_kappa is not None


def test_labels_of_which_none_passes_correct_the_share_of_each() -> None:
    table = {("good", "good"): 30, ("bad", "bad"): 20, ("mixed", "bad"): 10, ("bad", "good"): 5}

    answer = calibrated(table, {"good": 200, "bad": 150, "mixed": 50}, "labels")

    shares = {figure.of: figure.figure[0] for figure in answer.corrected}
    assert list(shares) == ["share of 'good'", "share of 'bad'", "share of 'mixed'"]
    assert sum(shares.values()) == pytest.approx(100, abs=0.5)


def test_a_balanced_sample_is_weighted_and_has_no_kappa() -> None:
    table = {("good", "good"): 27, ("good", "bad"): 3, ("bad", "bad"): 18, ("bad", "good"): 12}

    answer = calibrated(table, {"good": 920, "bad": 80}, plan="balanced")

    assert answer.sentences == snapshot(
        [
            (
                "60 labels by one person, drawn half from those that the judge passes: over "
                "all rows the judge agrees on 87.6 %, 95 % interval 73.2 to 93.8 %."
            ),
            (
                "Corrected: pass rate 86.0 % (95 % interval 71.6 to 92.2 %); by the judge "
                "alone 92.0 %."
            ),
        ]
    )
    assert answer.agreement is not None
    assert answer.agreement[0] == pytest.approx(100 * (0.92 * 0.9 + 0.08 * 0.6), abs=1e-3)
    assert answer.sensitivity == pytest.approx(
        [100 * 0.92 * 0.9 / (0.92 * 0.9 + 0.08 * 0.4)], abs=1e-3
    )
    assert answer.kappa is None
    assert answer.corrected[0].labels_alone is None


def test_a_judge_with_one_verdict_for_all_adds_nothing() -> None:
    answer = calibrated({("good", "good"): 40, ("good", "bad"): 20}, {"good": 400})

    assert answer.corrected[0].method == "labels alone"
    assert answer.corrected[0].figure == answer.corrected[0].labels_alone
    assert "The labels alone say as much; this judge adds nothing to them." in answer.sentences


def test_a_judge_that_decides_by_chance_is_not_shown_to_tell_good_from_bad() -> None:
    table = {("good", "good"): 20, ("bad", "good"): 17, ("good", "bad"): 11, ("bad", "bad"): 12}

    text = said(table, EVERY)

    assert "The judge is not shown to tell good from bad" in text
    assert "adds nothing" in text


def test_every_row_with_a_label_leaves_nothing_to_correct() -> None:
    answer = calibrated(FAIR, {"good": 48, "bad": 12}, plan="all", column="gold")

    assert answer.corrected[0].method == "labels alone"
    assert answer.corrected[0].figure[0] == pytest.approx(100 * 47 / 60, abs=1e-3)
    assert not answer.labels_for


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"plan": "chosen"}, "The labelled rows were chosen, not drawn at random"),
        ({"kind": "model"}, "by another model, not by people"),
        ({"blind": False}, "with the verdicts in view"),
        (
            {"kind": "unknown", "column": "gold", "plan": "all"},
            "Nobody has said who gave the labels in column 'gold'",
        ),
        (
            {"column": "gold", "plan": "chosen", "origin_unknown": True},
            "nobody has said how they were selected",
        ),
        ({"refusal": "Rows that belong together were labelled."}, "rows that belong together"),
    ],
    ids=["chosen", "model", "seen", "unknown", "partial column", "clusters"],
)
def test_some_labels_show_agreement_and_correct_nothing(
    fields: dict[str, Any], reason: str
) -> None:
    answer = calibrated(FAIR, EVERY, **fields)

    assert answer.corrected == []
    assert answer.agreement is not None
    assert reason.lower() in answer.not_computed["corrected"].lower()
    assert "Nothing is corrected: " in " ".join(answer.sentences)
    headline = headline_with("82.0 % of 1000 answers pass.", answer)
    assert headline.startswith("82.0 % of 1000 answers pass. This is by this judge; unchecked")


@pytest.mark.parametrize("number", [1, 29])
def test_fewer_than_thirty_labels_say_nothing_yet(number: int) -> None:
    answer = calibrated({("good", "good"): number - 1, ("good", "bad"): 1}, EVERY)

    assert answer.labels == 0
    assert answer.waiting == number
    assert answer.agreement is None
    assert answer.matrix == []
    assert f"{number} label" in answer.not_computed["corrected"]
    assert "30 are the fewest" in answer.not_computed["corrected"]


@pytest.mark.parametrize(
    ("number", "shown"), [(30, 30), (59, 30), (60, 60), (119, 60), (299, 120), (300, 300)]
)
def test_figures_change_at_a_few_numbers_of_labels_only(number: int, shown: int) -> None:
    table = {("good", "good"): number // 2, ("bad", "bad"): number - number // 2}

    answer = calibrated(table, {"good": 500, "bad": 500})

    assert (answer.labels, answer.waiting) == (shown, number - shown)


def test_a_column_counts_whole() -> None:
    table = {("good", "good"): 30, ("bad", "bad"): 17}

    assert calibrated(table, EVERY, column="gold").labels == 47


def test_a_rare_class_has_neither_kappa_nor_an_interval_and_the_rate_stands() -> None:
    table = {("good", "good"): 55, ("bad", "good"): 1, ("good", "bad"): 1, ("bad", "bad"): 3}

    answer = calibrated(table, {"good": 940, "bad": 60})

    assert answer.kappa is None
    assert answer.ac1 is not None
    assert answer.specificity is not None
    assert len(answer.specificity) == 1
    assert "Only 4 labels differ" in answer.not_computed["kappa"]
    assert answer.corrected[0].method == "stratified"


def test_skips_and_labels_of_other_answers_are_said() -> None:
    text = said(FAIR, EVERY, skipped=9, of_other_answers=12)

    assert "9 of 69 rows of the sample were skipped" in text
    assert "12 labels are about other answers and not counted." in text


def test_two_labellers_show_the_most_that_a_judge_can_agree() -> None:
    labels = labels_of(FAIR)
    second = [replace(label, labeller="Ben", value="good") for label in labels.labels[:40]]

    answer = calibrated(FAIR, EVERY, labels=replace(labels, labels=[*labels.labels, *second]))

    assert answer.labellers == 2
    assert answer.labels == 60
    assert answer.ceiling is not None
    assert answer.ceiling.rows == 40
    assert "Two labellers agree on" in answer.sentences[-1]


def test_labels_outside_of_the_sample_correct_nothing() -> None:
    labels = labels_of(FAIR)
    outside = [replace(label, position=None) for label in labels.labels[30:]]
    assert labels.sample is not None
    sample = replace(labels.sample, counted=30)
    both = Labels([*labels.labels[:30], *outside], sample)

    assert calibrated(FAIR, EVERY, labels=both).labels == 30


def test_few_rows_can_be_labelled_all() -> None:
    table = {("good", "good"): 15, ("bad", "bad"): 5}

    answer = calibrated(table, {"good": 15, "bad": 5})

    assert answer.labels == 20
    assert answer.plan == "all"
    assert answer.corrected[0].figure[0] == 75
