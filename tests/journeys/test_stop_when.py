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
        retry = COMPARE | {"retry_of": ended}
        del retry["stop_when"]
        rest = await run(server, **retry)
        whole = await server.answer("get_evaluation", evaluation_id=rest)

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
    assert whole["summary"]["wins"]["b"] == 120
    assert whole["summary"]["wins"]["p_value"] < 0.01


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
