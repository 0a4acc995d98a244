import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from inline_snapshot import snapshot
from scipy import stats as _stats  # pyright: ignore[reportMissingTypeStubs]

from evals_mcp.results.statistics.estimate import Estimate
from evals_mcp.results.statistics.scores import (
    histogram,
    mean,
    quantiles,
    sample_deviation,
)

oracle: Any = _stats
score = st.integers(-1000, 1000).map(lambda number: number / 8)
scores = st.lists(score, min_size=2, max_size=60)


@given(scores)
def test_the_mean_and_its_interval_agree_with_scipy(values: list[float]) -> None:
    found = mean(values)

    assert found is not None
    assert found.value == pytest.approx(float(np.mean(values)), rel=1e-9, abs=1e-12)
    if len(set(values)) == 1:
        assert found.interval is None
    else:
        ends = oracle.t.interval(0.95, len(values) - 1, np.mean(values), oracle.sem(values))
        assert found.interval == pytest.approx(tuple(ends), rel=1e-9, abs=1e-9)


@given(scores)
def test_the_deviation_agrees_with_numpy(values: list[float]) -> None:
    assert sample_deviation(values) == pytest.approx(float(np.std(values, ddof=1)), abs=1e-12)


def test_one_score_has_a_mean_without_interval_and_no_deviation() -> None:
    assert mean([3.0]) == Estimate(3.0, None, 1, "t")
    assert sample_deviation([3.0]) is None


def test_no_scores_have_no_figures() -> None:
    assert mean([]) is None
    assert sample_deviation([]) is None
    assert quantiles([], [0.5]) is None
    assert histogram([], 0, 1) is None


@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=2, max_size=20),
    st.integers(0, 3),
)
def test_figures_of_any_floats_are_floats_and_0_only_if_all_are_the_same(
    values: list[float], copies: int
) -> None:
    values += values[:1] * copies

    estimate, deviation = mean(values), sample_deviation(values)

    assert estimate is not None
    assert estimate.value == pytest.approx(float(sum(map(Fraction, values)) / len(values)))
    assert (deviation == 0) is (len(set(values)) == 1)
    assert deviation is None or math.isfinite(deviation)
    assert estimate.interval is None or all(map(math.isfinite, estimate.interval))
    assert (estimate.interval is None) is (not deviation)
    assert all(map(math.isfinite, quantiles(values, [0, 0.3, 0.5, 1]) or []))
    lines = histogram(values, min(values), max(values)) or []
    assert sum(int(line.rstrip("# ").split()[-1]) for line in lines) == len(values)


@pytest.mark.parametrize(
    "values", [[1e15, 1e15 + 1], [0.0, 1e-170], [0.0, 5e-324, 5e-324], [0.0] * 9 + [5e-324]]
)
def test_values_that_differ_have_a_deviation(values: list[float]) -> None:
    assert sample_deviation(values)


@given(st.lists(score, min_size=1), st.lists(st.floats(0, 1), min_size=1))
def test_quantiles_agree_with_numpys_default(values: list[float], shares: list[float]) -> None:
    expected = np.quantile(values, shares)

    assert quantiles(values, shares) == pytest.approx(list(expected), rel=1e-9, abs=1e-9)


def test_a_histogram_shows_each_bin_with_its_count() -> None:
    values = [1, 2, 2, 3, 3, 3, 4, 5, 5, 5, 5, 5, 5]

    assert histogram(values, 1, 5, bins=4) == snapshot(["1-2 1", "2-3 2", "3-4 3", "4-5 7"])


def test_a_histogram_divides_the_smallest_and_the_widest_range() -> None:
    assert histogram([0.0, 5e-324], 0.0, 5e-324, bins=1) == ["0-4.941e-324 2"]
    wide = histogram([-1.7e308, 1.7e308], -1.7e308, 1.7e308, bins=2)
    assert [line.split()[-1] for line in wide or []] == ["1", "1"]


def test_negative_ends_of_a_bin_are_not_joined_by_a_dash() -> None:
    assert histogram([-4.0, -3.75, 4.0], -4.249, -3.691, bins=2) == snapshot(
        ["-4.249 to -3.97 1", "-3.97 to -3.691 1", "        outside 1"]
    )


def test_scores_outside_the_range_have_their_own_line() -> None:
    assert histogram([0.5, 7.0, -1.0], 0, 1, bins=2) == snapshot(
        ["  0-0.5 0", "  0.5-1 1", "outside 2"]
    )


def test_constant_scores_without_a_range_are_one_bin() -> None:
    assert histogram([3.0, 3.0], 3.0, 3.0) == snapshot(["3-3 2"])


@given(st.lists(score, min_size=1), st.integers(1, 20))
def test_a_histogram_counts_as_numpy_does(values: list[float], bins: int) -> None:
    low, high = -128.0, 128.0

    lines = histogram(values, low, high, bins=bins)

    expected, _ = np.histogram(values, bins=bins, range=(low, high))
    assert lines is not None
    assert [int(line.split()[-1]) for line in lines] == list(expected)
