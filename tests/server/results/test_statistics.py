import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as _stats  # pyright: ignore[reportMissingTypeStubs]

from evals_mcp.results.statistics import sign_test, t_interval, t_quantile, wilson_interval

oracle: Any = _stats


@given(st.integers(1, 100_000), st.data())
def test_the_wilson_interval_agrees_with_scipy(n: int, data: st.DataObject) -> None:
    passed = data.draw(st.integers(0, n))

    ends = wilson_interval(passed, n)

    expected = oracle.binomtest(passed, n).proportion_ci(0.95, "wilson")
    assert ends == pytest.approx((expected.low, expected.high), rel=1e-9, abs=1e-12)


@given(st.integers(1, 1_000_000), st.floats(0.55, 0.9995))
def test_the_t_quantile_agrees_with_scipy(freedom: int, probability: float) -> None:
    expected = oracle.t.ppf(probability, freedom)

    assert t_quantile(probability, freedom) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("freedom", [1, 2, 3, 4, 5, 499, 500, 501, 502])
def test_the_t_quantile_agrees_with_scipy_where_the_method_changes(freedom: int) -> None:
    assert t_quantile(0.975, freedom) == pytest.approx(oracle.t.ppf(0.975, freedom), rel=1e-10)


@given(st.floats(-1e6, 1e6), st.floats(0, 1e6), st.integers(2, 100_000))
def test_the_t_interval_agrees_with_scipy(mean: float, std: float, n: int) -> None:
    ends = t_interval(mean, std, n)

    assert ends is not None
    half = oracle.t.ppf(0.975, n - 1) * std / math.sqrt(n)
    assert ends == pytest.approx((mean - half, mean + half), rel=1e-9, abs=1e-9)


@given(st.integers(0, 20_000), st.integers(0, 20_000))
def test_the_sign_test_agrees_with_scipy(wins: int, losses: int) -> None:
    p_value = sign_test(wins, losses)

    if wins + losses == 0:
        assert p_value is None
    else:
        expected = oracle.binomtest(wins, wins + losses).pvalue
        assert p_value == pytest.approx(expected, rel=1e-9, abs=1e-300)


def test_figures_without_data_are_none() -> None:
    assert wilson_interval(0, 0) is None
    assert t_interval(1.0, 0.0, 1) is None
    assert sign_test(0, 0) is None


def test_no_pass_and_all_passes_have_intervals_that_end_at_the_edge() -> None:
    nothing, everything = wilson_interval(0, 20), wilson_interval(20, 20)

    assert nothing is not None
    assert everything is not None
    assert nothing[0] == 0.0
    assert everything[1] == 1.0
