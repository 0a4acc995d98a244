"""A part of the proof of nodes: one is killed, and once the database goes away."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.proofs.nodes.checks import killed_node, lost_database
from tests.proofs.nodes.finding import FAILED, Finding
from tests.proofs.nodes.parts import chosen, parts
from tests.proofs.nodes.record import Record

pytestmark = pytest.mark.usefixtures("lines_not_counted")

ROWS = 1_000


async def test_no_row_is_lost_if_a_node_is_killed() -> None:
    assert (await killed_node(ROWS)).lost == 0


async def test_nothing_is_lost_or_repeated_if_the_database_goes_away() -> None:
    finding = await lost_database(ROWS, seconds=1)
    assert (finding.lost, finding.repeated) == (0, 0)


def test_a_part_is_chosen_by_its_name_the_start_of_it_or_the_number_of_its_check() -> None:
    every = list(parts(range(4, 7), outages=2))
    assert {part.check for part in every} == set(range(1, 17))
    assert len({part.name for part in every}) == len(every)
    names = [part.name for part in chosen(["chaos", "database-2", "6"], every)]
    assert names == ["kill", "term", "database-2", "chaos-4", "chaos-5", "chaos-6"]
    assert chosen([], every) == every
    with pytest.raises(ValueError, match="No check 'chaos-1'"):
        chosen(["chaos-1"], every)


def test_an_interrupted_run_goes_on_with_what_has_not_ended_well(tmp_path: Path) -> None:
    file = tmp_path / "record.jsonl"
    record = Record(file)
    well, badly = Finding("kill", 9, 0, 1, 2.5), Finding("term", 9, 1, 0, 1.0, "why", FAILED)
    record.add("kill", well, 0.5)
    record.add("term", badly, 0.5)
    again = Record(file)
    assert again.of("kill") == (well, 0.5)
    assert again.of("term") is None
    assert again.of("cancel") is None
