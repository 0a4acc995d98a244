"""Anchors: rows of an older baseline that are judged again before new verdicts meet its own."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from anyio import to_thread

from evals_mcp.gate.drift import drift_of, drift_sentence
from tests.engine.model_server import ChatRequest, ModelServer, Reply, completion, verdict
from tests.proofs.drift_anchors import alarms
from tests.server.repository_runs.repository import Repository, answers

ROWS = 80
MODEL = """data = "answers.jsonl"
name = "quality"
type = "classify"
labels = ["right", "wrong"]
pass_labels = ["right"]
response_column = "answer"
{more}
[judge]
model = "scripted"
system_template = "Is it right? {{{{question}}}}"

[gate]
margin = 10
{gate}
"""
GATE = ("gate", "evals.toml", "--baseline", "evals-results")


def _judged(request: ChatRequest) -> str:
    return json.dumps(request.body)


def _made_before(folder: Path, days: int) -> None:
    """Let the verdicts of a run be as old as that."""
    date = (datetime.now(UTC) - timedelta(days=days)).isoformat(timespec="seconds")
    path = folder / "evals-results" / "results.json"
    results = json.loads(path.read_text())
    results["metrics"][0]["verdicts"]["oldest"] = date
    path.write_text(json.dumps(results))


def _change(repository: Repository, rows: int = 4) -> None:
    changed = answers([True] * ROWS)
    for row in changed[:rows]:
        row["answer"] += " Surely."
    repository.write_rows(changed)


class Judge:
    """A judge that may become stricter."""

    def __init__(self) -> None:
        self.refuses: Callable[[str], bool] = lambda _: False

    def __call__(self, request: ChatRequest) -> Reply:
        label = "wrong" if self.refuses(_judged(request)) else "right"
        return verdict(feedback="", label=label)


async def _baseline(repository: Repository, server: ModelServer, days: int, **parts: str) -> None:
    repository.write_file(MODEL.format(**{"more": "", "gate": ""} | parts))
    repository.write_rows(answers([True] * ROWS))
    code, printed = await to_thread.run_sync(repository.command, "run", "evals.toml")
    assert code == 0, printed
    _made_before(repository.folder, days)
    server.requests.clear()


async def test_an_older_baseline_is_vouched_for_once_a_week(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with ModelServer(Judge()) as server:
        monkeypatch.setenv("EVALS_MCP_LOCAL__MODELS__BASE_URL", server.base_url)
        command = repository.command
        await _baseline(repository, server, days=2)
        unchanged, _ = await to_thread.run_sync(command, *GATE)
        nothing = len(server.requests)
        _change(repository)
        priced, plan = await to_thread.run_sync(command, *GATE, "--dry-run")
        planned = len(server.requests)
        first, printed = await to_thread.run_sync(command, *GATE)
        paid = len(server.requests)
        _change(repository, 6)
        second, joined = await to_thread.run_sync(command, *GATE)
        report = repository.results("gate-results")["gate"]

    assert (unchanged, priced, first, second) == (0, 0, 0, 0), printed
    assert nothing == planned == 0
    assert "Anchors: 60 rows of the baseline are judged again, once a week" in plan
    assert "60 model calls" in plan
    assert "Anchors: 60 rows of the baseline were judged again in the last seven days" in joined
    assert paid == 60 + 4
    # The anchors are joined: only what has changed since is judged.
    assert len(server.requests) <= paid + 6
    (drift,) = report["drift"]
    assert (drift["anchors"], drift["moved"], drift["p"]) == (60, False, None)
    assert any("has not visibly moved" in note for note in report["notes"])


async def test_a_judge_that_moved_judges_the_baseline_anew(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge = Judge()
    async with ModelServer(judge) as server:
        monkeypatch.setenv("EVALS_MCP_LOCAL__MODELS__BASE_URL", server.base_url)
        await _baseline(repository, server, days=2)
        judge.refuses = lambda text: any(f"What is {n} +" in text for n in range(0, ROWS, 4))
        _change(repository)
        code, printed = await to_thread.run_sync(repository.command, *GATE)
        report = repository.results("gate-results")["gate"]

    assert "The judge moved: of 60 answers of the baseline" in printed
    assert (code, report["outcome"]) == (0, "passed"), printed
    (drift,) = report["drift"]
    assert drift["moved"]
    assert drift["worse"] > 5
    assert report["metrics"][0]["difference"] == 0


@pytest.mark.parametrize(("days", "gate"), [(0, ""), (2, "anchors = 0")])
async def test_a_fresh_baseline_and_a_file_without_anchors_take_none(
    repository: Repository, monkeypatch: pytest.MonkeyPatch, days: int, gate: str
) -> None:
    async with ModelServer(Judge()) as server:
        monkeypatch.setenv("EVALS_MCP_LOCAL__MODELS__BASE_URL", server.base_url)
        await _baseline(repository, server, days, gate=gate)
        _change(repository)
        code, _ = await to_thread.run_sync(repository.command, *GATE)
        report = repository.results("gate-results")["gate"]

    assert (code, len(server.requests), report["drift"]) == (0, 4, [])


PRICED = {"id": "scripted", "object": "model", "pricing": {"input": 50, "output": 50}}


def _dollars(plan: str, line: str) -> float:
    """The largest cost that a line of a plan names."""
    (text,) = (each for each in plan.splitlines() if line in each)
    return float(re.findall(r"\$([0-9]+\.[0-9]+)", text)[-1])


async def _priced(repository: Repository, judge: Judge, server: ModelServer) -> tuple[float, float]:
    """Make a baseline, let the judge move, and return what anchors and gate may cost."""
    await _baseline(repository, server, days=2, more="max_usd = 1000")
    judge.refuses = lambda text: any(f"What is {n} +" in text for n in range(0, ROWS, 4))
    _change(repository)
    code, plan = await to_thread.run_sync(repository.command, *GATE, "--dry-run")
    assert code == 0, plan
    return _dollars(plan, "Anchors: "), _dollars(plan, "Plan: ")


def _consent(repository: Repository, usd: float) -> None:
    repository.write_file(MODEL.format(more=f"max_usd = {usd:.4f}", gate=""))


async def test_no_anchor_is_paid_without_a_consent_to_the_gate_too(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge = Judge()
    async with ModelServer(judge, models=[PRICED]) as server:
        monkeypatch.setenv("EVALS_MCP_LOCAL__MODELS__BASE_URL", server.base_url)
        anchors, gate = await _priced(repository, judge, server)
        _consent(repository, anchors + gate / 4)
        code, printed = await to_thread.run_sync(repository.command, *GATE)

    assert code == 2, printed
    assert "`max_usd` is" in printed
    assert "Nothing was started." in printed
    assert server.requests == []


async def test_a_baseline_is_not_judged_anew_without_a_consent_to_it(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge = Judge()
    async with ModelServer(judge, models=[PRICED]) as server:
        monkeypatch.setenv("EVALS_MCP_LOCAL__MODELS__BASE_URL", server.base_url)
        anchors, gate = await _priced(repository, judge, server)
        _consent(repository, anchors + gate + anchors / 2)
        code, printed = await to_thread.run_sync(repository.command, *GATE)
        paid = len(server.requests)
        _consent(repository, 1000)
        allowed, _ = await to_thread.run_sync(repository.command, *GATE)
        results = repository.results("gate-results")

    assert (code, paid) == (2, 60), printed
    assert "The judge moved: " in printed
    assert "does not cover anchors, baseline and gate together" in printed
    assert "Only the anchors were judged." in printed
    assert "Nothing was started" not in printed
    # The anchors are joined; the new baseline has the verdicts of the rows that did not change.
    assert allowed == 0
    assert len(server.requests) == paid + ROWS + 4 == paid + results["calls"]
    assert results["cost_usd"] > 0


async def test_a_gate_that_stops_judges_the_baseline_of_a_moved_judge_anew(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge = Judge()
    async with ModelServer(judge) as server:
        monkeypatch.setenv("EVALS_MCP_LOCAL__MODELS__BASE_URL", server.base_url)
        await _baseline(repository, server, days=2)
        judge.refuses = lambda text: any(f"What is {n} +" in text for n in range(0, ROWS, 4))
        _change(repository, 70)
        stops = "stop_when = { decided = true }"
        repository.write_file(MODEL.format(more=stops, gate=""))
        code, printed = await to_thread.run_sync(repository.command, *GATE)
        report = repository.results("gate-results")["gate"]

    assert code in {0, 3}, printed
    assert "The judge moved: of 60 answers of the baseline" in printed
    assert report["drift"][0]["moved"]
    assert report["metrics"][0]["difference"] == 0
    assert report["stopping"]["looks"][0] >= 50
    assert 60 + ROWS + 50 <= len(server.requests) <= 60 + ROWS + 70


async def test_answers_that_a_model_wrote_are_judged_again_and_not_written_again(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nothing is recognised as just made: the gate writes its own answers.
    monkeypatch.setenv("EVALS_MCP_BUDGET__REPEAT_SECONDS", "0")
    written: list[str] = []

    def reply(request: ChatRequest) -> Reply:
        if request.body["model"] == "writer":
            written.append(_judged(request))
            return completion("An answer.")
        return verdict(feedback="", label="right")

    async with ModelServer(reply, models=["scripted", "writer"]) as server:
        monkeypatch.setenv("EVALS_MCP_LOCAL__MODELS__BASE_URL", server.base_url)
        writer = (
            '[model_to_evaluate]\nmodel = "writer"\nsystem_template = "Be brief."\n'
            'input_template = "{{question}}"\n'
        )
        text = MODEL.format(more="", gate="").replace('response_column = "answer"\n', "")
        repository.write_file(text + writer)
        repository.write_rows(answers([True] * ROWS))
        assert (await to_thread.run_sync(repository.command, "run", "evals.toml"))[0] == 0
        _made_before(repository.folder, days=2)
        before = len(written)
        code, printed = await to_thread.run_sync(repository.command, *GATE)
        report = repository.results("gate-results")["gate"]

    assert code == 0, printed
    (drift,) = report["drift"]
    assert (drift["anchors"], drift["moved"]) == (60, False)
    assert (before, len(written)) == (ROWS, 2 * ROWS)


async def test_scores_of_a_judge_that_moved_are_compared_row_by_row(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores = [8.0]

    async with ModelServer(lambda _: verdict(feedback="", score=scores[-1])) as server:
        monkeypatch.setenv("EVALS_MCP_LOCAL__MODELS__BASE_URL", server.base_url)
        text = MODEL.replace(
            'type = "classify"\nlabels = ["right", "wrong"]\npass_labels = ["right"]\n',
            'type = "score"\nmin_score = 1\nmax_score = 10\npass_threshold = 5\n',
        ).replace("margin = 10", 'margin = 1\nmetric = "mean_score"')
        repository.write_file(text.format(more="", gate=""))
        repository.write_rows(answers([True] * ROWS))
        made, text = await to_thread.run_sync(repository.command, "run", "evals.toml")
        assert made == 0, text
        _made_before(repository.folder, days=2)
        scores.append(6.0)
        _change(repository)
        code, printed = await to_thread.run_sync(repository.command, *GATE)
        report = repository.results("gate-results")["gate"]

    assert code == 0, printed
    (drift,) = report["drift"]
    assert (drift["anchors"], drift["worse"], drift["moved"]) == (60, 60, True)
    assert report["metrics"][0]["difference"] == 0


def test_what_the_anchors_show_is_an_exact_test() -> None:
    moved = drift_of("quality", [(1, 0)] * 6 + [(1, 1)] * 54, "2026-11-30T00:00:00+00:00")
    steady = drift_of("quality", [(1, 0), (0, 1)] * 5 + [(1, 1)] * 50, None)

    assert (moved.moved, round(moved.p or 0, 3)) == (True, 0.031)
    assert drift_sentence(moved).startswith("The judge moved: 60 answers of the baseline")
    assert (steady.moved, steady.p) == (False, 1.0)


def test_sixty_anchors_see_ten_points_in_two_of_five_tries_and_seldom_nothing() -> None:
    assert alarms(60, 0.05, 0, 2_000) < 0.01
    assert 0.34 < alarms(60, 0.05, 0.1, 2_000) < 0.46
