from tests.server.planning.requests import (
    JUDGE,
    ROWS,
    classify,
    planned,
    stored,
)


async def test_more_rows_are_asked_for_where_the_interval_would_be_wider() -> None:
    wide = await planned(classify(), stored(*ROWS[:40]), half_width=5)
    narrow = await planned(classify(), half_width=10)

    assert "40 rows give a rate within about ±14.8 points (95 %); ±5 needs 381 rows." in wide.notes
    assert not any("rows give a rate" in note for note in narrow.notes)


async def test_more_workers_than_there_can_be_are_not_promised() -> None:
    judge = {**JUDGE, "num_workers": 1_000_000}
    rows = [{**row, "question": f"{n}"} for n in range(30) for row in ROWS]

    plan = await planned(classify(judge=judge), stored(*rows))
    few = await planned(classify(judge=judge), stored(*ROWS[:1]))

    assert "`judge.num_workers` is 1,000,000: at most 1,024 calls are made at once." in plan.notes
    assert any("with 1,024 workers, each second" in note for note in plan.notes)
    assert any("with 1 worker, each second" in note for note in few.notes)
    assert any(note.startswith("1 row gives a rate") for note in few.notes)
