from tests.server.planning.requests import (
    JUDGE,
    ROWS,
    classify,
    planned,
    stored,
)


async def test_more_workers_than_there_can_be_are_not_promised() -> None:
    judge = {**JUDGE, "num_workers": 1_000_000}
    rows = [{**row, "question": f"{n}"} for n in range(30) for row in ROWS]

    plan = await planned(classify(judge=judge), stored(*rows))
    few = await planned(classify(judge=judge), stored(*ROWS[:1]))

    assert "`judge.num_workers` is 1,000,000: at most 1,024 calls are made at once." in plan.notes
    assert any("with 1,024 workers, each second" in note for note in plan.notes)
    assert any("with 1 worker, each second" in note for note in few.notes)
