import math
from collections.abc import Sequence
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from scipy import optimize as _optimize  # pyright: ignore[reportMissingTypeStubs]
from scipy import stats as _stats  # pyright: ignore[reportMissingTypeStubs]

from evals_mcp.results.statistics.clusters import (
    ClusterSizes,
    clustered_difference,
    clustered_mean,
    clustered_rate,
    detectable_clustered_difference,
    sign_flip_test,
)
from evals_mcp.results.statistics.paired import tango_interval
from evals_mcp.results.statistics.rates import rate, sign_test
from evals_mcp.results.statistics.sign_flips import exact_flip_tails
from tests.volume import examples

oracle: Any = _stats
optimize: Any = _optimize
score = st.integers(-1000, 1000).map(lambda number: number / 8)
clustered = st.lists(st.tuples(score, st.integers(0, 9)), min_size=2, max_size=60)


def split(rows: Sequence[tuple[float, int]]) -> tuple[list[float], list[int]]:
    return [value for value, _ in rows], [cluster for _, cluster in rows]


@given(clustered)
def test_the_error_agrees_with_leaving_out_one_cluster_at_a_time(
    rows: list[tuple[float, int]],
) -> None:
    values, clusters = split(rows)
    groups = set(clusters)
    centre = Fraction(sum(map(Fraction, values))) / len(rows)
    moves = [
        Fraction(sum(kept)) / len(kept) - centre
        for group in groups
        if (kept := [Fraction(value) for value, cluster in rows if cluster != group])
    ]
    squares = sum(move**2 for move in moves)

    figure = clustered_mean(values, clusters)
    assert figure is not None
    expected = math.sqrt(squares * (len(groups) - 1) / len(groups))
    assert figure.error == pytest.approx(expected, rel=1e-9, abs=1e-12)


@given(st.lists(st.lists(score, min_size=4, max_size=4), min_size=6, max_size=20))
def test_equal_clusters_have_scipys_interval_of_the_means_of_the_clusters(
    groups: list[list[float]],
) -> None:
    values = [value for group in groups for value in group]
    clusters = [number for number, group in enumerate(groups) for _ in group]
    means = [float(np.mean(group)) for group in groups]

    found = clustered_mean(values, clusters)

    assert found is not None
    assert found.sizes == ClusterSizes(len(groups), len(values), float(len(groups)), 4)
    if len(set(means)) == 1:
        assert found.estimate.interval is None
        return
    ends = oracle.t.interval(0.95, len(means) - 1, np.mean(means), oracle.sem(means))
    assert found.estimate.interval == pytest.approx(tuple(ends), rel=1e-9, abs=1e-9)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 12)), min_size=1, max_size=80))
def test_the_interval_of_a_rate_has_the_shares_that_the_score_test_does_not_reject(
    rows: list[tuple[bool, int]],
) -> None:
    values, clusters = split(rows)

    found = clustered_rate(values, clusters)

    assert found is not None
    share, worth, sizes = found.estimate.value, found.rows_worth, found.sizes
    assert 1 <= worth <= len(rows)
    counts = np.bincount(clusters)
    assert sizes.effective == pytest.approx(len(rows) ** 2 / float(counts @ counts))
    if sizes.effective < 6:
        assert found.estimate.interval is None
        return
    if found.error:
        spread = share * (1 - share) / found.error**2
        assert worth == pytest.approx(min(max(spread, 1), len(rows)))
    else:
        assert worth == sizes.effective
    quantile = float(oracle.t.ppf(0.975, sizes.effective - 1))

    def rejected(end: float) -> float:
        return abs(share - end) - quantile * math.sqrt(end * (1 - end) / worth)

    # Next to a share of 0 or 1, because the function is 0 there and brentq would stop.
    inner = min(max(share, 1e-12), 1 - 1e-12)
    low = optimize.brentq(rejected, 0, inner, xtol=1e-13) if share else 0.0
    high = optimize.brentq(rejected, inner, 1, xtol=1e-13) if share < 1 else 1.0
    assert found.estimate.interval == pytest.approx((low, high), abs=1e-9)


def test_ten_copies_of_each_row_neither_narrow_an_interval_nor_lower_a_p_value() -> None:
    values = [0.0, 1.0, 1.0, 0.0, 1.0, 1.0, 1.0]

    once = clustered_rate(values, range(7))
    copied = clustered_rate(values * 10, list(range(7)) * 10)

    assert once is not None
    assert copied is not None
    assert copied.estimate.n == 70
    assert copied.estimate.interval == pytest.approx(once.estimate.interval)
    assert copied.rows_worth == pytest.approx(once.rows_worth)
    assert sign_flip_test(values * 10, list(range(7)) * 10) == sign_flip_test(values, range(7))


def test_few_clusters_have_a_figure_and_neither_interval_nor_p_value() -> None:
    values, clusters = [1.0, 0.0, 1.0, 1.0, 0.0], range(5)

    for found in (clustered_rate(values, clusters), clustered_mean(values, clusters)):
        assert found is not None
        assert found.estimate.value == pytest.approx(0.6)
        assert found.estimate.interval is None
    assert sign_flip_test(values, clusters) is None
    assert detectable_clustered_difference(0.1, ClusterSizes.of(clusters)) is None
    assert sign_flip_test([1.0] * 6, range(6)) == 2 / 2**6


def test_no_values_have_no_figures() -> None:
    assert clustered_mean([], []) is None
    assert clustered_rate([], []) is None
    assert clustered_difference([], []) is None
    assert sign_flip_test([], []) is None


def test_clusters_that_are_all_alike_count_as_rows() -> None:
    clusters = [number // 5 for number in range(100)]
    all_pass, plain = clustered_rate([1.0] * 100, clusters), rate(20, 20)
    same = clustered_difference([0.0] * 100, clusters)

    assert all_pass is not None
    assert plain is not None
    assert all_pass.rows_worth == 20
    assert all_pass.estimate.interval is not None
    assert plain.interval is not None
    assert all_pass.estimate.interval[0] < plain.interval[0]
    assert same is not None
    assert same.estimate.interval == tango_interval(0, 0, 20)


def test_figures_of_the_largest_floats_are_floats() -> None:
    values = [1.7e308, -1.7e308, 1.7e308, 1.6e308] * 5

    found = clustered_mean(values, [number // 2 for number in range(20)])

    assert found is not None
    assert found.estimate.interval is not None
    assert all(map(math.isfinite, (*found.estimate.interval, found.error, found.rows_worth)))
    assert sign_flip_test(values, range(20)) == pytest.approx(
        sign_flip_test([value / 1e308 for value in values], range(20))
    )


@given(st.integers(0, 400), st.integers(0, 400), st.integers(0, 5))
def test_clusters_of_one_row_are_tested_by_the_sign_test(wins: int, losses: int, ties: int) -> None:
    values = [1.0] * wins + [-1.0] * losses + [0.0] * ties

    found = sign_flip_test(values, range(len(values)))

    if len(values) < 6:
        assert found is None
    else:
        assert found == pytest.approx(sign_test(wins, losses) or 1.0, rel=1e-10)


def difference_of_sums(first: Sequence[int], second: Sequence[int]) -> int:
    return sum(first) - sum(second)


@hypothesis_settings(max_examples=examples(30), deadline=None)
@given(st.lists(st.integers(-9, 9), min_size=6, max_size=9))
def test_the_test_agrees_with_scipy_over_all_sign_patterns(sums: list[int]) -> None:
    data = (np.array(sums), np.zeros(len(sums), dtype=int))
    expected = oracle.permutation_test(
        data, difference_of_sums, permutation_type="samples", n_resamples=np.inf
    )

    assert sign_flip_test(sums, range(len(sums))) == pytest.approx(expected.pvalue, rel=1e-9)


@given(st.lists(st.integers(1, 30), min_size=1, max_size=9), st.data())
def test_every_tail_of_the_exact_distribution_agrees_with_counting(
    numbers: list[int], data: st.DataObject
) -> None:
    sums = [
        abs(sum(sign * number for sign, number in zip(signs, numbers, strict=True)))
        for signs in product((1, -1), repeat=len(numbers))
    ]
    observed = data.draw(st.sampled_from(sums))

    expected = sum(value >= observed for value in sums) / len(sums)
    assert exact_flip_tails(numbers, observed) == pytest.approx(expected, rel=1e-9)


def test_sums_that_are_not_whole_are_tested_with_drawn_patterns_and_a_seed() -> None:
    exact = sign_flip_test([3.0, -1.0, 2.0, 4.0, 1.0, 2.0, -2.0, 5.0], range(8))
    halves = [1.51, -0.51, 1.01, 2.01, 0.51, 1.01, -1.01, 2.51]
    drawn = sign_flip_test(halves, range(8))

    assert drawn == sign_flip_test(halves, range(8))
    assert drawn == pytest.approx(exact, abs=0.015)


def test_many_clusters_with_scores_are_tested_in_groups() -> None:
    values = [0.3 + 0.1 * (number % 7) - 0.6 for number in range(5_001)]
    balanced = [value if number % 2 else -value for number, value in enumerate(values)]

    assert sign_flip_test(values, range(5_001)) is not None
    assert (sign_flip_test([value + 1 for value in values], range(5_001)) or 1) < 0.001
    assert (sign_flip_test(balanced, range(5_001)) or 0) > 0.05


def test_values_without_a_cluster_are_refused() -> None:
    with pytest.raises(ValueError, match="one cluster for each value"):
        clustered_mean([1.0, 2.0], [1])
