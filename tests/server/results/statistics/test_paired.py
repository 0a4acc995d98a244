import math
import random
from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize as _optimize  # pyright: ignore[reportMissingTypeStubs]
from scipy import stats as _stats  # pyright: ignore[reportMissingTypeStubs]

from evals_mcp.results.statistics.estimate import Estimate
from evals_mcp.results.statistics.paired import (
    bootstrap_difference,
    mcnemar,
    paired_mean_difference,
    paired_rate_difference,
    paired_t_test,
    score_differences,
    tango_interval,
)

oracle: Any = _stats
optimize: Any = _optimize
score = st.integers(-1000, 1000).map(lambda number: number / 8)
counts = st.tuples(*[st.integers(0, 300)] * 3).filter(lambda found: sum(found) > 0)


def root(function: Callable[[float], float], low: float, high: float) -> float:
    return float(optimize.brentq(function, low, high, xtol=1e-15, rtol=1e-14))


def score_test(more: int, fewer: int, same: int, difference: float) -> float:
    """Return the score statistic; the likelihood is largest where its slope changes sign."""
    n = more + fewer + same
    low, high = max(0.0, -difference), (1 - difference) / 2

    def slope(share: float) -> float:
        """Return the slope of the log-likelihood, times its three positive denominators."""
        rest = 1 - 2 * share - difference
        moving = more * share + fewer * (share + difference)
        return moving * rest - 2 * same * share * (share + difference)

    start = low + (high - low) * 1e-13
    share = low
    if same == 0:
        share = high
    elif slope(start) > 0:
        share = root(slope, start, high)
    variance = max(2 * share + difference - difference**2, 1e-300)
    return (more - fewer - n * difference) / math.sqrt(n * variance)


@given(counts)
def test_tangos_interval_holds_the_differences_that_the_score_test_keeps(
    table: tuple[int, int, int],
) -> None:
    more, fewer, _ = table
    n = sum(table)
    z = float(oracle.norm.ppf(0.975))
    value = (more - fewer) / n

    low, high = tango_interval(more, fewer, n)

    near = 1e-12
    if more == n:
        assert high == pytest.approx(1)
    else:
        expected = root(lambda d: score_test(*table, d) + z, value + near, 1 - near)
        assert high == pytest.approx(expected, rel=1e-9, abs=1e-9)
    if fewer == n:
        assert low == pytest.approx(-1)
    else:
        expected = root(lambda d: score_test(*table, d) - z, near - 1, value - near)
        assert low == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_tangos_interval_is_the_published_one() -> None:
    """Source: airway reactivity of 21 children, Fagerland, Lydersen, Laake, Stat Med 33 (2014)."""
    assert tango_interval(1, 7, 21) == pytest.approx((-0.517, -0.026), abs=5e-4)


@pytest.mark.parametrize("n", [1, 20, 1_000_000])
def test_rows_that_never_differ_still_leave_an_interval_around_no_difference(n: int) -> None:
    z2 = float(oracle.norm.ppf(0.975)) ** 2

    found = paired_rate_difference(0, 0, n)

    assert found is not None
    assert found.value == 0
    assert found.interval == pytest.approx((-z2 / (n + z2), z2 / (n + z2)), rel=1e-9)


@given(st.integers(0, 400_000), st.integers(0, 400_000), st.integers(0, 200_000))
def test_swapping_the_evaluations_swaps_the_ends(only_a: int, only_b: int, same: int) -> None:
    n = only_a + only_b + same
    found, swapped = (
        paired_rate_difference(only_a, only_b, n),
        paired_rate_difference(only_b, only_a, n),
    )

    if n == 0:
        assert found is None
        return
    assert found is not None
    assert found.interval is not None
    assert swapped is not None
    assert swapped.interval == (-found.interval[1], -found.interval[0])
    assert -1 <= found.interval[0] <= found.value <= found.interval[1] <= 1


@given(st.integers(0, 1_000_000), st.integers(0, 1_000_000))
def test_mcnemars_test_agrees_with_scipy(only_a: int, only_b: int) -> None:
    p_value = mcnemar(only_a, only_b)

    if only_a + only_b == 0:
        assert p_value is None
    else:
        expected = oracle.binomtest(only_b, only_a + only_b).pvalue
        assert p_value == pytest.approx(expected, rel=1e-9, abs=1e-250)


@given(st.lists(score, min_size=2, max_size=60))
def test_the_paired_t_test_and_interval_agree_with_scipy(differences: list[float]) -> None:
    p_value, found = paired_t_test(differences), paired_mean_difference(differences)

    assert found is not None
    if len(set(differences)) == 1:
        assert p_value is None
        assert found.interval is None
    else:
        expected = oracle.ttest_rel(differences, [0.0] * len(differences))
        ends = expected.confidence_interval(0.95)
        assert p_value == pytest.approx(expected.pvalue, rel=1e-9, abs=1e-250)
        assert found.interval == pytest.approx((ends.low, ends.high), rel=1e-9, abs=1e-9)


def test_too_few_pairs_have_no_figures() -> None:
    assert paired_mean_difference([]) is None
    assert paired_mean_difference([1.0]) == Estimate(1.0, None, 1, "t")
    assert paired_t_test([1.0]) is None
    assert paired_t_test([0.5, 0.5]) is None
    assert bootstrap_difference([]) is None
    assert bootstrap_difference([1.0]) == Estimate(1.0, None, 1, "bootstrap")
    assert bootstrap_difference([0.5, 0.5]) == Estimate(0.5, None, 2, "bootstrap")


def test_a_constant_difference_of_decimal_scores_counts_as_constant() -> None:
    differences = score_differences([(0.2, 0.3), (0.1, 0.2), (0.3, 0.4)])

    assert differences == [0.1] * 3
    assert paired_t_test(differences) is None


def test_a_small_difference_of_large_scores_is_not_called_constant() -> None:
    differences = score_differences([(1e15, 1e15 + 1), (1e15, 1e15 + 2), (1e15, 1e15 + 1)])

    assert differences == [1, 2, 1]
    assert paired_t_test(differences) is not None


@given(st.lists(score, min_size=2, max_size=30), st.integers(0, 9))
def test_the_bootstrap_agrees_with_drawing_by_hand(differences: list[float], seed: int) -> None:
    found = bootstrap_difference(differences, seed=seed, resamples=50)

    assert found is not None
    if len(set(differences)) > 1:
        chance = random.Random(seed)
        n = len(differences)
        means = [float(np.mean(chance.choices(differences, k=n))) for _ in range(50)]
        expected = tuple(np.quantile(means, [0.025, 0.975]))
        assert found.interval == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_the_bootstrap_comes_near_the_quantiles_of_all_resamples() -> None:
    differences = [-1.0, 0.0, 0.5, 2.0, 2.5, 4.0]
    means = [sum(drawn) / 6 for drawn in product(differences, repeat=6)]

    found = bootstrap_difference(differences, seed=1, resamples=5_000)

    assert found is not None
    assert found.interval == pytest.approx(tuple(np.quantile(means, [0.025, 0.975])), abs=0.1)


def test_the_same_seed_gives_the_same_interval_and_leaves_the_data_alone() -> None:
    differences = [float(k % 7) for k in range(3_000)]
    before = list(differences)

    first, second = bootstrap_difference(differences, 3), bootstrap_difference(differences, 3)

    assert first == second
    assert first != bootstrap_difference(differences, 4)
    assert differences == before


def test_the_bootstrap_of_very_many_pairs_is_as_wide_as_students_interval() -> None:
    chance = random.Random(5)
    differences = [chance.choice([-1.0, 0.0, 0.0, 1.0, 1.0]) for _ in range(100_000)]

    drawn, student = bootstrap_difference(differences), paired_mean_difference(differences)

    assert drawn is not None
    assert drawn.interval is not None
    assert student is not None
    assert student.interval is not None
    width = student.interval[1] - student.interval[0]
    assert drawn.value == student.value
    assert drawn.interval == pytest.approx(student.interval, abs=0.1 * width)
