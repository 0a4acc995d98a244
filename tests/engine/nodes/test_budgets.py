"""Rates of calls: all nodes together keep to the limit of an endpoint, and obey its pauses."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import anyio

from evals_engine.config import ModelEndpoint
from evals_engine.nodes.budgets import EndpointBudgets
from evals_engine.nodes.database import Database

FREE = ModelEndpoint("http://free.example/v1")
LIMITED = ModelEndpoint("http://limited.example/v1", requests_per_minute=120)


@contextmanager
def two_nodes(url: str) -> Generator[tuple[EndpointBudgets, EndpointBudgets]]:
    first, second = Database(url), Database(url)
    try:
        yield EndpointBudgets(first), EndpointBudgets(second)
    finally:
        first.close()
        second.close()


async def test_two_nodes_together_make_no_more_calls_than_the_limit(database_url: str) -> None:
    with two_nodes(database_url) as nodes:
        admitted = list[int]()

        async def call(number: int) -> None:
            await nodes[number].admit(LIMITED)
            admitted.append(number)

        started = anyio.current_time()
        with anyio.fail_after(60):
            async with anyio.create_task_group() as tasks:
                for number in (0, 1, 0, 1, 0, 1):
                    tasks.start_soon(call, number)
        seconds = anyio.current_time() - started
    # 2 calls a second, of which a block of 2 may come at once.
    assert seconds >= (6 - 2) / 2 - 0.5
    assert set(admitted) == {0, 1}


async def test_a_pause_that_one_node_hears_of_holds_for_the_other(database_url: str) -> None:
    with two_nodes(database_url) as (first, second):
        await second.admit(FREE)
        await first.pause(FREE, 30)
        assert first.note is not None
        with anyio.move_on_after(0.2) as held:
            await first.admit(FREE)
        assert held.cancelled_caught
        third_database = Database(database_url)
        try:
            third = EndpointBudgets(third_database)
            with anyio.move_on_after(0.5) as held:
                await third.admit(FREE)
            assert held.cancelled_caught
            assert "has asked for a pause" in str(third.note)
        finally:
            third_database.close()


async def test_calls_go_on_while_the_database_is_away() -> None:
    database = Database("postgresql://nobody@127.0.0.1:1/none")
    try:
        budgets = EndpointBudgets(database)
        with anyio.fail_after(60):
            await budgets.admit(LIMITED)
            await budgets.pause(FREE, 1)
            await budgets.admit(FREE)
    finally:
        database.close()
