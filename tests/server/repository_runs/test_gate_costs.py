"""What a gate costs and what a stop saves, by an endpoint with prices."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from anyio import to_thread

from tests.engine.model_server import ChatRequest, ModelServer, Reply, verdict
from tests.server.repository_runs.repository import Repository, answers

ROWS = 160
PRICED = {"id": "scripted", "pricing": {"input": 1_000, "output": 5_000}}
USD = (40 * 1_000 + 20 * 5_000) / 1e6
"""What a verdict costs by the tokens that the endpoint reports."""

CLASSIFY = """data = "answers.jsonl"
name = "quality"
type = "classify"
labels = ["right", "wrong"]
pass_labels = ["right"]
response_column = "answer"
max_usd = 2000

[judge]
model = "scripted"
system_template = "Is it right? {{question}}"

"""
LABELS = 'labels = ["right", "wrong"]\npass_labels = ["right"]\n'
SCORE = CLASSIFY.replace('"classify"', '"score"').replace(
    LABELS, "min_score = 0\nmax_score = 10\npass_threshold = 5\n"
)
COMPARE = (
    CLASSIFY.replace('"classify"', '"compare"')
    .replace(LABELS, "disable_position_bias_correction = true\n")
    .replace(
        'response_column = "answer"',
        'response_column_a = "reference"\nresponse_column_b = "answer"',
    )
)
STOPPING = "stop_when = { decided = true }\n"
GATING = ("gate", "evals.toml", "--baseline", "baseline")


@pytest.fixture
async def judge(monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[ModelServer]:
    def reply(request: ChatRequest) -> Reply:
        is_wrong = "No idea" in json.dumps(request.body)
        if is_wrong:
            return verdict(feedback="", label="wrong", score=1, choice="A")
        return verdict(feedback="", label="right", score=9, choice="B")

    async with ModelServer(reply, [PRICED]) as server:
        monkeypatch.setenv("EVALS_MCP_LOCAL__MODELS__BASE_URL", server.base_url)
        yield server


async def _command(repository: Repository, *arguments: str) -> tuple[int, str]:
    return await to_thread.run_sync(repository.command, *arguments)


def _rows(wrong: int) -> list[dict[str, Any]]:
    """All rows with another answer than the baseline's, every so many of them a wrong one."""
    rows = answers([not wrong or number % wrong != 0 for number in range(ROWS)])
    return [row | {"answer": f"{row['answer']} Surely.", "reference": "A sum."} for row in rows]


async def _gated(
    repository: Repository, judge: ModelServer, file: str, rules: str, wrong: int
) -> tuple[int, str]:
    """Run a file for its baseline, and the gate over changed rows."""
    repository.write_rows(row | {"reference": "A sum."} for row in answers([True] * ROWS))
    repository.write_file(file)
    code, printed = await _command(repository, "run", "evals.toml", "--out", "baseline")
    assert code == 0, printed
    judge.requests.clear()
    repository.write_file(rules + file)
    repository.write_rows(_rows(wrong))
    return await _command(repository, *GATING)


@pytest.mark.parametrize(
    ("file", "figure"),
    [
        (f'{SCORE}[gate]\nmetric = "mean_score"\nmargin = 1\n', "mean_score"),
        (f"{COMPARE}[gate]\nmargin = 20\n", "net_preference"),
    ],
)
@pytest.mark.parametrize("wrong", [2, 0])
async def test_scores_and_comparisons_stop_a_gate_and_save_dollars(
    repository: Repository, judge: ModelServer, file: str, figure: str, wrong: int
) -> None:
    code, printed = await _gated(repository, judge, file, STOPPING, wrong)

    results = repository.results("gate-results")
    assert results["error"] is None, printed
    report = results["gate"]
    outcome = (1, "regressed") if wrong else (0, "passed")
    assert (code, report["outcome"]) == outcome, printed
    (metric,) = report["metrics"]
    assert metric["figure"] == figure
    stopping = report["stopping"]
    assert stopping["ended"] == "decided"
    calls = len(judge.requests)
    assert calls == stopping["rows"] < ROWS
    assert (results["calls"], results["cost_usd"]) == (calls, pytest.approx(calls * USD))
    not_spent = (ROWS - calls) * USD
    assert stopping["not_spent_usd"] == pytest.approx(not_spent, rel=0.05)
    assert f"rows were not judged, about ${stopping['not_spent_usd']:.2f} not spent." in printed
    repository.check_junit("gate-results")


async def test_a_limit_in_dollars_ends_a_gate_before_the_part_that_could_exceed_it(
    repository: Repository, judge: ModelServer
) -> None:
    file = f"{CLASSIFY}[gate]\nmargin = 10\n"
    rules = "stop_when = { decided = true, max_usd = 25 }\n"
    code, printed = await _gated(repository, judge, file, rules, 20)

    report = repository.results("gate-results")["gate"]
    assert (code, report["outcome"]) == (0, "not_enough_evidence"), printed
    assert report["stopping"]["ended"] == "max_usd"
    calls = len(judge.requests)
    assert calls == report["stopping"]["rows"] < ROWS
    assert calls * USD <= 25
    assert f"Ended by `max_usd` after {calls} of {ROWS} rows in random order" in printed

    for rules, problem in (
        ("stop_when = { decided = true, max_usd = 1 }\n", "the first part alone may cost"),
        ("stop_when = { decided = true, max_usd = 0 }\n", "max_usd"),
        ("stop_when = { decided = true, max_usd = -2 }\n", "max_usd"),
        ('stop_when = { decided = true, max_usd = "twenty" }\n', "max_usd"),
        ("stop_when = { decided = true, max_dollars = 20 }\n", "max_dollars"),
    ):
        repository.write_file(rules + file)
        judge.requests.clear()
        code, printed = await _command(repository, *GATING, "--again", "--out", "wrong")
        assert (code, problem in printed, judge.requests) == (2, True, []), printed


@pytest.mark.parametrize("rules", ["", STOPPING])
async def test_pinned_rows_that_are_judged_again_count_in_calls_and_cost(
    repository: Repository, judge: ModelServer, rules: str
) -> None:
    gate = '[gate]\nmargin = 10\npinned = "vital"\n'
    rows = [row | {"vital": row["id"] == 3} for row in answers([True] * ROWS)]
    repository.write_rows(rows)
    repository.write_file(CLASSIFY + gate)
    assert (await _command(repository, "run", "evals.toml", "--out", "baseline"))[0] == 0
    judge.requests.clear()
    rows[3]["answer"] = "No idea."
    for row in rows[4:90]:
        row["answer"] += " Surely."
    repository.write_rows(rows)
    repository.write_file(rules + CLASSIFY + gate)

    code, printed = await _command(repository, *GATING)

    results, calls = repository.results("gate-results"), len(judge.requests)
    assert code == 1, printed
    assert results["gate"]["pinned"]["failed"] == [4]
    assert (results["calls"], results["cost_usd"]) == (calls, pytest.approx(calls * USD))
    assert f"Cost: {calls} calls, ${calls * USD:.2f}" in printed
