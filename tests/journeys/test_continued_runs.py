"""`evals-mcp run --continue` at the embedded engine: calls are counted at the endpoint."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.engine.model_server import ChatRequest, ModelServer, Reply, verdict

pytestmark = pytest.mark.usefixtures("lines_not_counted")

ROWS = 120
FILE = """data = "answers.jsonl"
type = "classify"
labels = ["right", "wrong"]
pass_labels = ["right"]
response_column = "answer"
{rules}
[judge]
model = "{model}"
system_template = "Is it right? {{{{note}}}}"
num_workers = 4
"""
DECIDED = "stop_when = { decided = true, target = 50 }"


async def _command(folder: Path, base_url: str, *options: str) -> tuple[int, str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith("EVALS_")}
    variables = {
        "HOME": str(folder),
        "XDG_DATA_HOME": str(folder / "home"),
        "XDG_CACHE_HOME": str(folder / "home"),
        "EVALS_MCP_SERVER__PROVIDER": "local",
        "EVALS_MCP_LOCAL__MODELS__BASE_URL": base_url,
    }
    command = [sys.executable, "-m", "evals_mcp.cli", "run", "evals.toml", *options]
    with anyio.fail_after(300):
        ended = await anyio.run_process(command, cwd=folder, env=own | variables, check=False)
    return ended.returncode, (ended.stdout + ended.stderr).decode()


def _write(folder: Path, rules: str, model: str = "scripted") -> None:
    rows = [{"answer": f"The sum {n}.", "note": f"n{n}", "unused": n} for n in range(ROWS)]
    (folder / "answers.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "evals.toml").write_text(FILE.format(rules=rules, model=model))


def _metric(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "evals-results" / "results.json").read_text())["metrics"][0]


def _right(_: ChatRequest) -> Reply:
    return verdict(feedback="", label="right")


async def test_the_rest_is_judged_and_paid_once(tmp_path: Path) -> None:
    _write(tmp_path, DECIDED)
    async with ModelServer(_right) as server:
        code, printed = await _command(tmp_path, server.base_url)
        stopped, paid = _metric(tmp_path), len(server.requests)
        priced, plan = await _command(tmp_path, server.base_url, "--continue", "--dry-run")
        in_the_plan = len(server.requests)
        rest, said = await _command(tmp_path, server.base_url, "--continue")
        whole = _metric(tmp_path)
        again, refused = await _command(tmp_path, server.base_url, "--continue")
        still = _metric(tmp_path)

    assert (code, priced, rest, again) == (0, 0, 0, 2)
    assert "--continue" in printed
    assert paid == in_the_plan < 40
    assert f"{paid} verdicts are taken over and cost nothing; {ROWS - paid} rows are left" in plan
    assert f"Plan: {ROWS - paid} rows, {ROWS - paid} model calls" in plan
    assert "Started" in said
    assert len(server.requests) == ROWS
    assert whole["rows"] == ROWS
    assert whole["sequential"]["rows_taken_over"] == paid
    (earlier,) = whole["sequential"]["earlier"]
    assert earlier["evaluation_id"] == stopped["evaluation_ids"][0]
    assert earlier["decision"] == "above"
    assert whole["headline"].startswith("Decided after all 120 rows: the pass rate is above 50 %")
    assert whole["figure"]["interval"] is None
    assert "all rows of 'evals-results/results.json' are judged" in refused
    assert still == whole


async def test_new_rules_in_the_file_go_on_with_the_sequence(tmp_path: Path) -> None:
    _write(tmp_path, DECIDED)
    async with ModelServer(_right) as server:
        await _command(tmp_path, server.base_url)
        paid, first = len(server.requests), _metric(tmp_path)["evaluation_ids"][0]
        _write(tmp_path, "stop_when = { width = 10 }")
        code, _ = await _command(tmp_path, server.base_url, "--continue", first)
        narrow, then = _metric(tmp_path), len(server.requests)
        _write(tmp_path, DECIDED, model="other")
        refused, said = await _command(tmp_path, server.base_url, "--continue")

    assert (code, refused) == (0, 2)
    assert paid < then < ROWS
    assert narrow["sequential"]["decision"] == "width"
    assert narrow["sequential"]["order_seed"]
    assert "another judge, rubric or model" in said
    assert _metric(tmp_path) == narrow
