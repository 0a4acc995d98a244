"""Gates that stop: few replays and tables in `make test`, all of them in the proofs."""

from __future__ import annotations

import pytest

from tests.proofs import stopping_gates as proof
from tests.volume import amount

pytestmark = pytest.mark.usefixtures("lines_not_counted")


def test_a_gate_that_stops_is_rarely_red_without_a_change_and_pays_less_for_a_loss() -> None:
    replays = amount(gate=40, proofs=1_000)
    unchanged, _, at_margin, lost, *_ = proof.situations()

    assert proof.replayed(unchanged, replays).share("regressed") <= 3 * proof.MOST_RED
    assert proof.replayed(at_margin, replays).share("passed") <= 3 * proof.MOST_FALSE_PASSES
    assert proof.replayed(lost, replays).share("regressed") >= proof.LEAST_RED
    assert sum(lost.paid) < 0.7 * lost.rows * replays


def test_all_looks_together_err_no_more_often_than_one() -> None:
    errors = list(proof.all_errors(amount(gate=1, proofs=20)))

    assert all(each.holds for each in errors), [str(each) for each in errors]
