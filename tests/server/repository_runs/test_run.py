"""`evals-mcp run`: from a file in a repository to a folder of results."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.server.repository_runs.repository import RULE, Repository, answers


def test_a_file_is_run_and_its_results_are_in_every_form(
    repository: Repository, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    repository.write_rows(answers([True] * 6 + [False] * 2))
    repository.write_file(RULE)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "job.md"))
    monkeypatch.setenv("GITHUB_ACTIONS", "true")

    code, printed = repository.command("run", "evals.toml")

    assert code == 0
    assert "75.0 %" in printed
    assert "::notice title=Evaluation completed::75.0 %25 of 8 answers pass" in printed
    results = repository.results()
    (metric,) = results["metrics"]
    assert metric["figure"]["value"] == 75
    assert metric["verdicts"]["judged"] == 8
    assert results["calls"] == results["cost_usd"] == 0
    folder = repository.folder / "evals-results"
    rows = [json.loads(line) for line in (folder / "sums.jsonl").read_text().splitlines()]
    assert [row["evals_passed"] for row in rows] == [True] * 6 + [False] * 2
    manifest = json.loads((folder / metric["files"]["manifest"]).read_text())
    assert manifest["digests"]["judge"].startswith("judge1-")
    assert "<html" in (folder / metric["files"]["report"]).read_text()
    repository.check_junit()
    assert (folder / "junit.xml").read_text().count("<failure") == 2
    summary = (folder / "summary.md").read_text()
    assert "| sums | 75.0 % |" in summary
    assert summary in (tmp_path / "job.md").read_text()


def test_a_second_run_replaces_the_results_and_starts_nothing_new(repository: Repository) -> None:
    repository.write_rows(answers([True] * 3))
    repository.write_file(RULE)
    assert repository.command("run", "evals.toml")[0] == 0
    first = repository.results()["metrics"][0]["evaluation_ids"]

    code, printed = repository.command("run", "evals.toml")

    assert code == 0
    assert "Joined 'sums'" in printed
    assert repository.results()["metrics"][0]["evaluation_ids"] == first


def test_several_metrics_are_judged_in_one_run_with_files_of_their_own(
    repository: Repository,
) -> None:
    repository.write_rows(answers([True, False, True]))
    repository.write_file(
        RULE.partition("[judge]")[0]
        + """
[[metrics]]
name = "Has the sum"
judge = { model = "rule/contains", system_template = "{{expected}}" }

[[metrics]]
name = "has the sum!"
judge = { model = "rule/contains", system_template = "{{id}}" }
"""
    )

    code, _ = repository.command("run", "evals.toml", "--out", "out")

    assert code == 0
    metrics = repository.results("out")["metrics"]
    assert [metric["files"]["rows"] for metric in metrics] == [
        "has-the-sum.jsonl",
        "has-the-sum-2.jsonl",
    ]
    repository.check_junit("out")


def test_a_dry_run_shows_the_plan_and_writes_nothing(repository: Repository) -> None:
    repository.write_rows(answers([True] * 3))
    repository.write_file(RULE)
    code, printed = repository.command("run", "evals.toml", "--dry-run")
    assert code == 0
    assert "Plan: 3 rows, no model calls, no cost." in printed
    assert not (repository.folder / "evals-results").exists()


def test_a_folder_with_other_files_is_not_written_to(repository: Repository) -> None:
    repository.write_rows(answers([True] * 3))
    repository.write_file(RULE)
    code, printed = repository.command("run", "evals.toml", "--out", ".")
    assert code == 2
    assert "holds other files, and none is overwritten" in printed
    assert not (repository.folder / "results.json").exists()


WRONG = {
    "no file": (None, "There is no file"),
    "not TOML": ("type: classify", "is not valid TOML at line 1"),
    "no data": (RULE.replace("answers.jsonl", "answer.jsonl"), "Did you mean 'answers.jsonl'?"),
    "no `data`": (RULE.partition("\n")[2], "`data` is missing"),
    "outside": (RULE.replace("answers.jsonl", "../answers.jsonl"), "lies outside the folder"),
    "below a section": ("[[metrics]]\n" + RULE, "`data` stands below [metrics]"),
    "a baseline": ('baseline = "x"\n' + RULE, "give it to the command"),
    "misspelt": (RULE.replace("pass_labels", "passlabels"), "did you mean `pass_labels`"),
    "misspelt limit": ("max_dollars = 3\n" + RULE, "did you mean `max_usd`"),
    "an argument of a call": ("dry_run = true\n" + RULE, "not an argument of evals.toml"),
    "an id": ('input_data_file_path = "file-1"\n' + RULE, "give `data`"),
    "a wrong column": (RULE.replace('"answer"', '"answr"'), "did you mean 'answer'"),
    "a wrong variable": (RULE.replace("{{expected}}", "{{expcted}}"), "expected"),
    "a misspelt rule of the gate": (RULE + "[gate]\nmargn = 3\n", "did you mean `margin`"),
    "rules for no metric": (RULE + "[gate.metrics.x]\nmargin = 3\n", "not a metric of the file"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_said_in_one_sentence_and_exits_with_2(
    repository: Repository, case: str
) -> None:
    text, expected = WRONG[case]
    repository.write_rows(answers([True] * 3))
    if text is not None:
        repository.write_file(text)
    code, printed = repository.command("run", "evals.toml")
    assert code == 2
    assert expected.casefold() in printed.casefold()
    assert repository.results()["outcome"] == "could_not_run"
    repository.check_junit()


def test_a_mistake_of_the_program_is_no_regression(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("evals_mcp.repository_runs.judging.upload_dataset", broken)
    repository.write_rows(answers([True] * 3))
    repository.write_file(RULE)
    code, printed = repository.command("run", "evals.toml")
    assert (code, "a mistake in evals-mcp" in printed) == (2, True)


def test_texts_of_others_are_neither_commands_nor_markup(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    hostile = "x\n::error::<b>\x1b[31m|[a](http://b.c)\x00"
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    repository.write_rows(
        {"expected": "z", "answer": f"{hostile} {n}", "::set-env": hostile} for n in range(3)
    )
    name = json.dumps("::add-mask::\n::error::<script>| x")
    repository.write_file(RULE.replace('"sums"', name).replace("right", "::warning::r"))

    code, printed = repository.command("run", "evals.toml")

    assert code == 0, printed
    commands = [line for line in printed.splitlines() if line.lstrip().startswith("::")]
    assert len(commands) == 1
    assert commands[0].startswith("::notice title=")
    repository.check_junit()
    summary = (repository.folder / "evals-results" / "summary.md").read_text()
    assert "\\<script\\>\\|" in summary


def test_money_is_spent_only_within_the_consent_of_the_file(repository: Repository) -> None:
    repository.write_rows(answers([True] * 3))
    model = RULE.replace("rule/contains", "judge").replace(
        "[judge]", '[judge]\nmodel_source = "external"\nexternal_credential = "vendor"'
    )
    repository.write_file(model)
    config = repository.folder / "config.toml"
    config.write_text('[credentials.vendor]\nbase_url = "https://models.invalid/v1"\n')
    arguments = ("--config", str(config), "run", "evals.toml")

    code, printed = repository.command(*arguments)
    assert code == 2
    assert "The price of 3 calls is unknown" in printed
    assert "max_calls = 3" in printed

    repository.write_file("max_calls = 2\n" + model)
    code, printed = repository.command(*arguments)
    assert code == 2
    assert "`max_calls` is 2" in printed
