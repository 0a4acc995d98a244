"""Lanes: the older shard goes first, and a share is given away only when it is free."""

from __future__ import annotations

from collections.abc import Sequence

import anyio
import pytest

from evals_engine.faults import StoppingError
from evals_engine.node_runs.lanes import LaneEvaluator, Lanes, Places, RowsLeft
from evals_engine.rows.outcome import Outcome
from evals_schemas.datasets.reader import Row

ROWS: Sequence[Row] = [{}]


class SlowEvaluator:
    """Evaluates each row when the test says so."""

    columns = frozenset[str]()
    rows_together = 1
    workers = 100

    def __init__(self) -> None:
        self.in_flight = list[Row]()
        self.ending = anyio.Semaphore(0)

    async def outcomes(self, rows: Sequence[Row]) -> list[Outcome]:
        self.in_flight += rows
        await self.ending.acquire()
        self.in_flight.remove(rows[0])
        return [Outcome("ok", {})]


async def test_shards_put_their_shares_together_and_the_older_one_comes_first() -> None:
    lanes, slow = Lanes(), SlowEvaluator()
    async with lanes.joined(2), lanes.joined(1), anyio.create_task_group() as tasks:
        old, young = (LaneEvaluator(slow, lanes, 1, RowsLeft()) for _ in range(2))
        for number in range(4):
            for evaluator in (young, old) if number else (old,):
                tasks.start_soon(evaluator.outcomes, [{"old": evaluator is old}])
                await anyio.wait_all_tasks_blocked()
        assert slow.in_flight == [{"old": True}, {"old": False}, {"old": True}]
        slow.ending.release()
        slow.ending.release()
        await anyio.wait_all_tasks_blocked()
        assert slow.in_flight == [{"old": True}] * 3
        for _ in range(5):
            slow.ending.release()


async def test_a_share_is_given_away_once_the_others_use_only_their_own() -> None:
    lanes, slow = Lanes(), SlowEvaluator()
    given_away = anyio.Event()

    async def short_shard() -> None:
        async with lanes.joined(3):
            pass
        given_away.set()

    async with lanes.joined(1), anyio.create_task_group() as tasks:
        async with lanes.joined(3):
            for _ in range(4):
                evaluator = LaneEvaluator(slow, lanes, 1, RowsLeft())
                tasks.start_soon(evaluator.outcomes, ROWS)
            await anyio.wait_all_tasks_blocked()
            assert len(slow.in_flight) == 4
            for _ in range(3):
                slow.ending.release()
        assert len(slow.in_flight) <= 1
        slow.ending.release()
        await short_shard()
    assert given_away.is_set()


async def test_a_share_that_nobody_needs_stays_with_the_others() -> None:
    lanes, slow = Lanes(), SlowEvaluator()
    evaluator = LaneEvaluator(slow, lanes, 1, RowsLeft())
    async with lanes.joined(1), anyio.create_task_group() as tasks:
        async with lanes.joined(3) as share:
            share.stays = True
        for _ in range(5):
            tasks.start_soon(evaluator.outcomes, ROWS)
        await anyio.wait_all_tasks_blocked()
        assert len(slow.in_flight) == 4
        for _ in range(5):
            slow.ending.release()
    async with lanes.joined(1), anyio.create_task_group() as tasks:
        for _ in range(2):
            tasks.start_soon(evaluator.outcomes, ROWS)
        await anyio.wait_all_tasks_blocked()
        assert len(slow.in_flight) == 1
        for _ in range(2):
            slow.ending.release()


async def test_shards_that_end_at_once_both_give_their_shares_away() -> None:
    lanes, slow = Lanes(), SlowEvaluator()

    async def short_shard(ending: anyio.Event) -> None:
        async with lanes.joined(2):
            await ending.wait()

    with anyio.fail_after(60):
        async with lanes.joined(1), anyio.create_task_group() as tasks:
            endings = [anyio.Event(), anyio.Event()]
            for ending in endings:
                tasks.start_soon(short_shard, ending)
            await anyio.wait_all_tasks_blocked()
            for _ in range(5):
                evaluator = LaneEvaluator(slow, lanes, 1, RowsLeft())
                tasks.start_soon(evaluator.outcomes, ROWS)
            await anyio.wait_all_tasks_blocked()
            assert len(slow.in_flight) == 5
            for ending in endings:
                ending.set()
                await anyio.wait_all_tasks_blocked()
            for _ in range(5):
                slow.ending.release()


async def test_a_row_that_waits_for_its_turn_is_not_begun_after_a_stop() -> None:
    lanes, slow = Lanes(), SlowEvaluator()
    refused = list[bool]()

    async def row(evaluator: LaneEvaluator) -> None:
        with pytest.raises(StoppingError):
            await evaluator.outcomes(ROWS)
        refused.append(True)

    async with lanes.joined(1), anyio.create_task_group() as tasks:
        evaluator = LaneEvaluator(slow, lanes, 1, RowsLeft())
        tasks.start_soon(evaluator.outcomes, ROWS)
        await anyio.wait_all_tasks_blocked()
        tasks.start_soon(row, evaluator)
        await anyio.wait_all_tasks_blocked()
        evaluator.stop()
        slow.ending.release()
    assert refused == [True]


async def test_the_calls_of_each_model_follow_the_shares() -> None:
    lanes = Lanes()
    lanes.rows_at_once = 25
    judge, candidate = lanes.limit(25), lanes.limit(5)
    async with lanes.joined(13), anyio.create_task_group() as tasks:
        entered = {judge: 0, candidate: 0}

        async def enter(places: Places) -> None:
            async with places:
                entered[places] += 1
                await anyio.sleep_forever()

        for _ in range(30):
            tasks.start_soon(enter, judge)
            tasks.start_soon(enter, candidate)
        await anyio.wait_all_tasks_blocked()
        assert (entered[judge], entered[candidate]) == (13, 2)
        tasks.cancel_scope.cancel()
