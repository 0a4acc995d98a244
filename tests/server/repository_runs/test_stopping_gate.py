"""`evals-mcp gate` with `stop_when` or `unclear = "more"`: it stops when it is decided."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from anyio import to_thread

from evals_mcp.errors import OperatorError
from evals_mcp.gate.stop_rules import StopRules
from evals_mcp.repository_runs.gates.stopping.parts import gate_order
from evals_mcp.repository_runs.judging import Judging
from evals_schemas.evaluation_api.evaluations import EvaluationJob
from evals_schemas.sequential.seeded_order import seeded_order
from tests.engine.model_server import ChatRequest, ModelServer, Reply, verdict
from tests.server.repository_runs.repository import MODEL, RULE, Repository, answers

ROWS = 160
STOPPING = "stop_when = { decided = true }\n"
GATE = "[gate]\nmargin = 10\n"
STOPPING_FILE = STOPPING + RULE + GATE

GATING = ("gate", "evals.toml", "--baseline", "baseline")


def _baseline(repository: Repository, text: str = RULE + GATE, rows: int = ROWS) -> None:
    repository.write_rows(answers([True] * rows))
    repository.write_file(text)
    code, printed = repository.command("run", "evals.toml", "--out", "baseline")
    assert code == 0, printed


def _reworded(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    for row in rows:
        row["answer"] += " Surely."
    return rows


def test_parts_are_ended_by_the_rows_to_judge_and_pinned_rows_come_first() -> None:
    order = seeded_order(7, 300).rows
    missing = [row for row in range(300) if row % 3 == 0]
    limits = StopRules(first_rows=30, most_rows=None, max_usd=None)

    parts = gate_order(7, 300, missing, limits).parts

    assert [len(part.to_judge) for part in parts] == [30, 30, 40]
    assert parts[-1].end == 300
    assert [row for part in parts for row in part.to_judge] == [
        row for row in order if row % 3 == 0
    ]
    # A part has all free rows up to the next row to judge.
    assert order[parts[0].end] % 3 == 0
    late = next(row for row in reversed(order) if row % 3 == 0)
    pinned = gate_order(7, 300, missing, limits, [late, 1])
    assert late in pinned.parts[0].to_judge
    assert sorted(pinned.to_judge) == missing
    capped = gate_order(7, 300, missing, StopRules(30, 100, None))
    assert (len(capped.rows), capped.parts[-1].end) == (100, 100)
    (free,) = gate_order(7, 300, [], limits).parts
    assert (free.end, list(free.to_judge)) == (300, [])


def test_a_gate_stops_at_the_part_that_shows_a_loss(repository: Repository) -> None:
    _baseline(repository)
    repository.write_file(STOPPING_FILE)
    repository.write_rows(_reworded(answers([number % 3 != 0 for number in range(ROWS)])))

    code, printed = repository.command(*GATING)

    assert code == 1, printed
    assert "50, 50, 60 rows are judged in random order" in printed
    results = repository.results("gate-results")
    report = results["gate"]
    (metric,) = report["metrics"]
    assert metric["interval_of_loss"]["method"] == "betting"
    assert metric["interval_of_loss"]["high"] < 0
    stopping = report["stopping"]
    assert stopping["ended"] == "decided"
    assert (stopping["rows"], stopping["rows_not_judged"]) == (50, 110)
    assert "Regressed: worse by " in report["sentence"]
    assert "(98 % at every look; 50 rows). Decided after 50 of 160 rows" in report["sentence"]
    assert "110 rows were not judged" in report["sentence"]
    folder = repository.folder / "gate-results"
    assert report["sentence"] in (folder / "summary.md").read_text().replace("\\", "")
    assert "110 rows were not judged" in (folder / "junit.xml").read_text()
    assert len((folder / "sums.jsonl").read_text().splitlines()) == 50
    assert (folder / "sums-judged-now.html").stat().st_size > 1_000
    repository.check_junit("gate-results")

    # Nothing is judged anew, and what has stopped is no baseline.
    again, joined = repository.command(*GATING)
    assert again == 1
    assert "Joined 'sums'" in joined
    assert "Started" not in joined
    assert repository.results("gate-results")["calls"] == 0
    code, printed = repository.command(
        "gate", "evals.toml", "--baseline", "gate-results", "--out", "third"
    )
    assert code == 2
    assert "is of a gate that stopped, with 110 of 160 rows not judged" in printed


def test_a_gate_passes_early_where_nothing_is_lost(repository: Repository) -> None:
    _baseline(repository)
    repository.write_file(STOPPING_FILE)
    repository.write_rows(_reworded(answers([True] * ROWS)))

    code, printed = repository.command(*GATING)

    assert code == 0, printed
    report = repository.results("gate-results")["gate"]
    assert report["outcome"] == "passed"
    assert "Pass: not worse by more than 10 points (95 % at every look: " in report["sentence"]
    assert report["stopping"]["looks"] == [50, 100]
    first, last = repository.results("gate-results")["metrics"][0]["evaluation_ids"]
    missing = f"one evaluation and these rows were judged in 2 parts: {first}, {last}."
    for text in (printed, (repository.folder / "gate-results" / "summary.md").read_text()):
        assert missing in text.replace("\\", ""), text

    # For the next baseline every row is judged, by the usual tests.
    code, printed = repository.command(*GATING, "--all-rows", "--out", "whole")
    report = repository.results("whole")["gate"]
    assert (code, report["stopping"]) == (0, None)
    assert report["metrics"][0]["interval"]["method"] == "tango"


def test_verdicts_of_the_baseline_are_free_and_count_in_the_order(repository: Repository) -> None:
    _baseline(repository)
    repository.write_file(STOPPING_FILE)
    rows = answers([True] * ROWS)
    repository.write_rows([*_reworded(rows[:60]), *rows[60:]])

    code, printed = repository.command(*GATING)

    assert code == 0
    assert "50, 10 rows are judged in random order" in printed
    report = repository.results("gate-results")["gate"]
    assert report["stopping"]["rows_not_judged"] == 10
    assert report["stopping"]["rows"] > 100
    assert report["cache"]["hits"] == report["stopping"]["rows"] - 50


def test_few_changed_rows_are_judged_at_once_by_the_usual_tests(repository: Repository) -> None:
    _baseline(repository)
    repository.write_file(STOPPING_FILE)
    rows = answers([number != 0 for number in range(ROWS)])
    repository.write_rows([*_reworded(rows[:20]), *rows[20:]])

    code, printed = repository.command(*GATING)

    assert code == 0, printed
    report = repository.results("gate-results")["gate"]
    assert report["stopping"] is None
    assert report["metrics"][0]["interval"]["method"] == "tango"
    repository.write_rows(answers([True] * ROWS))
    assert "every answer is the same" in repository.command(*GATING)[1]


def test_more_rows_are_added_up_to_the_limit_while_nothing_is_decided(
    repository: Repository,
) -> None:
    _baseline(repository)
    gate = '[gate]\nmargin = 10\nunclear = "more"\nmax_rows = 100\n'
    repository.write_file(f"sample = 60\n{RULE}{gate}")
    repository.write_rows(_reworded(answers([number % 20 != 0 for number in range(ROWS)])))

    code, printed = repository.command(*GATING)

    assert code == 0, printed
    assert "60, 40 rows are judged in random order" in printed
    report = repository.results("gate-results")["gate"]
    assert report["outcome"] == "not_enough_evidence"
    assert report["stopping"]["ended"] == "max_rows"
    assert report["metrics"][0]["interval"]["level"] == 96
    assert "Ended by `max_rows` after 100 of 160 rows in random order; 60" in report["sentence"]

    # The baseline of such a file has every row.
    code, printed = repository.command("run", "evals.toml", "--out", "whole")
    assert (code, repository.results("whole")["rows"]) == (0, ROWS)
    assert "this run judges every row" in printed


def test_a_dry_run_says_the_worst_case_and_starts_nothing(repository: Repository) -> None:
    _baseline(repository)
    repository.write_file(STOPPING_FILE)
    repository.write_rows(_reworded(answers([True] * ROWS)))

    code, printed = repository.command(*GATING, "--dry-run")

    assert code == 0
    assert "Plan: 160 rows" in printed
    assert "The plan above is the worst case." in printed
    assert "nothing was started" in printed


def test_each_metric_is_decided_from_the_same_rows(repository: Repository) -> None:
    common = RULE.partition("[judge]")[0]
    metrics = """
[[metrics]]
name = "sum"
judge = { model = "rule/contains", system_template = "{{expected}}" }

[[metrics]]
name = "words"
judge = { model = "rule/contains", system_template = "The" }

"""
    _baseline(repository, common + metrics + GATE)
    repository.write_file(STOPPING + common + metrics + GATE)
    rows = _reworded(answers([True] * ROWS))
    for row in rows[::2]:
        row["answer"] = f"The sum {row['id']}00 is it."
    repository.write_rows(rows)

    code, printed = repository.command(*GATING)

    assert code == 1, printed
    report = repository.results("gate-results")["gate"]
    assert report["stopping"]["rows"] == 50
    outcomes = {line["name"]: line["outcome"] for line in report["metrics"]}
    assert outcomes["sum"] == "regressed"
    assert "corrected for several metrics" in report["sentence"]
    repository.check_junit("gate-results")


def test_a_floor_is_about_all_rows_so_nothing_passes_before_the_last(
    repository: Repository,
) -> None:
    _baseline(repository)
    repository.write_file(f"{STOPPING_FILE}floor = 90\n")
    repository.write_rows(_reworded(answers([True] * ROWS)))

    code, printed = repository.command(*GATING)

    assert code == 0, printed
    report = repository.results("gate-results")["gate"]
    assert report["outcome"] == "passed"
    assert report["stopping"]["looks"] == [50, 100, 160]
    assert "Nothing was decided before the last of 160 rows." in report["sentence"]


def test_a_pinned_row_is_judged_first_and_ends_the_gate(repository: Repository) -> None:
    pinned = 'pinned = "vital"\n'
    rows = answers([True] * ROWS)
    late = ROWS - 1
    for row in rows:
        row["vital"] = "true" if row["id"] == late else ""
    repository.write_rows(rows)
    repository.write_file(RULE + GATE + pinned)
    assert repository.command("run", "evals.toml", "--out", "baseline")[0] == 0
    rows = _reworded(rows)
    rows[late]["answer"] = "No idea."
    repository.write_rows(rows)
    repository.write_file(STOPPING_FILE + pinned)

    code, printed = repository.command(*GATING)

    assert code == 1, printed
    report = repository.results("gate-results")["gate"]
    assert report["pinned"]["failed"] == [late + 1]
    assert report["stopping"]["rows"] == 50
    assert "pinned row 160 failed three times in a row" in report["sentence"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (f"stop_when = {{ decided = true, target = 50 }}\n{RULE}{GATE}", "`stop_when.target`"),
        (f"stop_when = {{ max_usd = 5 }}\n{RULE}{GATE}", "needs `decided = true`"),
        (f'{STOPPING_FILE}cluster_column = "id"\n', "`gate.cluster_column` and `stop_when`"),
        (f"{RULE}{GATE}max_rows = 100\n", "`gate.max_rows` limits a gate that stops"),
        (f"sample = 100\n{RULE}{GATE}", "`sample`: a gate judges every row"),
        (f"{STOPPING}{RULE}", "add `[gate]` with a `margin`"),
        (f"{STOPPING_FILE}max_rows = 30\n", "The gate could never pass: with 30 rows"),
    ],
)
def test_what_a_stopping_gate_cannot_keep_is_refused(
    repository: Repository, text: str, problem: str
) -> None:
    _baseline(repository)
    repository.write_file(text)

    code, printed = repository.command(*GATING)

    assert (code, problem in printed) == (2, True), printed


@pytest.fixture
async def judge(monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[ModelServer]:
    def reply(request: ChatRequest) -> Reply:
        text = json.dumps(request.body)
        if "broken" in text:
            return verdict(feedback="", label="no label at all")
        return verdict(feedback="", label="wrong" if "No idea" in text else "right")

    async with ModelServer(reply) as server:
        monkeypatch.setenv("EVALS_MCP_LOCAL__MODELS__BASE_URL", server.base_url)
        yield server


async def _command(repository: Repository, *arguments: str) -> tuple[int, str]:
    return await to_thread.run_sync(repository.command, *arguments)


async def test_a_gate_that_is_interrupted_pays_nothing_twice(
    repository: Repository, judge: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Not even a create of a moment ago is recognised: the record of the parts alone is.
    monkeypatch.setenv("EVALS_MCP_BUDGET__REPEAT_SECONDS", "0")
    repository.write_rows(answers([True] * ROWS))
    repository.write_file(MODEL + GATE)
    assert (await _command(repository, "run", "evals.toml", "--out", "baseline"))[0] == 0
    repository.write_file(STOPPING + MODEL + GATE)
    changed = answers([number % 40 != 0 for number in range(ROWS)])
    repository.write_rows(_reworded(changed))
    judge.requests.clear()
    ended, waits = Judging.ended, list[str]()

    async def killed(judging: Judging, evaluation_id: str) -> EvaluationJob:
        waits.append(evaluation_id)
        if len(waits) == 2:
            raise OperatorError("the machine is gone")
        return await ended(judging, evaluation_id)

    with monkeypatch.context() as patch:
        patch.setattr(Judging, "ended", killed)
        code, _ = await _command(repository, *GATING)
    assert code == 2
    code, printed = await _command(repository, *GATING)

    assert code == 0, printed
    report = repository.results("gate-results")["gate"]
    asked = [json.dumps(request.body) for request in judge.requests]
    assert printed.count("Joined 'quality'") >= 2
    assert not any(line.startswith(": ") for line in printed.splitlines()), printed
    assert len(asked) <= len(set(asked)) + 8, "more than the rows in flight were asked twice"
    assert len(set(asked)) == ROWS - report["stopping"]["rows_not_judged"]


async def test_rows_without_a_verdict_end_a_gate_that_they_leave_undecided(
    repository: Repository, judge: ModelServer
) -> None:
    repository.write_rows(answers([True] * ROWS))
    repository.write_file(MODEL + GATE)
    assert (await _command(repository, "run", "evals.toml", "--out", "baseline"))[0] == 0
    repository.write_file(STOPPING + MODEL + GATE)
    rows = _reworded(answers([True] * ROWS))
    for row in rows[::2]:
        row["answer"] += " broken"
    repository.write_rows(rows)
    judge.requests.clear()

    code, printed = await _command(repository, *GATING)

    assert code == 2, printed
    report = repository.results("gate-results")["gate"]
    assert report["stopping"]["ended"] == "no_verdicts"
    assert report["stopping"]["rows"] == 50
    assert "of 50 answers have no verdict" in report["sentence"]
    repository.check_junit("gate-results")
