from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from evals_mcp.cli import main


def run(folder: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith("EVALS_")}
    return subprocess.run(
        [sys.executable, "-m", "evals_mcp.cli", *arguments],
        check=False,
        capture_output=True,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
        env={**own, "EVALS_MCP_LOCAL__DATA_DIR": str(folder / "engine"), **environ},
        cwd=folder,
        timeout=30,
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


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_version_and_help_are_printed(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([option])

    assert ended.value.code == 0
    assert capsys.readouterr().out


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
            with urllib.request.urlopen(f"{url}/models", timeout=10) as answer:
                assert answer.status == 200
            process.send_signal(ending)
            rest, errors = process.communicate(timeout=20)
        finally:
            process.kill()
    assert (process.returncode, rest, errors) == (0, "", "")
