import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as _stats  # pyright: ignore[reportMissingTypeStubs]

from evals_mcp.results.statistics.estimate import Estimate
from evals_mcp.results.statistics.rates import (
    rate,
    rate_difference,
    sign_test,
    t_interval,
    wilson_interval,
)

oracle: Any = _stats

MILLION = 1_000_000


def wilson(passed: int, n: int) -> tuple[float, float]:
    found = oracle.binomtest(passed, n).proportion_ci(0.95, "wilson")
    return found.low, found.high


@given(st.integers(1, MILLION), st.data())
def test_the_wilson_interval_agrees_with_scipy(n: int, data: st.DataObject) -> None:
    passed = data.draw(st.integers(0, n))

    ends = wilson_interval(passed, n)

    assert ends == pytest.approx(wilson(passed, n), rel=1e-9, abs=1e-12)


def test_a_rate_carries_its_interval_and_its_rows() -> None:
    assert rate(8, 10) == Estimate(0.8, wilson_interval(8, 10), 10, "wilson")


@given(st.integers(1, MILLION), st.integers(1, MILLION), st.data())
def test_the_difference_of_two_rates_agrees_with_scipys_wilson_ends(
    n_a: int, n_b: int, data: st.DataObject
) -> None:
    passed_a, passed_b = data.draw(st.integers(0, n_a)), data.draw(st.integers(0, n_b))

    found = rate_difference(passed_a, n_a, passed_b, n_b)

    a, b = passed_a / n_a, passed_b / n_b
    (low_a, high_a), (low_b, high_b) = wilson(passed_a, n_a), wilson(passed_b, n_b)
    low = b - a - math.sqrt((b - low_b) ** 2 + (high_a - a) ** 2)
    high = b - a + math.sqrt((high_b - b) ** 2 + (a - low_a) ** 2)
    assert found is not None
    assert found.value == pytest.approx(b - a)
    assert found.interval == pytest.approx((low, high), rel=1e-9, abs=1e-9)
    assert found.n == n_a + n_b


def test_the_difference_of_two_rates_is_the_published_one() -> None:
    """Source: Newcombe (1998), table II, column (a): 56 of 70 against 48 of 80."""
    found = rate_difference(48, 80, 56, 70)

    assert found is not None
    assert found.value == pytest.approx(0.2)
    assert found.interval == pytest.approx((0.0524, 0.3339), abs=5e-5)


@given(st.floats(-1e6, 1e6), st.floats(0, 1e6), st.integers(2, MILLION))
def test_the_t_interval_agrees_with_scipy(mean: float, std: float, n: int) -> None:
    ends = t_interval(mean, std, n)

    half = oracle.t.ppf(0.975, n - 1) * std / math.sqrt(n)
    assert ends == pytest.approx((mean - half, mean + half), rel=1e-9, abs=1e-9)


@given(st.integers(0, MILLION), st.integers(0, MILLION))
def test_the_sign_test_agrees_with_scipy(wins: int, losses: int) -> None:
    p_value = sign_test(wins, losses)

    if wins + losses == 0:
        assert p_value is None
    else:
        expected = oracle.binomtest(wins, wins + losses).pvalue
        assert p_value == pytest.approx(expected, rel=1e-9, abs=1e-250)


@given(st.integers(0, 60), st.integers(0, 60))
def test_the_sign_test_agrees_with_counting_every_outcome(wins: int, losses: int) -> None:
    n = wins + losses
    uneven = sum(math.comb(n, k) for k in range(n + 1) if abs(2 * k - n) >= abs(wins - losses))

    assert sign_test(wins, losses) == (pytest.approx(uneven / 2**n, rel=1e-12) if n else None)


@pytest.mark.parametrize("ahead", [0, 2, 500, 2_000, 20_000])
def test_the_sign_test_holds_at_a_million_pairs(ahead: int) -> None:
    wins = (MILLION + ahead) // 2

    expected = oracle.binomtest(wins, MILLION).pvalue
    assert sign_test(wins, MILLION - wins) == pytest.approx(expected, rel=1e-9)


def test_the_p_value_of_a_million_wins_underflows_to_zero() -> None:
    assert sign_test(MILLION, 0) == 0.0


def test_figures_without_data_are_none() -> None:
    assert wilson_interval(0, 0) is None
    assert rate(0, 0) is None
    assert rate_difference(0, 0, 1, 2) is None
    assert rate_difference(1, 2, 0, 0) is None
    assert t_interval(1.0, 0.0, 1) is None
    assert sign_test(0, 0) is None


def test_no_pass_and_all_passes_have_intervals_that_end_at_the_edge() -> None:
    nothing, everything = wilson_interval(0, 20), wilson_interval(20, 20)

    assert nothing is not None
    assert everything is not None
    assert nothing[0] == 0.0
    assert everything[1] == 1.0
