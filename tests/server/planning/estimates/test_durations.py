from tests.server.planning.requests import (
    JUDGE,
    ROWS,
    classify,
    completed,
    planned,
    stored,
)


async def test_one_earlier_run_tells_the_time_with_half_of_it_each_way() -> None:
    plan = await planned(classify(), stored(jobs=[completed(seconds=60)]))

    assert plan.duration_seconds is not None
    assert (plan.duration_seconds.low, plan.duration_seconds.high) == (60, 180)


async def test_runs_of_another_kind_tell_nothing() -> None:
    other = completed(judge={**JUDGE, "model": "judge-2"})

    plan = await planned(classify(), stored(jobs=[other]))

    assert plan.duration_seconds is None
    assert any("No evaluation of this kind has completed yet" in note for note in plan.notes)


async def test_a_long_time_is_told_in_hours() -> None:
    judge = {**JUDGE, "num_workers": 1}

    plan = await planned(classify(judge=judge), stored(*ROWS * 30))

    assert any("takes adds about 1.7 h to the total time" in note for note in plan.notes)
