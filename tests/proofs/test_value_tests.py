"""The simulation of values without a difference, with few runs of one situation."""

from __future__ import annotations

import pytest

from tests.proofs import value_tests as proof


def test_values_of_few_skewed_scores_are_not_called_low_by_chance(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    draw = "scores 1 to 5, 70 % fives"
    monkeypatch.setattr(proof, "DRAWS", {draw: proof.DRAWS[draw]})
    monkeypatch.setattr(proof, "SIZES", {"20 values of 10 rows": [10] * 20})

    found = list(proof.false_verdicts(40))

    assert found[0].shown < 10
    assert found[0].welch > 40
    assert not list(proof.failures(found, 40))
    assert len(proof.table(found).splitlines()) == 3
    worse = proof.FalseVerdicts(draw, "few rows", 30.0, 0.0, 0.0)
    assert list(proof.failures([worse], 1_000)) == [
        "false verdicts in 30.0 %: scores 1 to 5, 70 % fives, few rows"
    ]
