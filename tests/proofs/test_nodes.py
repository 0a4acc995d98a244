"""A part of the proof of nodes: one is killed, and once the database goes away."""

from __future__ import annotations

import pytest

from tests.proofs.nodes.checks import killed_node, lost_database

pytestmark = pytest.mark.usefixtures("lines_not_counted")

ROWS = 1_000


async def test_no_row_is_lost_if_a_node_is_killed() -> None:
    assert (await killed_node(ROWS)).lost == 0


async def test_nothing_is_lost_or_repeated_if_the_database_goes_away() -> None:
    finding = await lost_database(ROWS, seconds=1)
    assert (finding.lost, finding.repeated) == (0, 0)
