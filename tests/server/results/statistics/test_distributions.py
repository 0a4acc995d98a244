import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special as _special  # pyright: ignore[reportMissingTypeStubs]
from scipy import stats as _stats  # pyright: ignore[reportMissingTypeStubs]

from evals_mcp.results.statistics.distributions import (
    beta_share,
    normal_quantile,
    t_quantile,
    t_tails,
)

stats: Any = _stats
special: Any = _special


@given(st.floats(1e-9, 1 - 1e-9))
def test_the_normal_quantile_agrees_with_scipy(probability: float) -> None:
    expected = stats.norm.ppf(probability)

    assert normal_quantile(probability) == pytest.approx(expected, rel=1e-9, abs=1e-12)


@given(st.integers(1, 1_000_000), st.floats(0.5, 1 - 1e-6))
def test_the_t_quantile_agrees_with_scipy(freedom: int, probability: float) -> None:
    expected = stats.t.ppf(probability, freedom)

    assert t_quantile(probability, freedom) == pytest.approx(expected, rel=1e-9, abs=1e-9)


@given(st.integers(1, 1_000_000), st.floats(1e-3, 50))
def test_the_tails_of_t_agree_with_scipy(freedom: int, t: float) -> None:
    expected = 2 * stats.t.sf(t, freedom)

    assert t_tails(t, freedom) == pytest.approx(expected, rel=1e-9, abs=1e-250)
    assert t_tails(-t, freedom) == t_tails(t, freedom)


@given(st.floats(0, 1e12))
def test_the_tails_of_t_with_one_degree_of_freedom_are_an_arc_tangent(t: float) -> None:
    expected = 2 / math.pi * math.atan2(1, t)

    assert t_tails(t, 1) == pytest.approx(expected, rel=1e-12)


@given(st.floats(0.5, 1e5), st.floats(0.5, 1e5), st.floats(0, 1))
def test_the_incomplete_beta_function_agrees_with_scipy(a: float, b: float, x: float) -> None:
    expected = special.betainc(a, b, x)

    assert beta_share(a, b, x, 1 - x) == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_a_t_value_at_the_turning_point_of_the_fraction_has_a_tail() -> None:
    # Both shares, 4/7 and 3/7, can be rounded to above their limits.
    for t in (math.sqrt(1.5), math.nextafter(math.sqrt(1.5), 2), math.nextafter(math.sqrt(1.5), 1)):
        assert t_tails(t, 2) == pytest.approx(2 * stats.t.sf(t, 2), rel=1e-9)
