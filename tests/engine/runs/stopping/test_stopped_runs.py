"""Runs with `stop_when`: they stop when it is certain, say what they left, and can be resumed."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evals_engine.config import EngineConfig, ModelEndpoint
from evals_schemas.sequential.betting import e_value, log_wealth
from evals_schemas.sequential.seeded_order import seeded_order
from tests.engine.model_server import ChatRequest, ModelServer, Reply, failure, verdict
from tests.engine.running import EngineClient, running_engine

SEED = 5
PAIR_JUDGE = {
    "model": "judge-1",
    "model_source": "serverless",
    "system_template": "Which is better? {{ id }}",
}

Judge = Callable[[int], Reply]


def choices(by_row: Callable[[int], str]) -> Callable[[ChatRequest], Reply]:
    """A judge that decides by the number of the row, in one order."""
    return lambda request: verdict(feedback="", choice=by_row(_number(request)))


def _number(request: ChatRequest) -> int:
    return int(request.system.split("better? ")[1].split()[0])


def pairs(rows: int) -> list[dict[str, Any]]:
    return [{"id": number, "a": f"a{number}", "b": f"b{number}"} for number in range(rows)]


def config(folder: Path, server: ModelServer) -> EngineConfig:
    return EngineConfig(data_dir=folder, serverless=ModelEndpoint(server.base_url))


async def create(
    engine: EngineClient, rows: list[dict[str, Any]], stop_when: dict[str, Any], workers: int = 4
) -> str:
    body = {
        "type": "compare",
        "stop_when": {"seed": SEED} | stop_when,
        "parameters": {
            "judge": PAIR_JUDGE | {"num_workers": workers},
            "input_data_file_path": await engine.upload(rows),
            "model_a": "a",
            "model_b": "b",
            "disable_position_bias_correction": True,
        },
    }
    answer = await engine.http.post("/evaluation", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()["workflow_id"]


async def test_a_clear_winner_stops_the_run_and_the_rest_is_not_judged(tmp_path: Path) -> None:
    rows = pairs(300)
    async with (
        ModelServer(choices(lambda _: "B")) as judge,
        running_engine(config(tmp_path, judge)) as engine,
    ):
        job = await engine.finished(await create(engine, rows, {"decided": True}))
        written = await engine.result_rows(job)

    evidence = job["results"]["sequential"]
    assert job["status"] == "completed"
    assert job["status_updates"][-1]["message"].startswith("Stopped after ")
    assert evidence["decision"] == "b_better"
    assert evidence["decided_at_row"] == 9
    assert evidence["e"] >= 20
    assert evidence["interval"][0] > 0
    assert evidence["rows_not_judged"] == 300 - len(judge.requests)
    assert len(judge.requests) == len(written) <= 9 + 3 * 4
    order = seeded_order(SEED, 300)
    assert {row["id"] for row in written} == set(order.rows[: len(written)])
    late = {row["id"] for row in written if row.get("after_decision")}
    assert late == set(order.rows[9 : len(written)])
    assert evidence["rows_after_decision"] == len(late)
    assert job["parameters"]["stop_when"] == {"decided": True, "seed": SEED}


async def test_with_one_worker_the_evidence_is_that_of_the_rows_so_far(tmp_path: Path) -> None:
    draw = random.Random(2)
    drawn = [draw.choice("AB") for _ in range(40)]
    async with (
        ModelServer(choices(lambda number: drawn[number])) as judge,
        running_engine(config(tmp_path, judge)) as engine,
    ):
        job = await engine.finished(await create(engine, pairs(40), {"decided": True}, workers=1))

    evidence = job["results"]["sequential"]
    wins = drawn.count("B")
    counts = {0.0: 40 - wins, 1.0: wins}
    expected = e_value(*(log_wealth(counts, 0.5, side) for side in ("above", "below")))
    assert evidence["decision"] == "undecided"
    assert evidence["e"] == pytest.approx(expected, rel=1e-5)
    assert evidence["counts"] == {"A": 40 - wins, "B": wins, "ties": 0}
    assert evidence["last_look"]["level"] == 0.02
    assert evidence["rows_not_judged"] == 0
    assert job["status_updates"][-1]["message"] == "Every row has been judged"


async def test_all_rows_may_decide_what_no_look_before_did(tmp_path: Path) -> None:
    winners = set(range(0, 400, 5))
    async with (
        ModelServer(choices(lambda number: "A" if number in winners else "Tie")) as judge,
        running_engine(config(tmp_path, judge)) as engine,
    ):
        job = await engine.finished(await create(engine, pairs(400), {"width": 1.0}, workers=32))
        decided = await engine.finished(await create(engine, pairs(400), {"decided": True}))

    assert job["results"]["sequential"]["decision"] == "undecided"
    assert "last_look" not in job["results"]["sequential"]
    assert decided["results"]["sequential"]["decision"] == "a_better"


async def test_rows_that_fail_are_left_out_of_the_evidence_and_counted(tmp_path: Path) -> None:
    order = seeded_order(SEED, 200)
    broken = set(order.rows[:3])

    def judged(request: ChatRequest) -> Reply:
        if _number(request) in broken:
            return failure(400, "no such row")
        return verdict(feedback="", choice="A")

    async with ModelServer(judged) as judge, running_engine(config(tmp_path, judge)) as engine:
        job = await engine.finished(await create(engine, pairs(200), {"decided": True}))

    evidence = job["results"]["sequential"]
    assert job["status"] == "completed"
    assert evidence["decision"] == "a_better"
    assert (evidence["rows_counted"], evidence["rows_failed"]) == (9, 3)
    assert evidence["decided_at_row"] == 12


async def test_a_judge_that_fails_on_most_rows_is_an_error_all_the_same(tmp_path: Path) -> None:
    async with (
        ModelServer(lambda _: failure(400, "no")) as judge,
        running_engine(config(tmp_path, judge)) as engine,
    ):
        job = await engine.finished(await create(engine, pairs(60), {"decided": True}))

    assert job["status"] == "error"


async def test_dollars_end_a_run_before_they_are_exceeded(tmp_path: Path) -> None:
    prices = {"judge": {"input": 100.0, "output": 100.0}}  # 60 tokens: 0.006 dollars a row
    async with (
        ModelServer(choices(lambda number: "AB"[number % 2])) as judge,
        running_engine(config(tmp_path, judge)) as engine,
    ):
        rules = {"max_usd": 0.1, "prices": prices}
        job = await engine.finished(await create(engine, pairs(200), rules, workers=8))
        rows = await engine.result_rows(job)

    evidence = job["results"]["sequential"]
    assert evidence["decision"] == "budget"
    assert len(rows) == len(judge.requests) == 16
    assert evidence["spent_usd"] == pytest.approx(0.096)
    assert evidence["rows_not_judged"] == 184
    assert "last_look" not in evidence


async def test_another_process_goes_on_with_the_same_evidence(tmp_path: Path) -> None:
    draw = random.Random(8)
    drawn = [draw.choice(["A", "B", "Tie"]) for _ in range(120)]
    judge_rows = choices(lambda number: drawn[number])
    async with ModelServer(judge_rows) as judge:
        async with running_engine(config(tmp_path, judge)) as engine:
            created = await create(engine, pairs(120), {"decided": True})
            await engine.until(created, lambda job: job["progress"]["done"] >= 20)
        async with running_engine(config(tmp_path / "none", judge)) as engine:
            pass
        async with running_engine(config(tmp_path, judge)) as engine:
            job = await engine.finished(created)
        once = len(judge.requests)
        async with running_engine(config(tmp_path, judge)) as engine:
            again = await engine.finished(await create(engine, pairs(120), {"decided": True}))

    assert once == 120
    assert job["results"]["sequential"] == again["results"]["sequential"]


async def test_a_running_evaluation_says_what_its_rows_show_so_far(tmp_path: Path) -> None:
    async with (
        ModelServer(lambda _: verdict(feedback="", choice="Tie", delay=0.02)) as judge,
        running_engine(config(tmp_path, judge)) as engine,
    ):
        created = await create(engine, pairs(200), {"decided": True})
        job = await engine.until(created, lambda job: job["progress"]["done"] >= 20)
        await engine.http.post(f"/evaluation/{created}/cancel")
        cancelled = await engine.finished(created)

    assert job["sequential"]["needed"] == 20
    assert "decision" not in job["sequential"]
    assert cancelled["status"] == "user_error"
    assert cancelled["results"]["sequential"]["decision"] == "undecided"


async def test_clusters_count_once_and_are_judged_whole(tmp_path: Path) -> None:
    rows = [{"id": number, "q": f"q{number // 5}", "a": "x", "b": "y"} for number in range(200)]
    template = PAIR_JUDGE["system_template"] + " {{ q }}"
    async with (
        ModelServer(choices(lambda _: "B")) as judge,
        running_engine(config(tmp_path, judge)) as engine,
    ):
        body = {
            "type": "compare",
            "stop_when": {"decided": True, "seed": SEED, "cluster_column": "q"},
            "parameters": {
                "judge": PAIR_JUDGE | {"system_template": template, "num_workers": 2},
                "input_data_file_path": await engine.upload(rows),
                "model_a": "a",
                "model_b": "b",
                "disable_position_bias_correction": True,
            },
        }
        created = (await engine.http.post("/evaluation", json=body)).json()["workflow_id"]
        job = await engine.finished(created)

    evidence = job["results"]["sequential"]
    assert evidence["decided_at_unit"] == 9
    assert evidence["decided_at_row"] == 45


@pytest.mark.parametrize(
    ("kind", "rules", "problem"),
    [
        ("compare", {"decided": True, "target": 50}, "compare has none"),
        ("classify", {"decided": True}, "needs `target`"),
        ("classify", {"smaller_than": 5}, "use `width`"),
        ("classify", {}, "at least one of"),
        ("classify", {"max_usd": 1}, "needs `prices`"),
    ],
)
async def test_rules_that_do_not_fit_are_refused(
    tmp_path: Path, kind: str, rules: dict[str, Any], problem: str
) -> None:
    sides = {"model_a": "a", "model_b": "b"}
    labels = {"labels": ["x", "y"], "pass_labels": ["x"], "model_to_evaluate": "a"}
    async with running_engine(tmp_path) as engine:
        file_id = await engine.upload(pairs(5))
        parameters = {"judge": PAIR_JUDGE, "input_data_file_path": file_id}
        body = {
            "type": kind,
            "stop_when": rules,
            "parameters": parameters | (sides if kind == "compare" else labels),
        }
        answer = await engine.http.post("/evaluation", json=body)

    assert answer.status_code == 400
    assert problem in json.dumps(answer.json())
