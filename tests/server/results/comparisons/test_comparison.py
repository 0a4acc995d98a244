from __future__ import annotations

import math
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
    assert found.not_computed["agreement.interval"].startswith("Only 10 rows have the rarest")


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
