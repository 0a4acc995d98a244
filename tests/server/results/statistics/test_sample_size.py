import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize as _optimize  # pyright: ignore[reportMissingTypeStubs]
from scipy import stats as _stats  # pyright: ignore[reportMissingTypeStubs]

from evals_mcp.results.statistics.paired import mcnemar
from evals_mcp.results.statistics.rates import wilson_interval
from evals_mcp.results.statistics.sample_size import (
    detectable_mean_difference,
    detectable_rate_difference,
    rows_for_half_width,
    rows_for_mean_difference,
    rows_for_rate_difference,
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


@given(st.floats(1e-4, 1), st.floats(0, 1))
def test_the_rows_for_a_rate_difference_solve_connors_formula_with_the_correction(
    difference: float, discordant: float
) -> None:
    def distance(n: float) -> float:
        """How far the corrected statistic lies beyond what the power needs, in rows."""
        power = REACH * math.sqrt(discordant - difference**2)
        return n * difference - 1 - math.sqrt(n) * (Z * math.sqrt(discordant) + power)

    rows = rows_for_rate_difference(difference, discordant)

    if difference > discordant:
        assert rows is None
    else:
        expected = optimize.brentq(distance, 1, 1e12, xtol=1e-9, rtol=1e-13)
        assert rows == pytest.approx(expected, abs=1, rel=1e-9)
        assert rows is not None
        assert rows >= expected * (1 - 1e-9)


@given(st.integers(0, 1_000_000), st.floats(0, 1))
def test_the_detectable_rate_difference_is_the_smallest_that_the_rows_suffice_for(
    n: int, discordant: float
) -> None:
    difference = detectable_rate_difference(n, discordant)

    if difference is None:
        rows = rows_for_rate_difference(discordant, discordant) if discordant > 1e-4 else None
        assert rows is None or rows > n
        return
    assert (rows_for_rate_difference(difference, discordant) or n + 1) <= n
    assert (rows_for_rate_difference(0.999 * difference, discordant) or 0) > n


def exact_power(n: int, discordant: float, difference: float) -> float:
    """The probability that the exact McNemar test gives p < 0.05, over all tables."""
    share_for_b, power = (1 + difference / discordant) / 2, 0.0
    for differing in range(1, n + 1):
        chance = oracle.binom.pmf(differing, n, discordant)
        if chance > 1e-9:
            least = oracle.binom.isf(0.025, differing, 0.5) + 1
            power += chance * oracle.binom.sf(least - 1, differing, share_for_b)
            power += chance * oracle.binom.cdf(differing - least, differing, share_for_b)
    return power


@pytest.mark.parametrize("discordant", [0.05, 0.2, 0.7, 1.0])
@pytest.mark.parametrize("n", [50, 200, 800])
def test_the_exact_test_shows_the_detectable_difference_as_often_as_promised(
    n: int, discordant: float
) -> None:
    difference = detectable_rate_difference(n, discordant)

    if difference is None:
        assert exact_power(n, discordant, discordant) < 0.8
    else:
        assert 0.785 <= exact_power(n, discordant, difference) <= 0.92


def test_simulated_runs_show_the_detectable_difference_as_often_as_promised() -> None:
    n, discordant, runs = 200, 0.2, 4_000
    difference = detectable_rate_difference(n, discordant)
    assert difference is not None
    only_b = (discordant + difference) / 2
    shares = [discordant - only_b, only_b, 1 - discordant]

    tables = oracle.multinomial.rvs(n, shares, size=runs, random_state=20)
    shown = sum((mcnemar(int(a), int(b)) or 1) < 0.05 for a, b, _ in tables)

    assert shown / runs == pytest.approx(exact_power(n, discordant, difference), abs=0.02)
    assert shown / runs >= 0.79


@given(st.floats(0.01, 100), st.floats(0.01, 100))
def test_the_rows_for_a_mean_difference_are_the_fewest(difference: float, std: float) -> None:
    rows = rows_for_mean_difference(difference, std)

    assert rows is not None
    assert rows >= 2
    found = detectable_mean_difference(rows, std)
    assert found is not None
    assert found <= difference * (1 + 1e-7)
    if rows > 2:
        fewer = detectable_mean_difference(rows - 1, std)
        assert fewer is not None
        assert fewer >= difference * (1 - 1e-7)


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
    assert rows_for_rate_difference(0.0, 0.2) is None
    assert rows_for_rate_difference(0.3, 0.2) is None
    assert rows_for_mean_difference(0.0, 1.0) is None
    assert rows_for_mean_difference(0.5, 0.0) is None
