"""An evaluation that stops when it is decided, from its plan to the rest of its rows."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.engine.model_server import ChatRequest, ModelServer, Reply, verdict
from tests.journeys.test_answers_again import run, server_in
from tests.server.serving import Served

pytestmark = pytest.mark.usefixtures("lines_not_counted")

ROWS = [{"id": f"r{n}", "old": f"old {n}", "new": f"new {n}"} for n in range(120)]
COMPARE: dict[str, Any] = {
    "type": "compare",
    "response_column_a": "old",
    "response_column_b": "new",
    "disable_position_bias_correction": True,
    "judge": {"model": "judge-1", "system_template": "The better of {{id}}?", "num_workers": 4},
    "stop_when": {"decided": True},
}


def prefers_the_second(_: ChatRequest) -> Reply:
    return verdict(feedback="", choice="B")


@asynccontextmanager
async def uploaded(folder: Path) -> AsyncGenerator[tuple[Served, ModelServer, str]]:
    data = folder / "rows.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in ROWS), encoding="utf-8")
    async with ModelServer(prefers_the_second) as models, server_in(folder, models) as server:
        stored = await server.answer("upload_dataset", path=str(data))
        yield server, models, stored["file_id"]


async def test_a_decided_evaluation_says_so_everywhere_and_its_rest_can_be_judged(
    tmp_path: Path,
) -> None:
    async with uploaded(tmp_path) as (server, models, file_id):
        request = COMPARE | {"input_data_file_path": file_id}
        plan = await server.answer("create_evaluation", **request, dry_run=True)
        ended = await run(server, **request)
        status = await server.answer("get_status", evaluation_id=ended)
        evaluation = await server.answer("get_evaluation", evaluation_id=ended)
        paid = len(models.requests)
        again = await server.answer("create_evaluation", **request)
        retry = {"type": "compare", "retry_of": ended}
        priced = await server.answer("create_evaluation", **retry, dry_run=True)
        rest = await run(server, **retry)
        whole = await server.answer("get_evaluation", evaluation_id=rest)
        rows = await server.answer("read_results", evaluation_id=rest, limit=50)
        joined = await server.answer("create_evaluation", **retry)

    assert any("a quarter of the rows" in note for note in plan["plan"]["notes"])
    headline = status["headline"]
    assert headline.startswith("Decided after 9 of 120 rows: 'new' is better (e = ")
    assert "valid at every look" in headline
    assert status["status"] == "completed"
    assert again["outcome"] == "exists"
    summary = evaluation["summary"]
    assert summary["headline"] == headline
    assert summary["sequential"]["decision"] == "b_better"
    assert summary["sequential"]["rows_not_judged"] == 120 - paid > 80
    assert "p_value" not in summary["wins"]
    assert "a_interval" not in summary["wins"]
    assert any("fixed number of rows" in note for note in summary["notes"])
    assert len(models.requests) == 120
    assert priced["plan"]["rows"] == priced["calls"] == 120 - paid
    assert f"Its other {paid} verdicts are taken over" in priced["plan"]["notes"][0]
    assert (joined["outcome"], joined["evaluation_id"]) == ("exists", rest)
    assert rows["total"] == 120
    summary = whole["summary"]
    assert summary["wins"]["b"] == 120
    assert "p_value" not in summary["wins"]
    assert summary["headline"].startswith("Decided after all 120 rows: 'new' is better (e = ")
    assert "Before its rows were continued: after 9 rows, 'new' is better" in summary["headline"]
    assert summary["sequential"]["rows_taken_over"] == paid
    assert summary["sequential"]["order_seed"] == evaluation["summary"]["sequential"]["order_seed"]
    assert any(f"{paid} verdicts were taken over from {ended}" in n for n in summary["notes"])


async def test_a_stopped_evaluation_goes_on_until_a_further_rule(tmp_path: Path) -> None:
    async with uploaded(tmp_path) as (server, models, file_id):
        ended = await run(server, **COMPARE | {"input_data_file_path": file_id})
        paid = len(models.requests)
        retry = {"type": "compare", "retry_of": ended}
        reached = await server.refusal("create_evaluation", **retry, stop_when={"decided": True})
        other = await server.refusal(
            "create_evaluation", **retry, stop_when={"width": 20}, judge={"model": "judge-2"}
        )
        narrow = await run(server, **retry, stop_when={"width": 20})
        summary = (await server.answer("get_evaluation", evaluation_id=narrow))["summary"]
        so_far = len(models.requests)
        rest = await run(server, type="compare", retry_of=narrow)
        whole = (await server.answer("get_evaluation", evaluation_id=rest))["summary"]
        await server.answer("delete_data", id=ended, confirm=True)
        still = (await server.answer("get_evaluation", evaluation_id=rest))["summary"]

    assert "it was decided already" in reached
    assert "judged by other models" in other
    assert summary["sequential"]["decision"] == "width"
    assert paid < so_far < 120
    assert len(models.requests) == 120
    assert [each["decision"] for each in whole["sequential"]["earlier"]] == ["b_better", "width"]
    assert still["headline"] == whole["headline"]


async def test_a_stopped_sample_goes_on_within_its_rows(tmp_path: Path) -> None:
    async with uploaded(tmp_path) as (server, models, file_id):
        ended = await run(server, **COMPARE | {"input_data_file_path": file_id, "sample": 60})
        rest = await run(server, type="compare", retry_of=ended)
        whole = await server.answer("get_evaluation", evaluation_id=rest)

    assert len(models.requests) == 60
    assert whole["summary"]["wins"]["b"] == 60


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"stop_when": {"decided": True, "target": 50}}, "target is a pass rate"),
        ({"stop_when": {"max_usd": 1}}, "max_usd cannot be counted"),
        ({"stop_when": {"target": 50}}, "at least one of"),
        ({"stop_when": {"forever": True}}, "forever"),
        ({"metrics": [{"name": "x"}, {"name": "y"}]}, "exclude each other"),
        ({"retry_of": "eval-0000-1"}, "eval-0000-1"),
    ],
)
async def test_rules_that_cannot_work_are_refused_before_a_start(
    tmp_path: Path, changes: dict[str, Any], problem: str
) -> None:
    async with uploaded(tmp_path) as (server, models, file_id):
        refusal = await server.refusal(
            "create_evaluation", **COMPARE | {"input_data_file_path": file_id} | changes
        )
    assert problem in refusal
    assert not models.requests
