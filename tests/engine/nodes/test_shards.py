"""Shards: each is one process's at a time, rows count once, the last one ends the evaluation."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import product

import pytest

from evals_engine.nodes.shard import CONCLUSION, PREPARATION, Following, Orders, Shard
from evals_engine.store.records import StatusChange
from tests.engine.nodes.shard_tables import (
    add_evaluation,
    finished,
    query,
    shards_of,
    started,
    tickets,
)
from tests.volume import amount

FAILURE = StatusChange("error", "The data set cannot be read any further.", 0.0)


def begun(shard: Shard | None) -> Shard:
    assert shard is not None
    return shard


def with_share(url: str) -> dict[int, int]:
    """Return the shares of the shards that have one, by the numbers of the shards."""
    records = query(
        url,
        "SELECT number, calls FROM shards"
        " WHERE state IN ('queued', 'doing') AND number >= 0 AND calls > 0",
    )
    return {record["number"]: record["calls"] for record in records}


def test_each_shard_is_begun_by_one_of_many_processes(database_url: str) -> None:
    count = amount(gate=100, proofs=400)
    with shards_of(database_url) as shards:
        key = started(database_url, shards, [1] * count, [1] * count)

        def begin_all(_: int) -> list[int]:
            begun = [shards.begin(key, number) for number in range(count)]
            return [shard.number for shard in begun if shard is not None]

        with ThreadPoolExecutor(16) as threads:
            taken = [number for numbers in threads.map(begin_all, range(16)) for number in numbers]
    assert sorted(taken) == list(range(count))


def test_as_many_shards_run_as_there_are_slots_and_each_end_queues_the_next(
    database_url: str,
) -> None:
    with shards_of(database_url) as shards:
        key = started(database_url, shards, [10, 10, 10, 5], [4, 3])
        assert tickets(database_url)[1:] == [(key, 0), (key, 1)]
        first, second = (begun(shards.begin(key, number)) for number in (0, 1))
        assert (first.calls, second.calls) == (4, 3)
        assert shards.begin(key, 2) is None
        assert shards.end(second)
        third = begun(shards.begin(key, 2))
        assert (third.calls, third.first_row, third.size) == (3, 20, 10)


def test_a_process_goes_on_with_the_next_shard_and_the_same_share(database_url: str) -> None:
    with shards_of(database_url) as shards:
        key = started(database_url, shards, [10, 10, 10], [4])
        first = begun(shards.begin(key, 0))
        following = shards.begin_next(first)
        second = begun(following.shard)
        assert (second.number, second.first_row, second.calls) == (1, 10, 0)
        assert shards.end(first, following=following)
        assert with_share(database_url) == {1: 4}
        assert shards.end(second, following=shards.begin_next(second))
        assert shards.begin(key, CONCLUSION) is None
        assert with_share(database_url) == {2: 4}
    assert tickets(database_url)[1:] == [(key, 0)]


def test_a_share_that_no_shard_is_left_for_is_handed_to_nobody(database_url: str) -> None:
    with shards_of(database_url) as shards:
        key = started(database_url, shards, [10] * 3, [4, 4])
        first, second = (begun(shards.begin(key, number)) for number in (0, 1))
        third = shards.begin_next(first)
        nothing = shards.begin_next(second)
        assert nothing == Following(None, is_last=True)
        shards.release(first, third.shard)
        assert shards.end(second, following=nothing)
        assert with_share(database_url) == {0: 4}
        assert shards.end(begun(shards.begin(key, 0)), following=nothing)
        assert with_share(database_url) == {2: 4}
        assert shards.end(begun(shards.begin(key, 2)), following=nothing)
        assert shards.begin(key, CONCLUSION) is not None


@pytest.mark.parametrize("waits", ["another evaluation", "another node", "nobody"])
def test_a_share_passes_through_the_queue_if_others_wait_for_a_place(
    database_url: str, waits: str
) -> None:
    with shards_of(database_url) as shards, shards_of(database_url, "idle") as idle:
        key = started(database_url, shards, [10] * 4, [4, 4])
        first, second = (begun(shards.begin(key, number)) for number in (0, 1))
        shards.node.beat("1", 2, stopping=False)
        idle.node.beat("1", 0, stopping=waits != "another node")
        if waits == "another evaluation":
            add_evaluation(database_url, shards, name="eval-2", owner="bob")
        following = shards.begin_next(first)
        assert (following.shard is None) == (waits != "nobody")
        assert not following.is_last
        assert shards.end(first, following=following)
        assert ((key, 2) in tickets(database_url)) == (waits != "nobody")
        assert sorted(with_share(database_url)) == [second.number, 2]


@pytest.mark.parametrize("how", ["released", "killed", "killed after another one took the first"])
def test_two_shards_with_one_share_need_one_again(database_url: str, how: str) -> None:
    with shards_of(database_url, lease=0.0) as shards:
        key = started(database_url, shards, [10] * 2, [4])
        first = begun(shards.begin(key, 0))
        second = begun(shards.begin_next(first).shard)
        if how == "released":
            shards.release(first, second)
        elif how == "killed":
            assert shards.queue_silent() == [(key, 0)]
        else:
            query(database_url, "UPDATE shards SET epoch = 7 WHERE number = 0 RETURNING number")
            shards.release(first, second)
            query(database_url, "UPDATE shards SET epoch = 1 WHERE number = 0 RETURNING number")
            assert shards.queue_silent() == [(key, 0)]
        assert with_share(database_url) == {0: 4}
        assert not shards.end(second)
        again = begun(shards.begin(key, 0))
        assert begun(shards.begin_next(again).shard).number == 1


@pytest.mark.parametrize("how", ["released", "killed"])
def test_a_shard_begun_ahead_is_queued_if_the_one_before_it_ended_elsewhere(
    database_url: str, how: str
) -> None:
    with shards_of(database_url, lease=0.0) as shards:
        key = started(database_url, shards, [10] * 2, [4])
        first = begun(shards.begin(key, 0))
        second = begun(shards.begin_next(first).shard)
        query(database_url, "UPDATE shards SET state = 'queued' WHERE number = 0 RETURNING number")
        assert shards.end(begun(shards.begin(key, 0)))
        if how == "released":
            shards.release(first, second)
        else:
            shards.queue_silent()
        assert with_share(database_url) == {1: 4}
        assert tickets(database_url)[-1] == (key, 1)


def test_an_end_whose_answer_was_lost_is_an_end(database_url: str) -> None:
    with shards_of(database_url) as shards:
        key = started(database_url, shards, [10] * 2, [4])
        first = begun(shards.begin(key, 0))
        following = shards.begin_next(first)
        assert shards.end(first, following=following)
        assert shards.end(first, following=following)
        assert with_share(database_url) == {1: 4}


@pytest.mark.parametrize("why", ["cancelled", "lost"])
def test_no_shard_is_begun_ahead_of_an_end(database_url: str, why: str) -> None:
    with shards_of(database_url) as shards:
        key = started(database_url, shards, [10] * 2, [4])
        first = begun(shards.begin(key, 0))
        if why == "cancelled":
            query(database_url, "UPDATE evaluations SET cancel_requested = true RETURNING id")
        else:
            query(database_url, "UPDATE shards SET epoch = 7 WHERE number = 0 RETURNING number")
        assert shards.begin_next(first).shard is None


def test_rows_of_a_process_that_lost_its_shard_are_stored_once(database_url: str) -> None:
    with shards_of(database_url) as shards:
        key = started(database_url, shards, [10], [4])
        sleeper = begun(shards.begin(key, 0))
        assert shards.add_rows(sleeper, finished(0, 1))
        query(database_url, "UPDATE shards SET state = 'queued' RETURNING number")
        owner = begun(shards.begin(key, 0))
        assert bytes(shards.finished_flags(owner)) == b"\1\1" + bytes(8)
        assert shards.add_rows(owner, finished(2, 3))
        assert not shards.add_rows(sleeper, finished(3, 4, state="judge_failed"))
        assert not shards.end(sleeper)
        assert shards.end(owner)
        assert not shards.add_rows(sleeper, finished(9))
    counts = query(database_url, "SELECT done_rows, failed_rows FROM shards WHERE number = 0")
    assert counts == [{"done_rows": 5, "failed_rows": 1}]
    assert query(database_url, "SELECT count(*) AS rows FROM row_ledger") == [{"rows": 5}]


def test_the_last_shards_queue_one_conclusion_if_they_end_at_once(database_url: str) -> None:
    with shards_of(database_url) as shards, ThreadPoolExecutor(8) as threads:
        for number in range(amount(gate=3, proofs=40)):
            key = started(database_url, shards, [1] * 8, [1] * 8, name=f"eval-{number}")
            held = [begun(shards.begin(key, each)) for each in range(8)]
            assert all(threads.map(shards.end, held))
            assert tickets(database_url).count((key, CONCLUSION)) == 1
            conclusion = begun(shards.begin(key, CONCLUSION))
            assert shards.begin(key, CONCLUSION) is None
            assert conclusion.failure is None


def test_a_released_shard_is_begun_again_at_once_and_a_silent_one_after_the_lease(
    database_url: str,
) -> None:
    with shards_of(database_url, lease=0.0) as shards:
        key = started(database_url, shards, [10, 10], [2, 2])
        released, silent = (begun(shards.begin(key, number)) for number in (0, 1))
        shards.release(released)
        assert begun(shards.begin(key, 0)).epoch == 2
        assert sorted(shards.queue_silent()) == [(key, 0), (key, 1)]
        assert begun(shards.begin(key, 1)).claims == 2
        assert not shards.end(silent)
    with shards_of(database_url, lease=3_600.0) as shards:
        assert shards.queue_silent() == []


def test_the_tickets_are_queued_again_after_the_queue_was_emptied(database_url: str) -> None:
    with shards_of(database_url, lease=0.0) as shards:
        key = add_evaluation(database_url, shards)
        query(database_url, "DELETE FROM procrastinate_jobs RETURNING id")
        assert shards.queue_silent() == [(key, PREPARATION)]
    assert tickets(database_url) == [(key, PREPARATION)]


def test_a_renewal_tells_what_was_cancelled_failed_and_lost(database_url: str) -> None:
    with shards_of(database_url) as shards:
        key = started(database_url, shards, [10, 10], [2, 2])
        held, other = (begun(shards.begin(key, number)) for number in (0, 1))
        shards.add_rows(other, finished(10, 11, state="judge_failed"))
        assert shards.renew({held: None}) == {held: Orders(stops=False, failed_elsewhere=2)}
        query(database_url, "UPDATE evaluations SET cancel_requested = true RETURNING id")
        assert shards.renew({held: "waits"})[held].stops
        query(database_url, "UPDATE shards SET epoch = 7 WHERE number = 0 RETURNING number")
        assert shards.renew({held: None}) == {}


@pytest.mark.parametrize("why", ["cancelled", "failed", "too many failed rows"])
def test_an_evaluation_that_ends_early_begins_no_further_shard(database_url: str, why: str) -> None:
    with shards_of(database_url) as shards:
        key = started(database_url, shards, [10] * 4, [2, 2])
        first, second = (begun(shards.begin(key, number)) for number in (0, 1))
        if why == "cancelled":
            query(database_url, "UPDATE evaluations SET cancel_requested = true RETURNING id")
        if why == "too many failed rows":
            shards.add_rows(first, finished(*range(10), state="judge_failed"))
            shards.add_rows(second, finished(*range(10, 13), state="judge_failed"))
        assert shards.end(first, FAILURE if why == "failed" else None)
        assert shards.end(second)
        assert shards.begin(key, 2) is None
        conclusion = begun(shards.begin(key, CONCLUSION))
        assert conclusion.failure == (FAILURE if why == "failed" else None)
        assert conclusion.evaluation.cancel_requested == (why == "cancelled")


def test_the_owner_with_fewer_shards_in_hand_comes_first(database_url: str) -> None:
    with shards_of(database_url) as shards:
        large = started(database_url, shards, [10] * 20, [1] * 8, name="large", owner="ann")
        small = started(database_url, shards, [10] * 2, [1] * 2, name="small", owner="bob")
    rows = [ticket for ticket in tickets(database_url) if ticket[1] >= 0]
    assert rows[:4] == [(large, 0), (small, 0), (large, 1), (small, 1)]
    assert set(rows) == {*product([large], range(8)), *product([small], range(2))}


def test_an_evaluation_waits_for_the_one_whose_answers_it_takes(database_url: str) -> None:
    with shards_of(database_url) as shards:
        earlier = started(database_url, shards, [1], [1], name="eval-1")
        add_evaluation(database_url, shards, name="eval-0")
        query(
            database_url,
            "UPDATE evaluations SET answers_from = 'eval-1' WHERE id = 'eval-0' RETURNING id",
        )
        query(database_url, "DELETE FROM procrastinate_jobs RETURNING id")
        query(
            database_url,
            "UPDATE shards SET state = 'todo' WHERE evaluation_key <> %s RETURNING number",
            earlier,
        )
        assert shards.end(begun(shards.begin(earlier, 0)))
        conclusion = begun(shards.begin(earlier, CONCLUSION))
        assert shards.queue_silent() == []
        with shards.transaction() as transaction:
            assert shards.conclude(conclusion, StatusChange("completed", "", 0), {}, transaction)
    assert [number for _, number in tickets(database_url)] == [CONCLUSION, PREPARATION]
