from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals_mcp.launching.agreed_estimate import Estimate
from evals_mcp.spending.dollars import usd, usd_range
from evals_schemas.tools.plans import Range


@given(
    calls=st.none() | st.integers(0, 2**40),
    cost=st.none() | st.tuples(st.floats(0, allow_nan=False), st.floats(0, allow_nan=False)),
)
def test_an_estimate_survives_its_way_through_a_code(
    calls: int | None, cost: tuple[float, float] | None
) -> None:
    estimate = Estimate(calls, Range(low=cost[0], high=cost[1]) if cost else None)
    assert Estimate.unpacked(estimate.packed).packed == estimate.packed


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (0, "$0.00"),
        (1e-7, "below $0.00001"),
        (0.000123, "$0.00012"),
        (0.0042, "$0.0042"),
        (0.00999, "$0.01"),
        (1.2, "$1.20"),
        (99.994, "$99.99"),
        (100.4, "$100"),
        (12345.6, "$12,346"),
        (1e308, "$1,000,000,000,000,000"),
        (float("inf"), "$1,000,000,000,000,000"),
    ],
)
def test_an_amount_is_shown_as_finely_as_it_matters(amount: float, text: str) -> None:
    assert usd(amount) == text


def test_a_range_whose_ends_read_alike_is_one_amount() -> None:
    assert usd_range(Range(low=1.201, high=1.204)) == "$1.20"
    assert usd_range(Range(low=0, high=1.204)) == "$0.00 to $1.20"
