from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as _stats  # pyright: ignore[reportMissingTypeStubs]

from evals_mcp.results.statistics.paired import tango_interval
from evals_mcp.results.statistics.rates import rate
from evals_mcp.results.statistics.wins import position_bias, win_rate

oracle: Any = _stats
count = st.integers(0, 100_000)


@given(count, count, count)
def test_a_tie_is_half_a_win(wins: int, losses: int, ties: int) -> None:
    found = win_rate(wins, losses, ties)

    n = wins + losses + ties
    if n == 0:
        assert found is None
        return
    assert found is not None
    assert found.value == pytest.approx((wins + ties / 2) / n, rel=1e-12, abs=1e-12)
    low, high = tango_interval(wins, losses, n)
    assert found.interval == pytest.approx(((1 + low) / 2, (1 + high) / 2))
    assert found.n == n


@given(count, count)
def test_without_ties_the_win_rate_has_wilsons_interval(wins: int, losses: int) -> None:
    found, wilson = win_rate(wins, losses, 0), rate(wins, wins + losses)

    if found is None or wilson is None:
        assert wins + losses == 0
        return
    assert found.value == pytest.approx(wilson.value, abs=1e-12)
    assert found.interval == pytest.approx(wilson.interval, rel=1e-9, abs=1e-9)


def test_ties_alone_are_a_rate_of_one_half_with_an_interval() -> None:
    found = win_rate(0, 0, 50)

    assert found is not None
    assert found.value == 0.5
    assert found.interval is not None
    assert found.interval[0] < 0.5 < found.interval[1]


@given(count, count, count)
def test_position_bias_counts_flips_and_first_choices(
    both_first: int, both_second: int, same: int
) -> None:
    found = position_bias(both_first, both_second, same)

    n, flips = both_first + both_second + same, both_first + both_second
    if n == 0:
        assert found is None
        return
    assert found is not None
    assert found.flips == rate(flips, n)
    assert found.first_slot.value == pytest.approx((2 * both_first + same) / (2 * n), abs=1e-12)
    if flips:
        expected = oracle.binomtest(both_first, flips).pvalue
        assert found.p_value == pytest.approx(expected, rel=1e-9, abs=1e-250)
    else:
        assert found.p_value is None


def test_a_judge_that_always_chooses_the_first_slot_is_detected() -> None:
    found = position_bias(12, 0, 0)

    assert found is not None
    assert found.first_slot.value == 1.0
    assert found.flips.value == 1.0
    assert found.p_value == pytest.approx(2 / 2**12)


def test_without_pairs_there_is_no_rate_and_no_bias() -> None:
    assert win_rate(0, 0, 0) is None
    assert position_bias(0, 0, 0) is None
