"""Bets and intervals: equal to an independent library, and valid however the rows are ordered."""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals_schemas.sequential.betting import (
    LOG_NEEDED,
    Side,
    e_value,
    log_wealth,
    lower_end,
    upper_end,
)
from tests.volume import examples

RECORDED: list[dict[str, Any]] = json.loads(
    Path(__file__).with_name("confseq_bets.json").read_text(encoding="utf-8")
)["wealths"]
"""Written by `python -m tests.proofs.recorded_bets`."""

outcomes = st.lists(st.sampled_from((0.0, 0.5, 1.0)), min_size=1, max_size=80)
means = st.floats(0.02, 0.98)


@pytest.mark.parametrize("case", RECORDED, ids=lambda case: f"{case['side']} {case['mean']:.3f}")
def test_the_wealth_is_that_of_an_independent_library(case: dict[str, Any]) -> None:
    counts = {float(value): count for value, count in case["counts"].items()}

    assert log_wealth(counts, case["mean"], case["side"]) == pytest.approx(
        case["log_wealth"], rel=1e-9, abs=1e-9
    )


@given(outcomes, means)
@settings(max_examples=examples(60))
def test_the_wealth_is_the_mean_of_twelve_bets_row_by_row(values: list[float], mean: float) -> None:
    shares = [0.95 * 2 ** (-step / 2) for step in range(12)]
    wealth = math.fsum(
        math.prod(1 - share + share * value / mean for value in values) for share in shares
    )

    assert log_wealth(Counter(values), mean, "above") == pytest.approx(
        math.log(wealth / 12), rel=1e-9, abs=1e-9
    )


@given(outcomes, means, st.sampled_from(("above", "below")))
@settings(max_examples=examples(60))
def test_both_sides_mirror_each_other(values: list[float], mean: float, side: Side) -> None:
    other: Side = "below" if side == "above" else "above"
    mirrored = Counter(1 - value for value in values)

    assert log_wealth(Counter(values), mean, side) == pytest.approx(
        log_wealth(mirrored, 1 - mean, other), rel=1e-9, abs=1e-9
    )


@given(outcomes)
@settings(max_examples=examples(30))
def test_the_interval_excludes_one_half_exactly_when_the_e_value_decides(
    values: list[float],
) -> None:
    counts = Counter(values)
    above, below = (log_wealth(counts, 0.5, side) for side in ("above", "below"))
    low, high = lower_end(counts), upper_end(counts)

    assert 0 <= low <= sum(values) / len(values) + 1e-12
    assert high >= sum(values) / len(values) - 1e-12
    if abs(max(above, below) - LOG_NEEDED) > 1e-6:
        assert (not low <= 0.5 <= high) == (e_value(above, below) >= 20)


def test_without_rows_nothing_is_known() -> None:
    assert (lower_end({}), upper_end({})) == (0.0, 1.0)
    assert log_wealth({}, 0.5, "above") == 0
    assert e_value(0.0, 0.0) == 0.5


def test_a_mean_that_the_rows_rule_out_has_endless_wealth_against_it() -> None:
    assert log_wealth({1.0: 1}, 0.0, "above") == math.inf
    assert log_wealth({0.0: 3}, 0.0, "above") == 0
    assert e_value(math.inf, 0.0) > 1e299


def test_an_interval_that_holds_at_every_look_is_wider_than_wilsons() -> None:
    half_widths = [
        50 * (upper_end({1.0: n // 2, 0.0: n // 2}) - lower_end({1.0: n // 2, 0.0: n // 2}))
        for n in (100, 400, 1_600)
    ]

    assert half_widths == pytest.approx([15.8, 8.2, 4.2], abs=0.2)
