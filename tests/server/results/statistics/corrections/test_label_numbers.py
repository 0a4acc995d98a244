from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals_mcp.results.statistics.corrections.label_numbers import (
    labels_for_half_width,
    labels_worth,
)
from evals_mcp.results.statistics.distributions import normal_quantile


@pytest.mark.parametrize(("half_width", "needed"), [(0.08, 66), (0.05, 179), (0.04, 294)])
def test_fewer_labels_are_needed_with_a_judge_than_alone(half_width: float, needed: int) -> None:
    """The simulated judge has a sensitivity of 0.85 and a specificity of 0.8 at a rate of 0.8."""
    covariance = 0.8 * 0.85 - 0.8 * 0.72
    correlation = covariance / (0.16 * 0.72 * 0.28) ** 0.5

    assert labels_for_half_width(half_width, 0.16, correlation, 1_000) == needed
    alone = labels_for_half_width(half_width, 0.16, 0.0, 1_000)
    assert alone is not None
    assert alone > needed


def test_no_number_of_labels_helps_where_the_rows_are_too_few() -> None:
    assert labels_for_half_width(0.01, 0.16, 0.9, 100) is None
    assert labels_for_half_width(0.0, 0.16, 0.9, 100) is None


@given(st.floats(0.01, 0.3), st.floats(0.01, 0.25), st.floats(-0.99, 0.99), st.integers(30, 10_000))
def test_these_labels_reach_the_width_and_one_less_does_not(
    half_width: float, variance: float, correlation: float, rows: int
) -> None:
    def reached(labels: float) -> float:
        square = correlation**2
        error = variance * ((1 - square) / labels + square / rows)
        return normal_quantile(0.975) * error**0.5

    needed = labels_for_half_width(half_width, variance, correlation, rows)

    if needed is None:
        assert reached(1e15) >= half_width * (1 - 1e-9)
    else:
        assert reached(needed) <= half_width * (1 + 1e-9)
        assert needed == 1 or reached(needed - 1) > half_width * (1 - 1e-9)


def test_half_the_width_is_worth_four_times_the_labels() -> None:
    assert labels_worth(60, (0.7, 0.8), (0.65, 0.85)) == pytest.approx(240)
    assert labels_worth(60, (0.7, 0.7), (0.65, 0.85)) is None
