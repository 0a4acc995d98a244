"""A repository in a folder of its own, with the embedded engine as its service."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.server.commands.home import variables_of
from tests.server.repository_runs.repository import Repository


@pytest.fixture
def repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Repository:
    folder = tmp_path / "repository"
    folder.mkdir()
    for name, value in variables_of(tmp_path).items():
        monkeypatch.setenv(name, value)
    for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "GITHUB_SHA", "CI_COMMIT_SHA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(folder)
    return Repository(folder, capsys)
