"""Replays of a gate: few in `make test`, 1,000 in the proofs."""

from __future__ import annotations

from tests.proofs import gate_replays as proof
from tests.volume import amount


def test_a_gate_is_rarely_red_without_a_change_and_red_with_a_planted_loss() -> None:
    replays = amount(gate=100, proofs=1_000)
    unchanged, _, lost, _ = proof.cells()

    assert proof.replayed(unchanged, replays).share("regressed") <= 3 * proof.MOST_RED
    assert proof.replayed(lost, replays).share("regressed") >= proof.LEAST_RED
