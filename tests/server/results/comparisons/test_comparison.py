from __future__ import annotations

import math
import random
import re
from fractions import Fraction
from typing import Any

import pytest
from dirty_equals import IsApprox
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as _stats  # pyright: ignore[reportMissingTypeStubs]

from evals_mcp.results.rows import RowVerdict
from tests.server.results.comparisons.verdict_rows import (
    FAIL,
    INVALID,
    PASS,
    compare,
    decided,
    paired,
    scored,
)

stats: Any = _stats


@given(
    st.lists(st.tuples(st.sampled_from([PASS, FAIL]), st.sampled_from([PASS, FAIL])), min_size=1)
)
def test_the_difference_of_passes_agrees_with_scipy(
    verdicts: list[tuple[RowVerdict, RowVerdict]],
) -> None:
    found = compare("classify", paired(verdicts)).passes

    assert found is not None
    only_a, only_b = verdicts.count((PASS, FAIL)), verdicts.count((FAIL, PASS))
    assert (found.only_a, found.only_b) == (only_a, only_b)
    assert found.difference == IsApprox(100 * (only_b - only_a) / len(verdicts), delta=1e-3)
    assert found.interval is not None
    assert found.interval.low <= found.difference <= found.interval.high
    if only_a + only_b:
        expected = stats.binomtest(only_b, only_a + only_b).pvalue
        assert found.p_value == pytest.approx(expected, rel=1e-5)
    else:
        assert found.p_value is None


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5)), min_size=2))
def test_the_difference_of_scores_agrees_with_scipy(scores: list[tuple[int, int]]) -> None:
    found = compare("score", paired((scored(a), scored(b)) for a, b in scores))

    assert found.scores is not None
    differences = [b - a for a, b in scores]
    if len(set(differences)) > 1:
        expected = stats.ttest_1samp(differences, 0)
        ends = expected.confidence_interval()
        assert found.scores.p_value == pytest.approx(expected.pvalue, rel=1e-5)
        assert found.scores.interval is not None
        assert found.scores.interval.low == pytest.approx(ends.low, rel=1e-5, abs=1e-9)
        assert found.scores.interval.high == pytest.approx(ends.high, rel=1e-5, abs=1e-9)
    else:
        assert found.scores.p_value is None
        assert found.not_computed["scores.p_value"] == "Every pair differs by the same amount."


def test_the_bootstrap_is_repeatable() -> None:
    pairs = paired((scored(n % 5), scored((2 * n) % 7)) for n in range(60))

    first, second = compare("score", pairs).scores, compare("score", pairs).scores

    assert first is not None
    assert first.bootstrap is not None
    assert first == second
    assert first.bootstrap_seed == 0


def test_few_pairs_have_no_bootstrap_which_would_be_too_narrow() -> None:
    few = compare("score", paired((scored(n % 3), scored(n % 4)) for n in range(10)))
    more = compare("score", paired((scored(n % 3), scored(n % 4)) for n in range(11)))

    assert few.scores is not None
    assert (few.scores.interval is None, few.scores.bootstrap) == (False, None)
    assert few.not_computed["scores.bootstrap"] == "With up to 10 pairs it would be too narrow."
    assert more.scores is not None
    assert more.scores.bootstrap is not None


def test_a_figure_that_cannot_be_computed_has_a_reason() -> None:
    alone = compare("score", paired([(scored(1), scored(4))]))
    equal = compare("classify", paired([(PASS, PASS)] * 4, same_answers=True))

    assert alone.not_computed == {
        "scores.interval": "This needs at least two pairs.",
        "scores.p_value": "This needs at least two pairs.",
        "scores.bootstrap": "This needs at least two pairs.",
        "scores.smallest_detectable": "This needs at least two pairs.",
        "passes.smallest_detectable": (
            "1 pair of 1 differs: even with all in one direction, the power would be below 80 %."
        ),
    }
    assert set(equal.not_computed) == {
        "passes.p_value",
        "passes.smallest_detectable",
        "agreement.kappa",
        "agreement.interval",
        "agreement.ac1_interval",
    }


def test_a_second_difference_counts_failed_rows_as_not_passed() -> None:
    joined = paired([(PASS, PASS), (PASS, FAIL), (PASS, INVALID), (INVALID, INVALID)])

    found = compare("classify", joined).passes

    assert found is not None
    assert found.difference == -50
    assert found.difference_with_failed == -50  # 1 of 4 against 3 of 4
    assert (joined.counts.no_verdict_a, joined.counts.no_verdict_b) == (1, 2)


def test_two_judges_of_the_same_answers_have_a_kappa() -> None:
    verdicts = [(PASS, PASS)] * 20 + [(PASS, FAIL)] * 5 + [(FAIL, PASS)] * 10 + [(FAIL, FAIL)] * 15

    found = compare("classify", paired(verdicts, same_answers=True)).agreement

    assert found is not None
    assert (found.of, found.same.count, found.kappa) == ("labels", 35, 0.4)
    assert compare("classify", paired(verdicts)).agreement is None


def test_comparisons_show_the_preference_of_each_and_their_agreement() -> None:
    decisions = [("A", "A")] * 10 + [("A", "B")] * 6 + [("Tie", "B")] * 4 + [("B", "B")] * 10

    found = compare("compare", paired((decided(a), decided(b)) for a, b in decisions))

    assert found.preference is not None
    assert found.agreement is not None
    assert (found.preference.a.a_wins, found.preference.a.b_wins) == (16, 10)
    assert found.preference.a.net == IsApprox(-20, delta=1e-6)
    assert found.preference.b.net == IsApprox(100 / 3, delta=1e-3)
    assert found.preference.difference == IsApprox(160 / 3, delta=1e-3)
    expected = stats.ttest_1samp([0] * 20 + [2] * 6 + [1] * 4, 0)
    assert found.preference.p_value == pytest.approx(expected.pvalue, rel=1e-5)
    assert (found.agreement.of, found.agreement.same.count) == ("decisions", 20)


def test_kappa_has_no_interval_where_a_verdict_is_rare() -> None:
    verdicts = [(PASS, PASS)] * 190 + [(PASS, FAIL)] * 5 + [(FAIL, PASS)] * 5

    found = compare("classify", paired(verdicts, same_answers=True))

    assert found.agreement is not None
    assert found.agreement.kappa is not None
    assert found.agreement.interval is None
    reason = "Only 10 rows are 'bad' for either judge: too few."
    assert found.not_computed["agreement.interval"] == reason
    assert found.agreement.ac1 == IsApprox(0.947, delta=1e-3)
    assert found.agreement.ac1_interval is not None


def test_kappa_of_many_rows_has_no_interval_where_both_rarely_say_the_same() -> None:
    passes = (RowVerdict("ok", None, 1.0, True), RowVerdict("ok", None, 1.0, True))
    fails = (RowVerdict("ok", None, 0.0, False), RowVerdict("ok", None, 0.0, False))
    verdicts = [passes] * 900 + [(passes[0], fails[1])] * 97 + [fails] * 3

    found = compare("benchmark", paired(verdicts, same_answers=True))

    assert found.not_computed["agreement.interval"] == "Only 3 rows fail for both judges: too few."


def test_scores_of_two_judges_are_correlated() -> None:
    chance = random.Random(0)
    rows = [(a := chance.randint(2, 5), a - chance.randint(0, 1)) for _ in range(80)]

    found = compare("score", paired(((scored(a), scored(b)) for a, b in rows), same_answers=True))

    figures = found.score_agreement
    assert figures is not None
    first, second = zip(*rows, strict=True)
    assert figures.pearson == pytest.approx(stats.pearsonr(first, second)[0], rel=1e-5)
    assert figures.spearman == pytest.approx(stats.spearmanr(first, second)[0], rel=1e-5)
    assert figures.same.count == sum(a == b for a, b in rows)
    for interval in (figures.spearman_interval, figures.weighted_kappa_interval):
        assert interval is not None
        assert interval.method == "bootstrap"
    assert compare("score", paired((scored(a), scored(b)) for a, b in rows)).score_agreement is None


def test_more_scores_than_a_table_holds_have_rank_correlation_only() -> None:
    rows = [(scored(n + n % 7), scored(n + n % 3)) for n in range(60)]

    found = compare("score", paired(rows, same_answers=True))

    figures = found.score_agreement
    assert figures is not None
    assert figures.spearman_interval is not None
    assert figures.spearman_interval.method == "bonett-wright"
    assert figures.weighted_kappa is None
    reason = found.not_computed["score_agreement.weighted_kappa"]
    assert re.fullmatch(r"There are \d+ different scores, more than 20\.", reason)
    assert found.not_computed["score_agreement.pearson_interval"] == reason


def test_a_judge_that_gives_one_score_has_no_correlation() -> None:
    found = compare("score", paired([(scored(3), scored(3)), (scored(3), scored(4))] * 9, True))

    assert found.score_agreement is not None
    assert found.score_agreement.spearman is None
    reason = "A judge gave every row the same score."
    assert found.not_computed["score_agreement.spearman"] == reason


@given(
    st.lists(
        st.tuples(*[st.floats(allow_nan=False, allow_infinity=False)] * 2), min_size=1, max_size=8
    )
)
def test_scores_of_any_size_are_compared_and_no_difference_is_called_constant_falsely(
    scores: list[tuple[float, float]],
) -> None:
    found = compare("score", paired((scored(a), scored(b)) for a, b in scores))

    assert found.scores is not None
    assert found.scores.model_dump_json()
    figures = [found.scores.difference, found.scores.a.mean, found.scores.b.mean]
    assert all(map(math.isfinite, figures))
    exact = {Fraction(b) - Fraction(a) for a, b in scores}
    if "Every pair differs by the same amount." in found.not_computed.values():
        spread, largest = max(exact) - min(exact), max(abs(x) for pair in scores for x in pair)
        assert spread <= Fraction(largest) / 10**15
