"""The action of GitHub and the job of GitLab, run as a runner would run them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from tests.server.repository_runs.forge_runner import ACTION, Job, Runner, action
from tests.server.repository_runs.repository import RULE, Repository, answers

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")

GUIDE = ACTION.parent / "docs" / "guides" / "guard-a-repository.md"
GATE = RULE + "[gate]\nmargin = 10\n"
MAIN: dict[str, Any] = {"event_name": "push", "ref_name": "main"}
_yaml: Any = import_module("yaml")


@pytest.fixture
def runner(repository: Repository) -> Runner:
    return Runner(repository.folder, repository.folder.parent)


def _outputs(job: Job) -> dict[str, str]:
    return job.steps["evals"]["outputs"]


def test_the_default_branch_makes_the_baseline_that_a_pull_request_is_compared_with(
    repository: Repository, runner: Runner
) -> None:
    repository.write_file(GATE)
    repository.write_rows(answers([True] * 40))
    first = runner.job()
    assert (first.code, _outputs(first)["outcome"]) == (2, "could_not_run")
    assert "::error title=Evaluation could_not_run::" in first.printed

    made = runner.job(**MAIN)
    assert (made.code, _outputs(made)["outcome"]) == (0, "completed")
    assert _outputs(made)["keep"] == "true"

    same = runner.job()
    assert (same.code, _outputs(same)["outcome"]) == (0, "passed")
    assert "keep" not in _outputs(same)
    assert "Pass: every answer is the same" in same.summary

    repository.write_rows(answers([number > 14 for number in range(40)]))
    worse = runner.job()
    assert (worse.code, _outputs(worse)["outcome"]) == (1, "regressed")
    assert "::error title=Evaluation regressed::" in worse.printed
    assert Path(repository.folder, _outputs(worse)["results"]).exists()


def test_an_unclear_change_is_red_only_if_the_file_says_so(
    repository: Repository, runner: Runner
) -> None:
    repository.write_file(GATE)
    repository.write_rows(answers([True] * 40))
    runner.job(**MAIN)
    repository.write_rows(answers([number > 2 for number in range(40)]))

    warned = runner.job()
    repository.write_file(GATE + 'unclear = "fail"\n')
    failed = runner.job()

    assert (warned.code, _outputs(warned)["outcome"]) == (0, "not_enough_evidence")
    assert "::warning title=Evaluation not_enough_evidence::" in warned.printed
    assert (failed.code, _outputs(failed)["outcome"]) == (3, "not_enough_evidence")


def test_a_baseline_in_the_commit_is_not_believed(repository: Repository, runner: Runner) -> None:
    repository.write_file(GATE)
    repository.write_rows(answers([False] * 40))
    runner.job(**MAIN)
    assert (repository.folder / ".evals-baseline" / "results.json").exists()
    shutil.rmtree(runner.home / "cache")

    job = runner.job()

    assert (job.code, _outputs(job)["outcome"]) == (2, "could_not_run")


def test_results_in_the_commit_do_not_speak_for_a_gate_that_could_not_run(
    repository: Repository, runner: Runner
) -> None:
    repository.write_file("no toml")
    out = repository.folder / "evals-results"
    out.mkdir()
    (out / "results.json").write_text('{"outcome": "passed\\nkeep=true"}')

    job = runner.job()

    assert job.code == 2
    assert _outputs(job) == {"outcome": "could_not_run", "results": "evals-results/results.json"}


@pytest.mark.parametrize("name", ["file", "out", "baseline"])
@pytest.mark.parametrize(
    "value", ['"; touch pwned; "', "$(touch pwned)", "`touch pwned`", "x\noutcome=passed"]
)
def test_a_hostile_input_is_a_text_and_no_code(
    repository: Repository, runner: Runner, name: str, value: str
) -> None:
    job = runner.job({name: value})

    assert job.code == 2
    assert not (repository.folder / "pwned").exists()
    assert _outputs(job).get("outcome") in {None, "could_not_run"}


def test_scripts_have_no_expressions_and_every_output_has_a_step() -> None:
    loaded = action()
    steps = loaded["runs"]["steps"]
    ids = {step.get("id") for step in steps}
    for step in steps:
        assert "${{" not in step.get("run", "")
        assert "run" not in step or step["shell"] == "bash"
    for output in loaded["outputs"].values():
        assert re.search(r"steps\.(\w+)\.outputs", output["value"])[1] in ids  # pyright: ignore[reportOptionalSubscript]
    names = set(re.findall(r"inputs\.([\w-]+)", ACTION.read_text()))
    assert names == loaded["inputs"].keys()


def _gitlab(repository: Repository, branch: str) -> tuple[int, str]:
    """Run the job of the guide, as a runner of GitLab does: script, then after_script."""
    text = GUIDE.read_text().split("## On GitLab")[1].split("```yaml\n")[1].split("```")[0]
    job = _yaml.safe_load(text)["evals"]
    programs = repository.folder.parent / "bin"
    programs.mkdir(exist_ok=True)
    command = f'#!/bin/sh\nexec "{sys.executable}" -m evals_mcp.cli "$@"\n'
    for name, script in {"evals-mcp": command, "pip": "#!/bin/sh\n"}.items():
        (programs / name).write_text(script)
        (programs / name).chmod(0o700)
    variables = {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "CI_COMMIT_BRANCH": branch,
        "CI_DEFAULT_BRANCH": "main",
        "CI_COMMIT_SHA": "abc123",
    }

    def run(lines: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-eo", "pipefail", "-c", "\n".join(lines)],
            cwd=repository.folder,
            env=dict(os.environ) | variables,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    ended = run(job["script"])
    run(job["after_script"])
    assert set(job["artifacts"]["paths"]) == {"evals-now"}
    return ended.returncode, ended.stdout + ended.stderr


def test_the_job_of_gitlab_keeps_a_baseline_and_fails_what_became_worse(
    repository: Repository,
) -> None:
    repository.write_file(GATE)
    repository.write_rows(answers([True] * 40))

    assert _gitlab(repository, "change")[0] == 2
    assert _gitlab(repository, "main")[0] == 0
    assert (repository.folder / "evals-baseline" / "results.json").exists()
    assert _gitlab(repository, "change")[0] == 0
    repository.write_rows(answers([number > 14 for number in range(40)]))
    code, printed = _gitlab(repository, "change")

    assert code == 1, printed
    assert (repository.folder / "evals-now" / "junit.xml").exists()
