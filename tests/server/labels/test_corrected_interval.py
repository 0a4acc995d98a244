"""A person labels 60 of 300 rows of a lenient judge, and the corrected interval holds the truth."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.journeys import labelled
from tests.proofs.labelled_samples import LEAST, held
from tests.volume import amount


@pytest.mark.usefixtures("lines_not_counted")
async def test_the_corrected_interval_holds_the_truth_for_most_people_who_label(
    tmp_path: Path,
) -> None:
    people = amount(gate=4, proofs=20)
    found = await held(people, tmp_path)
    assert found.judge_alone == labelled.BY_JUDGE
    # Of few people one may have a sample whose interval misses; the proofs count 200.
    assert found.holding >= min(people - 1, LEAST * people - 1)
    assert "intervals hold the truth" in found.text()
