import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize as _optimize  # pyright: ignore[reportMissingTypeStubs]
from scipy import stats as _stats  # pyright: ignore[reportMissingTypeStubs]

from evals_mcp.results.statistics.rates import wilson_interval
from evals_mcp.results.statistics.sample_size import (
    detectable_mean_difference,
    detectable_rate_difference,
    rows_for_half_width,
)

oracle: Any = _stats
optimize: Any = _optimize
Z = float(oracle.norm.ppf(0.975))
REACH = float(oracle.norm.ppf(0.8))


def half_width(n: int, share: float) -> float:
    return Z * math.sqrt(share * (1 - share) / n + Z * Z / (4 * n * n)) / (1 + Z * Z / n)


@given(st.floats(0.001, 0.6), st.floats(0, 1))
def test_the_rows_are_the_fewest_that_reach_the_half_width(wanted: float, share: float) -> None:
    n = rows_for_half_width(wanted, share)

    assert n is not None
    assert n >= 1
    assert half_width(n, share) <= wanted * (1 + 1e-9)
    if n > 1:
        assert half_width(n - 1, share) >= wanted * (1 - 1e-9)


def test_the_rows_for_three_points_on_each_side_are_sufficient() -> None:
    n = rows_for_half_width(0.03)

    assert n == 1064
    ends = wilson_interval(n // 2, n)
    assert ends is not None
    assert (ends[1] - ends[0]) / 2 <= 0.03


def test_no_number_of_rows_makes_an_interval_without_width() -> None:
    assert rows_for_half_width(0) is None
    assert rows_for_half_width(-0.1) is None


@given(st.integers(0, 1_000_000), st.floats(0, 1))
def test_the_detectable_rate_difference_solves_connors_formula(n: int, discordant: float) -> None:
    def rows_missing(difference: float) -> float:
        power = REACH * math.sqrt(max(0.0, discordant - difference**2))
        return (Z * math.sqrt(discordant) + power) ** 2 - n * difference**2

    found = detectable_rate_difference(n, discordant)

    if discordant < 1e-12 or rows_missing(discordant) > 1e-9 * n:
        assert found is None
    elif rows_missing(discordant) < -1e-9 * n:
        expected = optimize.brentq(rows_missing, 1e-12, discordant, xtol=1e-15, rtol=1e-13)
        assert found == pytest.approx(expected, rel=1e-9)


def test_the_exact_test_finds_the_detectable_difference_nearly_as_often_as_promised() -> None:
    n, discordant = 500, 0.2
    found = detectable_rate_difference(n, discordant)
    assert found is not None
    share_for_b = (1 + found / discordant) / 2

    power = 0.0
    for differing in range(1, n + 1):
        chance = oracle.binom.pmf(differing, n, discordant)
        if chance > 1e-9:
            least = oracle.binom.isf(0.025, differing, 0.5) + 1
            power += chance * oracle.binom.sf(least - 1, differing, share_for_b)

    assert power == pytest.approx(0.8, abs=0.04)


@given(st.integers(2, 1_000_000), st.floats(1e-6, 1e6))
def test_the_detectable_mean_difference_agrees_with_scipy(n: int, std: float) -> None:
    factor = oracle.t.ppf(0.975, n - 1) + oracle.t.ppf(0.8, n - 1)

    expected = factor * std / math.sqrt(n)
    assert detectable_mean_difference(n, std) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("n", [10, 100, 10_000])
def test_the_t_test_finds_the_detectable_mean_difference_as_often_as_promised(n: int) -> None:
    found = detectable_mean_difference(n, 1.0)
    assert found is not None

    power = oracle.nct.sf(oracle.t.ppf(0.975, n - 1), n - 1, found * math.sqrt(n))

    assert power == pytest.approx(0.8, abs=0.01)


def test_a_difference_that_no_data_can_show_is_none() -> None:
    assert detectable_rate_difference(0, 0.2) is None
    assert detectable_rate_difference(3, 1.0) is None
    assert detectable_rate_difference(1000, 0.0) is None
    assert detectable_rate_difference(100, 0.01) is None
    assert detectable_mean_difference(1, 1.0) is None
    assert detectable_mean_difference(10, 0.0) is None
