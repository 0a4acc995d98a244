"""`evals-mcp gate`: a change passes, fails, or cannot be judged, and is paid for once."""

from __future__ import annotations

import json
import shutil
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from anyio import to_thread

from evals_mcp.repository_runs.gates.taken_over import is_recent
from tests.engine.model_server import ChatRequest, ModelServer, Reply, completion, verdict
from tests.server.repository_runs.repository import MODEL, RULE, Repository, answers

ROWS = 40
"""Enough for a margin of 10 points."""

BY_MODEL = MODEL + "[gate]\nmargin = 10\n"


@dataclass
class Judge:
    """A judge at an endpoint, which reads its verdict from the answer."""

    server: ModelServer
    exceptions: list[Callable[[str], Reply | None]] = field(
        default_factory=list[Callable[[str], "Reply | None"]]
    )
    """Asked first, by the text of the request."""

    def reply(self, request: ChatRequest) -> Reply:
        text = json.dumps(request.body)
        for exception in self.exceptions:
            if (reply := exception(text)) is not None:
                return reply
        return verdict(feedback="", label="wrong" if "No idea" in text else "right")

    def calls(self) -> int:
        """The calls since the last count."""
        calls = len(self.server.requests)
        self.server.requests.clear()
        return calls


@pytest.fixture
async def judge(monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Judge]:
    def reply(request: ChatRequest) -> Reply:
        return judge.reply(request)

    async with ModelServer(reply) as server:
        judge = Judge(server)
        monkeypatch.setenv("EVALS_MCP_LOCAL__MODELS__BASE_URL", server.base_url)
        yield judge


def _changed(right: int, wrong_from: int = ROWS) -> list[dict[str, Any]]:
    """Rows of which the first ones have other answers, and the last ones wrong answers."""
    rows = answers([number < wrong_from for number in range(ROWS)])
    for row in rows[:right]:
        row["answer"] += " Surely."
    return rows


async def test_an_unchanged_commit_costs_nothing_and_a_worse_one_is_red(
    repository: Repository, judge: Judge
) -> None:
    command = repository.command
    repository.write_file(BY_MODEL)
    repository.write_rows(answers([True] * ROWS))
    assert (await to_thread.run_sync(command, "run", "evals.toml"))[0] == 0
    assert judge.calls() == ROWS
    gate = ("gate", "evals.toml", "--baseline")

    code, printed = await to_thread.run_sync(command, *gate, "evals-results")
    assert (code, judge.calls()) == (0, 0)
    assert "Pass: every answer is the same as the baseline's." in printed
    report = repository.results("gate-results")["gate"]
    assert (report["cache"]["hits"], report["cache"]["misses"]) == (ROWS, 0)
    repository.check_junit("gate-results")

    # The evaluation itself is as good a baseline as its file.
    (evaluation,) = repository.results()["metrics"][0]["evaluation_ids"]
    code, printed = await to_thread.run_sync(command, *gate, evaluation)
    assert (code, judge.calls()) == (0, 0), printed

    repository.write_rows(_changed(3))
    code, printed = await to_thread.run_sync(command, *gate, "evals-results")
    assert (code, judge.calls()) == (0, 3), printed
    assert "Pass: not worse by more than 10 points (difference 0.0" in printed
    # What a gate has written is a baseline, too, with verdicts of two runs.
    code, printed = await to_thread.run_sync(command, *gate, "gate-results", "--out", "second")
    assert (code, judge.calls()) == (0, 0), printed

    repository.write_rows(_changed(0, wrong_from=26))
    code, printed = await to_thread.run_sync(command, *gate, "evals-results")
    assert (code, judge.calls()) == (1, 14)
    assert "Regressed: worse by 35 points (98 %" in printed
    repository.check_junit("gate-results")
    rows = (repository.folder / "gate-results" / "quality.jsonl").read_text().splitlines()
    assert [json.loads(row)["evals_taken_over"] for row in rows] == [True] * 26 + [False] * 14

    judge.exceptions.append(lambda text: completion("No verdict.") if "Surely" in text else None)
    repository.write_rows(_changed(4))
    code, printed = await to_thread.run_sync(command, *gate, "evals-results")
    assert (code, judge.calls() > 0) == (2, True)
    # The engine may end an evaluation before it has tried the last of its failing rows.
    assert "Could not run: 4 of 40 answers have no verdict." in printed or "lacks" in printed
    repository.check_junit("gate-results")
    # One answer without a verdict is no pass, and the other rows decide.
    repository.write_rows(_changed(1))
    code, printed = await to_thread.run_sync(command, *gate, "evals-results")
    assert (code, "difference" in printed or "between" in printed) == (0, True), printed


async def test_a_pinned_row_is_red_only_if_it_fails_three_times(
    repository: Repository, judge: Judge
) -> None:
    command = repository.command
    repository.write_file(BY_MODEL + 'pinned = "must_pass"\n')
    rows = [row | {"must_pass": row["id"] == 2} for row in answers([True] * ROWS)]
    repository.write_rows(rows)
    await to_thread.run_sync(command, "run", "evals.toml")
    judge.calls()
    rows[2]["answer"] = "Maybe 4."
    repository.write_rows(rows)
    gate = ("gate", "evals.toml", "--baseline", "evals-results")
    failures = iter([True, False])
    judge.exceptions.append(
        lambda text: (
            verdict(feedback="", label="wrong")
            if "Maybe" in text and next(failures, True)
            else None
        )
    )

    code, printed = await to_thread.run_sync(command, *gate)
    assert (code, judge.calls()) == (0, 2), printed

    code, printed = await to_thread.run_sync(command, *gate, "--again")
    assert (code, judge.calls()) == (1, ROWS + 2), printed
    assert "Regressed: pinned row 3 failed three times in a row." in printed
    repository.check_junit("gate-results")
    assert repository.results("gate-results")["gate"]["pinned"] == {
        "count": 1,
        "failed": [3],
        "judged_again": 1,
    }


async def test_generated_answers_are_kept_under_the_same_version_of_the_candidate(
    repository: Repository, judge: Judge
) -> None:
    command = repository.command
    candidate = """
[model_to_evaluate]
model = "candidate"
system_template = "Answer."
input_template = "{{question}}"
"""
    text = BY_MODEL.replace('response_column = "answer"', 'candidate_version = "v1"') + candidate
    judge.exceptions.append(
        lambda text: completion("The sum.") if '"model": "candidate"' in text else None
    )
    repository.write_file(text)
    rows = [{"question": row["question"]} for row in answers([True] * ROWS)]
    repository.write_rows(rows)
    assert (await to_thread.run_sync(command, "run", "evals.toml"))[0] == 0
    assert judge.calls() == 2 * ROWS
    gate = ("gate", "evals.toml", "--baseline", "evals-results")

    code, printed = await to_thread.run_sync(command, *gate)
    assert (code, judge.calls()) == (0, 0), printed

    repository.write_file(text.replace('"v1"', '"v2"'))
    code, printed = await to_thread.run_sync(command, *gate, "--again")
    assert (code, judge.calls()) == (0, 2 * ROWS), printed
    assert "all rows are judged again, as `--again` asks" in printed


def test_another_column_of_answers_is_judged_although_no_row_has_changed(
    repository: Repository,
) -> None:
    rows = answers([True] * ROWS)
    repository.write_rows(row | {"second": "No idea."} for row in rows)
    repository.write_file(GATED)
    assert repository.command("run", "evals.toml", "--out", "baseline")[0] == 0
    repository.write_file(GATED.replace('"answer"', '"second"'))

    code, printed = repository.command("gate", "evals.toml", "--baseline", "baseline")

    assert code == 1, printed
    assert repository.results("gate-results")["gate"]["cache"]["hits"] == 0


def _baseline(repository: Repository, text: str = RULE) -> None:
    repository.write_rows(answers([True] * ROWS))
    repository.write_file(text + "[gate]\nmargin = 10\n")
    code, printed = repository.command("run", "evals.toml", "--out", "baseline")
    assert code == 0, printed


def _edit(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


GATED = RULE + "[gate]\nmargin = 10\n"
BROKEN: dict[str, tuple[Callable[[Repository], object], str]] = {
    "no baseline": (lambda r: (r.folder / "baseline/results.json").unlink(), "cannot be read"),
    "no folder of a baseline": (
        lambda r: shutil.rmtree(r.folder / "baseline"),
        "--baseline: there is no file, folder or evaluation 'baseline'. Make a new baseline",
    ),
    "a foreign file": (
        lambda r: (r.folder / "baseline/results.json").write_text('{"a": 1}'),
        "is not a results.json",
    ),
    "a baseline that failed": (
        lambda r: _edit(r.folder / "baseline/results.json", lambda c: c.update(outcome="failed")),
        "of a run that could not run",
    ),
    "no rows of the baseline": (
        lambda r: (r.folder / "baseline/sums.jsonl").unlink(),
        "cannot be read",
    ),
    "rows cut off": (
        lambda r: (r.folder / "baseline/sums.jsonl").write_text(
            "".join((r.folder / "baseline/sums.jsonl").read_text().splitlines(True)[:9])
        ),
        "has 9 rows, and results.json beside it speaks of 40",
    ),
    "another rubric": (
        lambda r: r.write_file(GATED.replace("{{expected}}", "{{id}}")),
        "was judged by another rubric",
    ),
    "another judge": (
        lambda r: r.write_file(GATED.replace("rule/contains", "rule/exact-match")),
        "has another judge",
    ),
    "other labels": (
        lambda r: r.write_file(GATED.replace('"wrong"]', '"false"]')),
        "other labels",
    ),
    "another type": (
        lambda r: r.write_file(
            GATED.replace(
                'type = "classify"\nlabels = ["right", "wrong"]\npass_labels = ["right"]',
                'type = "score"\nmin_score = 0\nmax_score = 1\npass_threshold = 1',
            )
        ),
        "is a score evaluation, and in the baseline 'classify'",
    ),
    "other rows": (
        lambda r: r.write_rows(answers([True] * (ROWS + 1))),
        "1 row of the data is not in it, and 0 of its own are not in the data",
    ),
    "no data": (lambda r: r.write_rows([]), "Could not run"),
    "few rows": (lambda r: r.write_rows(answers([True] * 29)), "30 are the fewest"),
    "a margin that no row meets": (
        lambda r: r.write_file(GATED.replace("10", "5")),
        "The gate could never pass: with 40 rows",
    ),
    "an unknown column": (
        lambda r: r.write_file(GATED + 'pinned = "ids"\n'),
        "Did you mean 'id'?",
    ),
    "the folder of the baseline": (
        lambda r: r.write_file(GATED),
        "holds the baseline, which this run would replace",
    ),
}


def test_what_cannot_be_judged_is_never_green(repository: Repository) -> None:
    _baseline(repository)
    saved = {path: path.read_bytes() for path in repository.folder.rglob("*") if path.is_file()}
    for case, (spoil, expected) in BROKEN.items():
        for path, content in saved.items():
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
        spoil(repository)
        out = ("--out", "baseline") if case.startswith("the folder") else ()
        if case.startswith("a margin"):
            code, printed = repository.command(
                "gate", "evals.toml", "--baseline", "baseline", "--dry-run"
            )
            assert (code, expected in printed) == (2, True), printed
            assert "It takes at least 73 rows; 314, to pass an unchanged candidate" in printed
        code, printed = repository.command("gate", "evals.toml", "--baseline", "baseline", *out)
        assert (code, expected in printed) == (2, True), (case, printed)
        if not out:
            assert repository.results("gate-results")["outcome"] == "could_not_run"
            repository.check_junit("gate-results")


@pytest.mark.parametrize(
    ("unclear", "code", "annotation"), [("warn", 0, "::warning"), ("fail", 3, "::error")]
)
def test_not_enough_evidence_is_neutral_or_red_as_the_file_says(
    repository: Repository,
    monkeypatch: pytest.MonkeyPatch,
    unclear: str,
    code: int,
    annotation: str,
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    _baseline(repository)
    repository.write_rows(answers([number >= 3 for number in range(ROWS)]))
    repository.write_file(f'{GATED}unclear = "{unclear}"\n')

    exited, printed = repository.command("gate", "evals.toml", "--baseline", "baseline")

    assert exited == code
    assert f"{annotation} title=Evaluation not_enough_evidence::Not enough evidence" in printed
    assert "This is not a pass." in printed
    repository.check_junit("gate-results")


def test_each_metric_is_decided_and_the_worst_one_names_the_outcome(
    repository: Repository,
) -> None:
    common = RULE.partition("[judge]")[0]
    metrics = """
[[metrics]]
name = "sum"
judge = { model = "rule/contains", system_template = "{{expected}}" }

[[metrics]]
name = "words"
judge = { model = "rule/contains", system_template = "The" }

"""
    _baseline(repository, common + metrics)
    rows = answers([True] * ROWS)
    for row in rows[:14]:
        row["answer"] = f"The sum {row['id']}00 is it."
    repository.write_rows(rows)

    code, printed = repository.command("gate", "evals.toml", "--baseline", "baseline")

    assert code == 1
    assert "'sum': Regressed: worse by 35 points (corrected for several metrics p = " in printed
    lines = {line["name"]: line for line in repository.results("gate-results")["gate"]["metrics"]}
    assert (lines["sum"]["outcome"], lines["words"]["outcome"]) == ("regressed", "passed")
    assert lines["sum"]["p_holm"] == pytest.approx(2 * lines["sum"]["p"], rel=1e-4)
    repository.check_junit("gate-results")


def test_verdicts_of_a_model_that_are_a_week_old_are_not_taken_over() -> None:
    now = datetime(2026, 11, 30, tzinfo=UTC)
    assert is_recent((now - timedelta(days=6)).isoformat(), now)
    assert not is_recent((now - timedelta(days=8)).isoformat(), now)
    assert not is_recent((now + timedelta(days=8)).isoformat(), now)
    assert not is_recent("2026-11-30T00:00:00", now)
    assert not is_recent("yesterday", now)
    assert not is_recent(None, now)
