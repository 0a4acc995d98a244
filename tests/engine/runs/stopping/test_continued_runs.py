"""Evaluations that go on with the rows of one that stopped early: no verdict is paid for twice."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from tests.engine.model_server import ChatRequest, ModelServer, Reply, failure, verdict
from tests.engine.running import EngineClient, running_engine
from tests.engine.runs.stopping.test_stopped_runs import PAIR_JUDGE, choices, config, create, pairs


async def go_on(
    engine: EngineClient, job: dict[str, Any], stop_when: dict[str, Any] | None = None
) -> str:
    answer = await continuation(engine, job, stop_when)
    assert answer.status_code == 200, answer.text
    return answer.json()["workflow_id"]


async def continuation(
    engine: EngineClient,
    job: dict[str, Any],
    stop_when: dict[str, Any] | None = None,
    **changes: Any,
) -> Any:
    beside = {"stop_when", "continues"}
    parameters = {k: v for k, v in job["parameters"].items() if k not in beside} | changes
    body = {"type": job["type"], "continues": job["workflow_id"], "parameters": parameters}
    return await engine.http.post(
        "/evaluation", json=body | ({"stop_when": stop_when} if stop_when else {})
    )


async def test_only_the_rows_that_were_not_judged_are_paid_and_all_rows_are_in_the_result(
    tmp_path: Path,
) -> None:
    async with (
        ModelServer(choices(lambda _: "B")) as judge,
        running_engine(config(tmp_path, judge)) as engine,
    ):
        stopped = await engine.finished(await create(engine, pairs(120), {"decided": True}))
        paid = len(judge.requests)
        whole = await engine.finished(await go_on(engine, stopped))
        rows = await engine.result_rows(whole)

    assert paid < 40
    assert len(judge.requests) == 120
    assert sorted(row["id"] for row in rows) == list(range(120))
    assert not any("after_decision" in row or "earlier_usage" in row for row in rows)
    results = whole["results"]
    assert results["B_wins"] == 120
    assert results["usage"]["by_role"]["judge"]["calls"] == 120 - paid
    evidence = results["sequential"]
    assert evidence["decision"] == "b_better"
    assert (evidence["rows_counted"], evidence["rows_taken_over"]) == (120, paid)
    assert evidence["order_seed"] == stopped["results"]["sequential"]["order_seed"]
    (earlier,) = evidence["earlier"]
    assert earlier["decision"] == "b_better"
    assert earlier["decided_at_row"] == 9
    assert earlier["evaluation_id"] == stopped["workflow_id"]
    assert whole["status_updates"][-1]["message"] == "Every row has been judged"


async def test_the_sequence_goes_on_as_if_it_had_never_stopped(tmp_path: Path) -> None:
    draw = random.Random(4)
    drawn = [draw.choice("ABB") for _ in range(150)]
    async with (
        ModelServer(choices(lambda number: drawn[number])) as judge,
        running_engine(config(tmp_path, judge)) as engine,
    ):
        stopped = await engine.finished(await create(engine, pairs(150), {"width": 30}))
        narrower = await engine.finished(await go_on(engine, stopped, {"width": 25}))
        once = await engine.finished(await create(engine, pairs(150), {"width": 25}))

    continued, at_once = narrower["results"]["sequential"], once["results"]["sequential"]
    assert continued["decision"] == at_once["decision"] == "width"
    assert continued["decided_at_row"] == at_once["decided_at_row"]
    assert continued["interval"] == at_once["interval"]
    assert continued["e"] == at_once["e"]


async def test_a_budget_counts_what_was_spent_before(tmp_path: Path) -> None:
    prices = {"judge": {"input": 100.0, "output": 100.0}}  # 60 tokens: 0.006 dollars a row
    async with (
        ModelServer(choices(lambda number: "AB"[number % 2])) as judge,
        running_engine(config(tmp_path, judge)) as engine,
    ):
        rules = {"max_usd": 0.1, "prices": prices}
        stopped = await engine.finished(await create(engine, pairs(200), rules, workers=8))
        refused = await continuation(engine, stopped, {"max_usd": 0.09, "prices": prices})
        larger = {"max_usd": 0.2, "prices": prices}
        more = await engine.finished(await go_on(engine, stopped, larger))
        rest = await engine.finished(await go_on(engine, more))

    assert "are spent already" in json.dumps(refused.json())
    assert more["results"]["sequential"]["spent_usd"] == pytest.approx(0.198)
    assert more["results"]["sequential"]["decision"] == "budget"
    assert more["results"]["usage"]["by_role"]["judge"]["calls"] == 33 - 16
    assert len(judge.requests) == 200
    names = [each["decision"] for each in rest["results"]["sequential"]["earlier"]]
    assert names == ["budget", "budget"]
    assert rest["results"]["sequential"]["decision"] == "all_rows"


async def test_rows_that_failed_are_judged_again(tmp_path: Path) -> None:
    is_down = [True]

    def judged(request: ChatRequest) -> Reply:
        if is_down[0] and len(judge.requests) % 5 == 0:
            return failure(400, "down")
        return verdict(feedback="", choice="A")

    async with ModelServer(judged) as judge, running_engine(config(tmp_path, judge)) as engine:
        stopped = await engine.finished(await create(engine, pairs(80), {"decided": True}))
        failed = stopped["results"]["sequential"]["rows_failed"]
        is_down[0] = False
        whole = await engine.finished(await go_on(engine, stopped))

    assert failed > 0
    assert whole["results"]["sequential"]["rows_failed"] == 0
    assert whole["results"]["A_wins"] == 80


async def test_another_process_goes_on_with_what_was_taken_over(tmp_path: Path) -> None:
    slow = choices(lambda _: "B")
    async with ModelServer(slow) as judge:
        async with running_engine(config(tmp_path, judge)) as engine:
            stopped = await engine.finished(await create(engine, pairs(150), {"decided": True}))
        # The rows are kept over a start: they may be continued.
        async with running_engine(config(tmp_path, judge)) as engine:
            created = await go_on(engine, stopped)
            await engine.until(created, lambda job: job["progress"]["done"] >= 60)
        async with running_engine(config(tmp_path, judge)) as engine:
            whole = await engine.finished(created)

    assert len(judge.requests) == 150
    evidence = whole["results"]["sequential"]
    assert evidence["rows_counted"] == 150
    assert [each["decision"] for each in evidence["earlier"]] == ["b_better"]


@pytest.mark.parametrize(
    ("stop_when", "changes", "problem"),
    [
        ({"decided": True}, {}, "It was decided already: leave that rule out"),
        (None, {"model_b": "id"}, "has another data set, judge or type"),
        (None, {"judge": PAIR_JUDGE | {"model": "judge-2"}}, "another data set, judge or type"),
    ],
)
async def test_what_cannot_be_one_sequence_is_refused(
    tmp_path: Path, stop_when: dict[str, Any] | None, changes: dict[str, Any], problem: str
) -> None:
    async with (
        ModelServer(choices(lambda _: "B")) as judge,
        running_engine(config(tmp_path, judge)) as engine,
    ):
        stopped = await engine.finished(await create(engine, pairs(80), {"decided": True}))
        paid = len(judge.requests)
        answer = await continuation(engine, stopped, stop_when, **changes)

    assert answer.status_code == 400
    assert problem in json.dumps(answer.json())
    assert len(judge.requests) == paid


async def test_an_evaluation_without_an_order_or_of_another_owner_is_not_continued(
    tmp_path: Path,
) -> None:
    async with (
        ModelServer(choices(lambda _: "B")) as judge,
        running_engine(config(tmp_path, judge)) as engine,
    ):
        whole = await engine.finished(await create(engine, pairs(8), {"decided": True}))
        unknown = await continuation(engine, whole | {"workflow_id": "eval-none-1"})
        complete = await continuation(engine, whole)

    assert "No evaluation 'eval-none-1'" in json.dumps(unknown.json())
    assert "has judged all its rows" in json.dumps(complete.json())
