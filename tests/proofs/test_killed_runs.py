"""A part of the proof of killed runs: one run of each ending."""

from __future__ import annotations

import pytest

from tests.proofs.killed_runs import ENDINGS, main

pytestmark = pytest.mark.usefixtures("lines_not_counted")


async def test_no_row_is_lost_and_few_are_repeated_however_a_run_ends() -> None:
    totals = await main(len(ENDINGS))
    assert set(totals) == set(ENDINGS)
