from __future__ import annotations

import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import tomllib
import urllib.request
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from evals_mcp.cli import main
from evals_mcp.errors import SettingsError
from evals_mcp.local_engine.standalone import EngineService
from evals_mcp.principals import LOCAL
from evals_mcp.services import SERVICES
from evals_mcp.settings.loading import load_settings
from evals_mcp.state.kinds import STARTED
from evals_mcp.state.records import State


def run(folder: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith("EVALS_")}
    return subprocess.run(
        [sys.executable, "-m", "evals_mcp.cli", *arguments],
        check=False,
        capture_output=True,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
        env={
            **own,
            "EVALS_MCP_LOCAL__DATA_DIR": str(folder / "engine"),
            "EVALS_MCP_STATE__FOLDER": str(folder / "state"),
            **environ,
        },
        cwd=folder,
        timeout=60,
    )


@pytest.mark.parametrize("command", [(), ("serve",), ("engine",)])
def test_a_wrong_setting_is_one_message_and_exit_code_2(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    done = run(tmp_path, *command, EVALS_MCP_SERVER__PROVIDER="nowhere")

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("evals-mcp: environment variable EVALS_MCP_SERVER__PROVIDER")
    assert "Traceback" not in done.stderr


def test_a_missing_configuration_file_is_named(tmp_path: Path) -> None:
    done = run(tmp_path, "--config", "none.toml", "serve")

    assert (done.returncode, done.stdout) == (2, "")
    assert "none.toml" in done.stderr


def test_an_engine_open_to_the_network_wants_a_token(tmp_path: Path) -> None:
    done = run(tmp_path, "engine", "--host", "0.0.0.0", "--port", "0", EVALS_ENGINE_TOKEN="")

    assert (done.returncode, done.stdout) == (2, "")
    assert "EVALS_ENGINE_TOKEN" in done.stderr


def test_a_port_in_use_is_a_setting_to_change(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = run(tmp_path, "engine", "--port", str(taken.getsockname()[1]))

    assert (done.returncode, done.stdout) == (2, "")
    assert "engine.port" in done.stderr


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("--port", "99999"), "--port must be from 0 to 65535"),
        (("--port", "-1"), "--port must be from 0 to 65535"),
        (("--host", "a..localhost"), "cannot listen there"),
    ],
)
def test_an_address_that_cannot_be_is_one_line_and_exit_code_2(
    tmp_path: Path, options: tuple[str, str], problem: str
) -> None:
    done = run(tmp_path, "engine", *options)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("evals-mcp: ")
    assert problem in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_data_folder_of_a_newer_version_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    written_by_newer_version(tmp_path / "engine")

    done = run(tmp_path, "engine", "--port", "0")

    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(r"evals-mcp: .* newer version .*\n", done.stderr)


@pytest.mark.parametrize("folder", ["file", "file/below"])
def test_a_file_in_the_place_of_the_data_folder_is_told_as_such(
    tmp_path: Path, folder: str
) -> None:
    (tmp_path / "file").touch()

    done = run(tmp_path, "engine", EVALS_MCP_LOCAL__DATA_DIR=str(tmp_path / folder))

    assert (done.returncode, done.stdout) == (2, "")
    assert "local.data_dir must be a folder; the path, or a folder above" in done.stderr


def test_an_engine_that_does_not_start_after_all_is_an_error(tmp_path: Path) -> None:
    settings = load_settings(None, {"EVALS_MCP_LOCAL__DATA_DIR": str(tmp_path)}, tmp_path, SERVICES)
    service = EngineService(settings, "127.0.0.1", 0)
    written_by_newer_version(tmp_path)

    with pytest.raises(SettingsError, match="did not start"):
        service.run(lambda url: pytest.fail(f"started on {url}"))


def written_by_newer_version(data_dir: Path) -> None:
    data_dir.mkdir(exist_ok=True)
    with closing(sqlite3.connect(data_dir / "evals.sqlite3")) as database:
        database.execute("PRAGMA user_version = 999")


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_version_and_help_are_printed(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([option])

    assert ended.value.code == 0
    assert capsys.readouterr().out


def test_the_help_has_examples_files_and_the_addresses_of_the_project(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    said = capsys.readouterr().out

    assert "\n  evals-mcp install  " in said
    assert "config.toml\n" in said
    project = tomllib.loads(Path(__file__).parents[2].joinpath("pyproject.toml").read_text())
    addresses = project["project"].get("urls", {})
    assert all(address in said for address in addresses.values())
    assert ("\naddresses:" in said) == bool(addresses)


@pytest.mark.skipif(sys.platform == "win32", reason="a console event there, not a signal")
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_the_engine_prints_where_it_is_answers_and_stops_on_a_signal(
    tmp_path: Path, ending: signal.Signals
) -> None:
    environ = {**os.environ, "EVALS_MCP_LOCAL__DATA_DIR": str(tmp_path / "engine")}
    command = [sys.executable, "-m", "evals_mcp.cli", "engine", "--port", "0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", env=environ
    ) as process:
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            url = line.removeprefix("evals-mcp engine on ").strip()
            assert line == f"evals-mcp engine on {url}\n"
            with urllib.request.urlopen(f"{url}/models", timeout=60) as answer:
                assert answer.status == 200
            process.send_signal(ending)
            rest, errors = process.communicate(timeout=60)
        finally:
            process.kill()
    assert (process.returncode, rest, errors) == (0, "", "")


def test_a_reader_that_has_enough_of_the_tools_sees_no_traceback(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "evals_mcp.cli", "tools"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
    ) as command:
        assert command.stdout is not None
        assert command.stderr is not None
        command.stdout.close()
        assert command.stderr.read() == b""
        assert command.wait(30) == 0


def _with_records(folder: Path) -> State:
    state = State(folder / "state", 10_000, lambda: datetime(2026, 11, 20, 12, 0, tzinfo=UTC))
    state.of("local").put(STARTED, "one", [{"id": "eval-1"}])
    state.of("https://issuer.example\nalice").put(STARTED, "two", [{"id": "eval-2"}])
    return state


def test_the_operator_lists_who_has_records(tmp_path: Path) -> None:
    _with_records(tmp_path)
    done = run(tmp_path, "data", "list")
    assert done.returncode == 0, done.stderr
    alice, local = done.stdout.splitlines()
    assert local == f"{LOCAL.label}  1 records  20 bytes  2026-11-20T12:00:00+00:00  " + '"local"'
    assert alice.endswith(r'"https://issuer.example\nalice"')


def test_a_list_of_a_fresh_home_is_empty_and_makes_nothing(tmp_path: Path) -> None:
    done = run(tmp_path, "data", "list")
    assert (done.returncode, done.stdout) == (0, "")
    assert not (tmp_path / "state").exists()


def test_the_operator_exports_and_deletes_the_records_of_one_principal(tmp_path: Path) -> None:
    state = _with_records(tmp_path)
    exported = run(tmp_path, "data", "export", LOCAL.label)
    assert json.loads(exported.stdout) == {
        "kind": "started",
        "name": "one",
        "value": [{"id": "eval-1"}],
        "created_at": "2026-11-20T12:00:00+00:00",
        "updated_at": "2026-11-20T12:00:00+00:00",
    }
    deleted = run(tmp_path, "data", "delete", "local")
    assert (deleted.returncode, deleted.stdout) == (0, "1 records deleted\n")
    assert [each.principal_id for each in state.principals()] == ["https://issuer.example\nalice"]


@pytest.mark.parametrize("action", ["export", "delete"])
def test_a_principal_without_records_is_named_with_the_next_step(
    tmp_path: Path, action: str
) -> None:
    _with_records(tmp_path)
    done = run(tmp_path, "data", action, "bob")
    assert (done.returncode, done.stdout) == (2, "")
    assert "no records of this principal; `evals-mcp data list` prints" in done.stderr
