"""The simulation of corrected figures, with few runs of a few situations."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.proofs import corrected_coverage as proof


def test_corrected_rates_cover_the_truth_that_the_judge_alone_misses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(proof, "LABELS", (60, 120))
    monkeypatch.setattr(
        proof, "SIMULATED", {key: cells[1:3] for key, cells in proof.SIMULATED.items()}
    )

    (lenient,) = proof.rates(400, [(0.8, "lenient")])
    (means,) = proof.means(30, ["compare 45-25-30, judge right in 75 %"])

    assert lenient.alone.covered < 5
    assert all(cell.covered > 88 for cell in (*lenient.stratified, *lenient.balanced))
    assert all(cell.covered > 70 for cell in means.cells)
    assert not list(proof.doubtful([lenient], []))
    assert "lenient" in proof.table([lenient], [means])
    off = replace(lenient, stratified=[proof.Cell(60, 10, 400, 95.7), lenient.stratified[1]])
    assert len(list(proof.doubtful([off], []))) == 1
