"""The simulation of clusters, with few runs of its smallest situations."""

from __future__ import annotations

import pytest

from tests.proofs import cluster_coverage as proof


def test_intervals_over_clusters_cover_where_plain_ones_do_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(proof, "ALIKE", (0.8,))
    monkeypatch.setattr(proof, "CLUSTERS", (10,))

    found, findings = list(proof.coverages(100)), list(proof.false_findings(100))

    assert all(cell.clustered > 85 for cell in found)
    assert all(cell.plain < 85 for cell in found)
    assert {cell.shown < 100 for cell in found if cell.sizes == "equal"} == {False}
    assert findings[0].mcnemar > findings[0].sign_flips
    assert len(proof.table(found, findings).splitlines()) == 17
    worse = proof.Coverage("equal", 0.65, 0.2, 10, 90.0, 80.0, 100.0, 80.0)
    monkeypatch.setattr(proof, "ALIKE", (0.2, 0.5, 0.8))
    assert [text.split(":")[0] for text in proof.failures([worse], findings, 4_000)][:2] == [
        "covers 80.0 %",
        "43.6 Monte-Carlo errors from 96.9 %",
    ]
