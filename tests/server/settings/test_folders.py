"""A folder that cannot be written to is named before anybody is served."""

from __future__ import annotations

from pathlib import Path

import pytest

from evals_mcp.errors import SettingsError
from evals_mcp.http.serve import HttpService
from evals_mcp.services import SERVICES
from evals_mcp.settings.folders import check_folders, unwritable, written_folders
from evals_mcp.settings.loading import load_settings

CLOSED = Path("/proc")
"""A folder in which nobody can write, the superuser included."""

needs_closed = pytest.mark.skipif(not CLOSED.is_dir(), reason="this system has no such folder")

VARIABLES = {
    "state.folder": "STATE__FOLDER",
    "export.folder": "EXPORT__FOLDER",
    "results.cache_dir": "RESULTS__CACHE_DIR",
    "budget.key_file": "BUDGET__KEY_FILE",
    "local.data_dir": "LOCAL__DATA_DIR",
}


def environment(folder: Path) -> dict[str, str]:
    return {f"EVALS_MCP_{name}": str(folder / name / "x") for name in VARIABLES.values()}


@needs_closed
@pytest.mark.parametrize("setting", VARIABLES)
def test_a_server_over_http_does_not_start_and_says_which_setting_to_change(
    setting: str, tmp_path: Path
) -> None:
    changed = {f"EVALS_MCP_{VARIABLES[setting]}": str(CLOSED / "own" / "x")}
    settings = load_settings(None, environment(tmp_path) | changed, tmp_path, SERVICES)

    with pytest.raises(SettingsError, match=rf"{setting} needs .* cannot write to {CLOSED}:"):
        HttpService(settings, "0.0", "127.0.0.1", 0)


@needs_closed
def test_a_folder_of_a_service_that_is_not_in_use_may_be_closed(tmp_path: Path) -> None:
    changed = {"EVALS_MCP_LOCAL__DATA_DIR": str(CLOSED / "own")}
    settings = load_settings(None, environment(tmp_path) | changed, tmp_path, SERVICES)

    check_folders(settings, ["together"])


def test_folders_that_do_not_exist_yet_are_not_made(tmp_path: Path) -> None:
    settings = load_settings(None, environment(tmp_path), tmp_path, SERVICES)

    check_folders(settings, ["local"])

    assert set(written_folders(settings, ["local"])) == set(VARIABLES)
    assert list(tmp_path.iterdir()) == []
    assert unwritable(tmp_path / "missing" / "deeper") is None
