"""When a run stops: in the seeded order, whatever has ended, and only by what is certain."""

from __future__ import annotations

import random
from math import comb

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from evals_schemas.sequential.evidence import NO_VALUE
from evals_schemas.sequential.last_look import LEVELS, last_look
from evals_schemas.sequential.seeded_order import seeded_order
from evals_schemas.sequential.stop_when import StopWhen
from evals_schemas.sequential.stopping import Decision, Stopping
from tests.volume import examples

DECIDED = StopWhen(decided=True)
values = st.lists(st.sampled_from((0.0, 0.5, 1.0, 1.0, NO_VALUE)), min_size=1, max_size=120)


def _stopping(rules: StopWhen, units: int) -> Stopping:
    return Stopping(rules, units, is_difference=True)


def _in_order(rules: StopWhen, rows: list[float]) -> Decision | None:
    stopping = _stopping(rules, len(rows))
    for unit, value in enumerate(rows):
        stopping.evidence.end(unit, value)
    return stopping.look(len(rows))


@given(values, st.randoms(use_true_random=False))
@settings(max_examples=examples(60))
def test_what_is_decided_with_rows_outstanding_is_decided_by_all_of_them(
    rows: list[float], shuffled: random.Random
) -> None:
    order = list(range(len(rows)))
    shuffled.shuffle(order)
    stopping = _stopping(DECIDED, len(rows))
    decision = None
    for unit in order:
        stopping.evidence.end(unit, rows[unit])
        decision = stopping.look(len(rows))
        if decision:
            break

    if decision is None:
        assert _in_order(DECIDED, rows) is None
        return
    counted = _stopping(DECIDED, decision.units)
    for unit in range(decision.units):
        counted.evidence.end(unit, rows[unit])
    counted.look(decision.units)
    assert counted.evidence.figures(decision.units).e(0.5) >= 20 - 1e-9


@given(values)
@settings(max_examples=examples(60))
def test_the_first_row_that_decides_is_the_same_at_one_look_and_at_many(rows: list[float]) -> None:
    stopping = _stopping(DECIDED, len(rows))
    for unit, value in enumerate(rows):
        stopping.evidence.end(unit, value)
        stopping.look(unit + 1)

    assert stopping.decision == _in_order(DECIDED, rows)


def test_six_wins_do_not_decide_and_enough_of_them_do() -> None:
    assert _in_order(DECIDED, [1.0] * 6) is None

    decision = _in_order(DECIDED, [1.0] * 20)

    assert decision == Decision("above", 9)
    assert _in_order(DECIDED, [0.0] * 20) == Decision("below", 9)


def test_a_row_that_is_out_counts_against_the_leader_and_does_not_hold_the_run() -> None:
    stopping = _stopping(DECIDED, 40)
    for unit in range(1, 12):
        stopping.evidence.end(unit, 1.0)
    assert stopping.look(12) is None

    for unit in range(12, 40):
        stopping.evidence.end(unit, 1.0)
    decision = stopping.look(40)

    assert decision is not None
    assert decision.units > 12
    assert stopping.prefix == 0


def test_a_decision_stays_as_it_was() -> None:
    stopping = _stopping(DECIDED, 60)
    for unit in range(20):
        stopping.evidence.end(unit, 1.0)
    decision = stopping.look(20)
    for unit in range(20, 60):
        stopping.evidence.end(unit, 0.0)

    assert stopping.look(60) is decision


def test_rows_without_a_verdict_are_left_out() -> None:
    mixed = [NO_VALUE, 1.0] * 9

    assert _in_order(DECIDED, mixed) == Decision("above", 18)
    stopping = _stopping(DECIDED, 18)
    for unit, value in enumerate(mixed):
        stopping.evidence.end(unit, value)
    assert stopping.evidence.without_value(18) == 9


def test_many_ties_show_a_difference_smaller_than_the_margin() -> None:
    rows = [0.5] * 2_000

    decision = _in_order(StopWhen(smaller_than=5), rows)

    assert decision is not None
    assert decision.kind == "smaller_than"
    assert 50 < decision.units < 200
    assert _in_order(StopWhen(smaller_than=5), [0.0, 1.0] * 200) is None


def test_a_width_ends_a_run_once_the_interval_is_as_narrow() -> None:
    stopping = Stopping(StopWhen(width=10), 2_000, is_difference=False)
    for unit in range(2_000):
        stopping.evidence.end(unit, float(unit % 4 > 0))

    decision = stopping.look(2_000)

    assert decision is not None
    assert decision.kind == "width"
    low, high = stopping.evidence.figures(decision.units).interval()
    assert 0.09 < (high - low) / 2 <= 0.1
    low, high = stopping.evidence.figures(decision.units * 9 // 10).interval()
    assert (high - low) / 2 > 0.1


def test_a_pass_rate_is_compared_with_its_target() -> None:
    rules = StopWhen(decided=True, target=80)
    stopping = Stopping(rules, 200, is_difference=False)
    for unit in range(200):
        stopping.evidence.end(unit, float(unit % 2))

    decision = stopping.look(200)

    assert decision is not None
    assert decision.kind == "below"


@pytest.mark.parametrize(
    ("rules", "problem"),
    [
        ({}, "at least one of"),
        ({"target": 80}, "at least one of"),
        ({"target": 80, "width": 5}, "add it"),
        ({"decided": True, "target": 100}, "less than 100"),
        ({"width": 0}, "greater than 0"),
        ({"forever": True}, "not permitted"),
    ],
)
def test_rules_that_stop_nothing_are_refused(rules: dict[str, float], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        StopWhen.model_validate(rules)


@pytest.mark.parametrize(("wins", "losses"), [(0, 1), (5, 12), (40, 40), (700, 800)])
def test_the_last_look_is_the_exact_sign_test(wins: int, losses: int) -> None:
    n, fewer = wins + losses, min(wins, losses)
    expected = min(1.0, sum(2 * comb(n, k) for k in range(fewer + 1)) / 2**n)

    look = last_look(wins, losses)

    assert look is not None
    assert look.p == pytest.approx(expected, rel=1e-12)
    assert look.level == LEVELS[0][1]
    assert look.decides == (expected <= 0.02)


def test_there_is_no_last_look_without_a_difference_or_with_too_many() -> None:
    assert last_look(0, 0) is None
    assert last_look(2_501, 2_500) is None
    look = last_look(1_251, 1_250)
    assert look is not None
    assert look.level == 0.015


def test_the_order_follows_from_the_seed_alone() -> None:
    order = seeded_order(7, 1_000)

    assert sorted(order.rows) == list(range(1_000))
    assert list(order.rows[:8]) == [120, 383, 926, 482, 85, 535, 789, 995]
    assert order.rows == seeded_order(7, 1_000).rows
    assert order.rows != seeded_order(8, 1_000).rows
    assert [order.positions()[row] for row in order.rows] == list(range(1_000))


def test_rows_of_a_cluster_follow_each_other() -> None:
    clusters = ["a", "b", None, "a", None, "b"]

    order = seeded_order(3, 6, clusters)

    assert sorted(order.rows) == list(range(6))
    assert list(order.units) == sorted(order.units)
    members: dict[int, set[int]] = {}
    for row, unit in zip(order.rows, order.units, strict=True):
        members.setdefault(unit, set()).add(row)
    assert sorted(map(sorted, members.values())) == [[0, 3], [1, 5], [2], [4]]


def test_no_winner_is_named_where_the_order_decides_most_pairs() -> None:
    stopping = _stopping(DECIDED, 60)
    for unit in range(60):
        changed = unit % 3 > 0
        stopping.evidence.end(unit, 0.5 if changed else 1.0, changed)

    decision = stopping.look(60)

    assert decision is not None
    assert decision.kind == "order_decides"
    assert stopping.evidence.order_changed(60) == pytest.approx(2 / 3)
