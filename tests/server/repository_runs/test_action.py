"""The action of GitHub: its script makes a baseline on one branch and compares on others."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from tests.server.repository_runs.repository import RULE, Repository, answers

ACTION = Path(__file__).parents[3] / "action.yml"
_yaml: Any = import_module("yaml")


def _script() -> str:
    (step,) = [
        each
        for each in _yaml.safe_load(ACTION.read_text())["runs"]["steps"]
        if each.get("id") == "evals"
    ]
    return step["run"]


def _run(repository: Repository, makes_baseline: bool) -> tuple[int, dict[str, str]]:
    """The exit code of the step that judges, and its outputs."""
    output = repository.folder / "output"
    output.unlink(missing_ok=True)
    temporary = repository.folder.parent / "runner"
    programs = temporary / "evals-mcp" / "bin"
    if not programs.exists():
        programs.mkdir(parents=True)
        command = f'#!/bin/sh\nexec "{sys.executable}" -m evals_mcp.cli "$@"\n'
        (programs / "evals-mcp").write_text(command)
        (programs / "evals-mcp").chmod(0o700)
        (programs / "python").symlink_to(sys.executable)
    variables = {
        "RUNNER_TEMP": str(temporary),
        "GITHUB_OUTPUT": str(output),
        "FILE": "evals.toml",
        "OUT": "evals-results",
        "BASELINE": "",
        "MAKES_BASELINE": str(makes_baseline).lower(),
        "HOME": str(temporary),
    }
    ended = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", _script()],
        cwd=repository.folder,
        env=dict(os.environ) | variables,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    lines = output.read_text().splitlines()
    return ended.returncode, dict(line.split("=", 1) for line in lines)


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_the_default_branch_makes_the_baseline_that_a_pull_request_is_compared_with(
    repository: Repository,
) -> None:
    repository.write_file(RULE + "[gate]\nmargin = 10\n")
    repository.write_rows(answers([True] * 40))
    code, outputs = _run(repository, makes_baseline=False)
    assert (code, outputs["outcome"]) == (2, "could_not_run")

    code, outputs = _run(repository, makes_baseline=True)
    assert (code, outputs["outcome"], outputs["keep"]) == (0, "completed", "true")

    repository.write_rows(answers([number > 14 for number in range(40)]))
    code, outputs = _run(repository, makes_baseline=False)
    assert (code, outputs["outcome"]) == (1, "regressed")
    assert "keep" not in outputs
