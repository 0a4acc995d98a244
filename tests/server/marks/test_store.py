"""Marks are kept by what they are about, for one principal, the newest one counting."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from evals_mcp.marks.mark import Drawn, Mark, mark_of
from evals_mcp.marks.store import MOST_EARLIER, Marks
from evals_mcp.state.kinds import MARKS
from evals_mcp.state.records import QuotaError, State

NOW = datetime(2026, 5, 1, 12, 30, tzinfo=UTC)
ABOUT = "verdicts1-0 row1-1 answer1-2"


async def key() -> bytes:
    return bytes(32)


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State(tmp_path, 100_000, lambda: NOW)


def marks_of(state: State, principal: str = "alice") -> Marks:
    return Marks(state.of(principal), key)


MARK = Mark(
    opinion="wrong",
    verdict="good",
    label="bad",
    labeller="alice",
    source="page",
    at="2026-05-01T12:30:00+00:00",
    evaluation="account-1 eval-1",
    row=7,
    question="rubric1-3",
    sample=Drawn(11, 2),
)


async def test_the_newest_mark_counts_and_the_earlier_ones_are_kept(state: State) -> None:
    marks = marks_of(state)
    later = replace(MARK, opinion="right", label="good")
    await marks.add(ABOUT, MARK)
    await marks.add(ABOUT, later)
    assert await marks.of([ABOUT, "verdicts1-0 row1-1 answer1-9"]) == {ABOUT: later}
    (record,) = state.of("alice").list(MARKS)
    assert [mark_of(each) for each in record.value["marks"]] == [later, MARK]
    for _ in range(MOST_EARLIER + 5):
        await marks.add(ABOUT, MARK)
    (record,) = state.of("alice").list(MARKS)
    assert len(record.value["marks"]) == MOST_EARLIER + 1


async def test_a_stored_mark_says_who_when_where_and_how(state: State) -> None:
    await marks_of(state).add(ABOUT, MARK)
    (record,) = state.of("alice").list(MARKS)
    assert record.value["marks"] == [
        {
            "opinion": "wrong",
            "verdict": "good",
            "label": "bad",
            "labeller": "alice",
            "source": "page",
            "at": "2026-05-01T12:30:00+00:00",
            "evaluation": "account-1 eval-1",
            "row": 7,
            "question": "rubric1-3",
            "sample": {"seed": 11, "position": 2},
            "blind": False,
            "kind": "human",
        }
    ]


async def test_marks_belong_to_one_principal(state: State) -> None:
    await marks_of(state).add(ABOUT, MARK)
    assert await marks_of(state, "bob").of([ABOUT]) == {}
    assert await marks_of(state, "bob").all_of("verdicts1-0") == {}
    assert await marks_of(state).all_of("verdicts1-0") == {ABOUT: MARK}


async def test_marks_are_found_by_the_verdicts_that_are_possible(state: State) -> None:
    marks = marks_of(state)
    await marks.add(ABOUT, MARK)
    await marks.add("verdicts1-00 row1-1 answer1-2", replace(MARK, row=8))
    assert list(await marks.all_of("verdicts1-0")) == [ABOUT]
    assert await marks.all_of("verdicts1-") == {}


async def test_nothing_is_stored_beyond_the_quota(tmp_path: Path) -> None:
    small = State(tmp_path, 1_000, lambda: NOW)
    marks = marks_of(small)
    await marks.add(ABOUT, MARK)
    with pytest.raises(QuotaError, match=r"state\.max_bytes"):
        await marks.add(ABOUT, replace(MARK, label="long" * 300))
    assert await marks.of([ABOUT]) == {ABOUT: MARK}


def test_a_mark_says_of_another_verdict_only_what_follows() -> None:
    assert MARK.about("good") == MARK
    assert MARK.about("bad") == replace(MARK, opinion="right", verdict="bad", sample=None)
    right = replace(MARK, opinion="right", label="good")
    assert right.about("bad") == replace(right, opinion="wrong", verdict="bad", sample=None)
    open_wrong = replace(MARK, label=None)
    assert open_wrong.about("good") == open_wrong
    assert open_wrong.about("neutral") is None
    unsure = replace(MARK, opinion="unsure", label=None)
    assert unsure.about("bad") == unsure
    assert replace(MARK, opinion="withdrawn").about("good") is None
