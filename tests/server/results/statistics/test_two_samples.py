"""Two sets of rows, and several tests at once, against scipy."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as _stats  # pyright: ignore[reportMissingTypeStubs]

from evals_mcp.results.statistics.many_tests import holm
from evals_mcp.results.statistics.scores import average, sample_deviation
from evals_mcp.results.statistics.two_samples import (
    Moments,
    all_others,
    mean_difference,
    mean_test,
    rate_test,
)

stats: Any = _stats
WIDE = st.floats(-1e308, 1e308)
scores = st.lists(st.integers(-400, 400).map(lambda value: value / 4), min_size=2)


def moments(values: list[float]) -> Moments:
    deviation = sample_deviation(values) or 0.0
    return Moments(len(values), average(values), deviation * (len(values) - 1) ** 0.5)


@given(st.integers(0, 300), st.integers(1, 300), st.integers(0, 5_000), st.integers(1, 5_000))
def test_the_test_of_two_rates_is_twice_fishers_smaller_tail(
    passed_a: int, n_a: int, passed_b: int, n_b: int
) -> None:
    passed_a, passed_b = min(passed_a, n_a), min(passed_b, n_b)
    table = [[passed_a, n_a - passed_a], [passed_b, n_b - passed_b]]
    tails = [stats.fisher_exact(table, alternative=side)[1] for side in ("less", "greater")]

    assert rate_test(passed_a, n_a, passed_b, n_b) == pytest.approx(
        min(1.0, 2 * min(tails)), rel=1e-7, abs=1e-300
    )


def test_the_test_of_two_rates_works_on_a_million_rows() -> None:
    table = [[249_000, 251_000], [251_000, 249_000]]

    assert rate_test(249_000, 500_000, 251_000, 500_000) == pytest.approx(
        2 * stats.hypergeom.cdf(249_000, 1_000_000, 500_000, 500_000), rel=1e-6
    )
    assert rate_test(0, 0, 1, 2) is None
    assert stats.chi2_contingency(table)[1] < 0.001


@pytest.mark.filterwarnings("ignore:Precision loss")  # one sample may be constant
@given(scores, scores)
def test_the_test_of_two_means_is_the_larger_of_students_and_welchs(
    a: list[float], b: list[float]
) -> None:
    found, difference = mean_test(moments(a), moments(b)), mean_difference(moments(a), moments(b))

    assert difference is not None
    if min(a) == max(a) and min(b) == max(b):
        assert found is difference.interval is None
        return
    tests = [stats.ttest_ind(b, a, equal_var=equal) for equal in (True, False)]
    assert found == pytest.approx(max(test.pvalue for test in tests), rel=1e-5, abs=1e-12)
    ends = [test.confidence_interval(0.95) for test in tests]
    widest = max(ends, key=lambda one: one.high - one.low)
    assert difference.interval == pytest.approx((widest.low, widest.high), rel=1e-5, abs=1e-6)


@given(st.lists(scores, min_size=2, max_size=6))
def test_the_moments_of_all_others_are_those_of_their_values(samples: list[list[float]]) -> None:
    found = all_others([moments(values) for values in samples])

    for place, others in enumerate(found):
        values = [value for number, each in enumerate(samples) if number != place for value in each]
        expected = moments(values)
        assert others.n == expected.n
        assert others.mean == pytest.approx(expected.mean, rel=1e-9, abs=1e-6)
        assert others.deviation == pytest.approx(expected.deviation, rel=1e-6, abs=1e-3)


@given(st.lists(WIDE, min_size=1, max_size=5), st.lists(WIDE, min_size=1, max_size=5))
def test_numbers_as_wide_as_floats_neither_overflow_nor_make_a_nan(
    a: list[float], b: list[float]
) -> None:
    one, other = moments(a), moments(b)
    difference, p_value = mean_difference(one, other), mean_test(one, other)

    assert difference is not None
    for number in (difference.value, *(difference.interval or ())):
        assert abs(number) < float("inf")
    assert p_value is None or 0 <= p_value <= 1
    assert abs(all_others([one, other, one])[0].mean) < float("inf")


@given(st.lists(st.floats(0, 1), max_size=30))
def test_holms_correction_steps_down_from_the_smallest_p_value(p_values: list[float]) -> None:
    order = sorted(p_values)
    steps = [min(1.0, (len(order) - rank) * value) for rank, value in enumerate(order)]

    for value, corrected in zip(p_values, holm(p_values), strict=True):
        last = len(order) - order[::-1].index(value)
        assert max(steps[: order.index(value) + 1]) <= corrected <= max(steps[:last])
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
