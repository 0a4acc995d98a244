"""What a gate decides, and its figures beside those of scipy."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as _stats  # pyright: ignore[reportMissingTypeStubs]

from evals_mcp.gate.decision import Measured, decide
from evals_mcp.gate.figures import measured
from evals_mcp.gate.pairs import PREFERENCES, Pairs
from evals_mcp.gate.rows_needed import can_pass, fewest_rows, rows_to_pass
from evals_mcp.results.statistics.estimate import UNIT
from evals_schemas.repository.evals_file import GateRules
from evals_schemas.repository.results import PinnedRows
from tests.volume import examples

stats: Any = _stats


def passes(better: int, worse: int, rows: int, **fields: Any) -> Pairs:
    """Pairs of which some became better, some worse, and all others pass in both."""
    same = [1.0] * (rows - better - worse)
    before = [0.0] * better + [1.0] * worse + same
    after = [1.0] * better + [0.0] * worse + same
    return Pairs("pass_rate", UNIT, before, after, **fields)


def of(pairs: Pairs, margin: float = 5, floor: float | None = None) -> Measured:
    return Measured("quality", pairs, margin, floor)


@pytest.mark.parametrize(
    ("pairs", "margin", "outcome", "sentence"),
    [
        (
            passes(71, 67, 1_000),
            3,
            "passed",
            (
                "Pass: not worse by more than 3 points "
                "(difference +0.4, 95 % -1.9 to +2.7; 1000 rows)."
            ),
        ),
        (
            passes(80, 120, 1_000),
            3,
            "regressed",
            "Regressed: worse by 4 points (98 % -7.3 to -0.7).",
        ),
        (
            passes(18, 24, 300),
            3,
            "not_enough_evidence",
            (
                "Not enough evidence: between 6.4 worse and 2.3 better; about 1,300 rows would "
                "settle it, 300 were judged. This is not a pass."
            ),
        ),
        (
            passes(0, 0, 29),
            10,
            "could_not_run",
            "Could not run: 29 rows have a verdict on both sides; 30 are the fewest.",
        ),
    ],
)
def test_an_outcome_is_said_in_one_sentence(
    pairs: Pairs, margin: float, outcome: str, sentence: str
) -> None:
    report = decide([of(pairs, margin)], GateRules())
    assert (report.outcome, report.sentence) == (outcome, sentence)


def test_rows_without_a_verdict_make_nothing_green_and_nothing_red() -> None:
    whole = passes(0, 0, 100)
    few = Pairs("pass_rate", UNIT, whole.baseline, [None] * 5 + [1.0] * 95)
    many = Pairs("pass_rate", UNIT, whole.baseline, [None] * 6 + [1.0] * 94)
    in_the_baseline = Pairs("pass_rate", UNIT, [None] * 6 + [1.0] * 94, whole.candidate)

    assert decide([of(whole)], GateRules()).outcome == "passed"
    assert decide([of(few)], GateRules()).outcome == "not_enough_evidence"
    assert "6 of 100 answers have no verdict" in decide([of(many)], GateRules()).sentence
    assert "of the baseline" in decide([of(in_the_baseline)], GateRules()).sentence


def test_the_same_answers_pass_although_the_judge_wavers() -> None:
    report = decide([of(passes(10, 15, 100, same_answers=True))], GateRules())
    assert report.sentence == "Pass: every answer is the same as the baseline's."


def test_a_certain_loss_within_the_margin_passes_with_a_note() -> None:
    report = decide([of(passes(0, 20, 3_000), 3)], GateRules())
    assert report.outcome == "passed"
    assert "became worse for certain, by less than the margin of 3" in report.notes[0]


def test_only_a_loss_above_the_margin_is_red_if_the_file_says_so() -> None:
    pairs = passes(5, 30, 300)
    assert decide([of(pairs)], GateRules()).outcome == "regressed"
    lenient = GateRules(fail_if="worse_than_margin")
    assert decide([of(pairs)], lenient).outcome == "not_enough_evidence"
    assert decide([of(passes(5, 60, 300))], lenient).outcome == "regressed"


@pytest.mark.parametrize(
    ("floor", "outcome"),
    [(97, "passed"), (99, "not_enough_evidence"), (100, "regressed")],
)
def test_a_floor_is_reached_missed_or_surely_missed(floor: float, outcome: str) -> None:
    same = [0.0] * 6 + [1.0] * 294
    pairs = Pairs("pass_rate", UNIT, same, same)
    assert decide([of(pairs, floor=floor)], GateRules()).outcome == outcome


def test_several_metrics_are_corrected_and_each_has_to_pass() -> None:
    lost = passes(2, 12, 300)
    (alone,) = decide([of(lost)], GateRules()).metrics
    assert alone.p is not None
    assert alone.p == pytest.approx(stats.binomtest(12, 14, alternative="greater").pvalue, rel=1e-5)
    others = [of(passes(5, 5, 300)), of(passes(6, 6, 300))]
    report = decide([of(lost), *others], GateRules())
    assert report.metrics[0].p_holm == pytest.approx(3 * alone.p, rel=1e-4)
    assert report.metrics[0].outcome == "not_enough_evidence"
    assert report.outcome == "not_enough_evidence"


def test_a_pinned_row_is_red_whatever_the_rates_say() -> None:
    report = decide([of(passes(0, 1, 300))], GateRules(), PinnedRows(count=3, failed=[7]))
    assert report.exit_code == 1
    assert report.sentence == "Regressed: pinned row 7 failed three times in a row."


def _scores(shift: float, spread: float, rows: int = 200) -> Pairs:
    numbers = random.Random(7)
    before = [3.0 + numbers.random() for _ in range(rows)]
    after = [value + shift + spread * (numbers.random() - 0.5) for value in before]
    return Pairs("mean_score", (1.0, 5.0), before, after)


def test_means_are_decided_by_students_interval_in_their_own_unit() -> None:
    pairs = _scores(-0.02, 0.5)
    report = decide([of(pairs, margin=0.1)], GateRules())
    (line,) = report.metrics
    differences = [b - a for a, b in pairs.both]
    expected = stats.ttest_1samp(differences, 0).confidence_interval(0.95)
    assert line.interval is not None
    assert (line.interval.low, line.interval.high) == pytest.approx(tuple(expected), rel=1e-5)
    assert line.p == pytest.approx(
        stats.ttest_1samp(differences, 0, alternative="less").pvalue, rel=1e-5
    )
    assert report.outcome == "passed"
    assert "not worse by more than 0.1 (difference" in report.sentence
    assert decide([of(_scores(-0.5, 0.5), margin=0.1)], GateRules()).outcome == "regressed"
    constant = decide([of(_scores(0, 0), margin=0.1)], GateRules())
    assert constant.metrics[0].interval is not None
    assert constant.outcome == "passed"


def test_net_preferences_are_points_of_wins() -> None:
    before = [1.0] * 60 + [0.0] * 20 + [-1.0] * 20
    after = [1.0] * 20 + [0.0] * 20 + [-1.0] * 60
    report = decide([of(Pairs("net_preference", PREFERENCES, before, after))], GateRules())
    assert report.outcome == "regressed"
    assert report.metrics[0].difference == -80


def test_rows_of_a_cluster_count_as_one() -> None:
    clusters = [number // 20 for number in range(300)]
    worse = [float(number % 20 >= 3 or number >= 200) for number in range(300)]
    pairs = Pairs("pass_rate", UNIT, [1.0] * 300, worse, clusters)
    (line,) = decide([of(pairs)], GateRules()).metrics
    assert line.interval is not None
    assert line.interval.method.endswith("clustered")
    few = Pairs("pass_rate", UNIT, [1.0] * 300, worse, [number // 100 for number in range(300)])
    assert "too few clusters" in decide([of(few)], GateRules()).sentence


@settings(max_examples=examples(200))
@given(st.integers(0, 60), st.integers(0, 60), st.sampled_from([90.0, 95.0, 99.0]))
def test_the_one_sided_p_value_is_that_of_the_exact_sign_test(
    better: int, worse: int, certainty: float
) -> None:
    found = measured(passes(better, worse, 200), certainty)
    changed = better + worse
    expected = 1.0 if not changed else float(stats.binom.sf(worse - 1, changed, 0.5))
    assert found.p == pytest.approx(expected, rel=1e-9)
    assert found.level_of_loss == pytest.approx(100 - 0.4 * (100 - certainty))


@given(st.floats(0.005, 0.2), st.sampled_from([90.0, 95.0, 99.0]))
def test_the_fewest_rows_are_those_that_can_just_pass(margin: float, certainty: float) -> None:
    rows = fewest_rows(margin, certainty)
    assert can_pass(rows, margin, certainty)
    assert not can_pass(rows - 1, margin, certainty)


@pytest.mark.parametrize(("margin", "expected"), [(0.05, 314), (0.03, 873), (0.02, 1963)])
def test_the_rows_to_pass_are_785_times_the_share_that_changes(
    margin: float, expected: int
) -> None:
    quantiles: Sequence[float] = stats.norm.ppf([0.975, 0.8])
    assert rows_to_pass(0.1, margin, 95) == expected
    assert expected == math.ceil(sum(quantiles) ** 2 * 0.1 / margin**2)
    assert rows_to_pass(0, margin, 95) is None
