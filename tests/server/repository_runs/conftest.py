"""A repository in a folder of its own, with the embedded engine as its service."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.server.repository_runs.repository import PATHS, Repository


@pytest.fixture
def repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Repository:
    folder = tmp_path / "repository"
    folder.mkdir()
    for name, part in PATHS.items():
        monkeypatch.setenv(f"EVALS_MCP_{name}", str(tmp_path / part))
    monkeypatch.setenv("EVALS_MCP_SERVER__PROVIDER", "local")
    for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "GITHUB_SHA", "CI_COMMIT_SHA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(folder)
    return Repository(folder, capsys)
