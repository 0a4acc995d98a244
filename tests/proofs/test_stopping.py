"""The proofs of evaluations that stop when decided, with few streams, tables, runs and kills."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.proofs import stopping as proof
from tests.proofs.stopped_engines import false_decisions, kept_evidence
from tests.volume import amount

pytestmark = pytest.mark.usefixtures("lines_not_counted")


def test_few_streams_without_a_difference_are_decided() -> None:
    lines = list(proof.null_streams(amount(gate=200, proofs=2_000), ties=[0.5]))

    assert all(line.holds for line in lines), [str(line) for line in lines]


def test_both_rules_together_err_in_at_most_one_of_twenty_runs() -> None:
    (line,) = proof.exact_levels([40])

    assert line.holds
    assert line.figure > 0.02


def test_tables_never_show_the_opposite_winner_and_save_rows() -> None:
    lines = list(proof.tables(amount(gate=8, proofs=60)))

    assert all(line.holds for line in lines), [str(line) for line in lines]
    assert "OUTSIDE" in str(proof.Line("too many", 0.06, 0.05))


def test_a_judge_that_answers_one_side_faster_decides_nothing_falsely() -> None:
    assert proof.delayed_runs(amount(gate=6, proofs=200)).figure <= 0.1


async def test_a_killed_engine_leaves_the_evidence_of_its_rows(tmp_path: Path) -> None:
    kills = amount(gate=1, proofs=5)

    assert await kept_evidence(tmp_path / "killed", kills) == kills
    runs = amount(gate=2, proofs=20)
    assert await false_decisions(tmp_path / "engine", runs) <= runs // 4
