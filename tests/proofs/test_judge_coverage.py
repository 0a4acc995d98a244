"""The simulation of judges, with few runs of a few situations."""

from __future__ import annotations

import pytest

from tests.proofs import judge_coverage as proof


def test_kappa_is_covered_where_its_interval_is_shown_and_not_where_it_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(proof, "ROWS", (200,))
    monkeypatch.setattr(proof, "RARE", (0.01, 0.5))
    monkeypatch.setattr(proof, "KAPPAS", (0.0,))
    monkeypatch.setattr(proof, "CORRELATIONS", (0.7,))
    monkeypatch.setattr(proof, "RANKED_ROWS", (50,))

    rare, even = proof.agreements(10)
    ranked = list(proof.ranks(100))

    assert rare.kappa_shown == 0
    assert rare.kappa_covered is None
    assert even.kappa_shown == 100
    assert even.kappa_covered is not None
    assert even.kappa_covered > 70
    assert not even.is_low(10)
    assert all(one.covered > 80 for one in ranked)
    assert len(proof.table([rare, even], ranked).splitlines()) == 9
