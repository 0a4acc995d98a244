"""`evals-mcp doctor`: each check says what it has found and how to mend it."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from evals_mcp.cli import main
from evals_mcp.commands.doctor import DoctorOptions, run_doctor
from evals_mcp.installing.locations import Machine
from tests.server.diagnosis.model_servers import OLLAMA, model_program

KEY = "tgp_v1_planted-0123456789"
PROGRAM = str(Path(sys.executable).with_name("evals-mcp"))


class Paper:
    """A console that keeps what is said."""

    can_ask = False

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, text: str = "") -> None:
        self.lines.append(text)

    def ask(self, question: str, default: str) -> str:
        raise AssertionError(question)

    def ask_hidden(self, question: str) -> str:
        raise AssertionError(question)


class Report:
    """One run of the checks."""

    def __init__(self, code: int, lines: list[str]) -> None:
        self.code = code
        self.text = "\n".join(lines)

    def line(self, subject: str) -> str:
        """Return the line about a subject, with its remedy."""
        lines = self.text.splitlines()
        number = next(i for i, line in enumerate(lines) if line[6:].startswith(f"{subject} "))
        mend = lines[number + 1].strip() if "mend:" in lines[number + 1] else ""
        return f"{' '.join(lines[number].split())} {mend}".strip()


def examined(
    home: Path,
    environ: Mapping[str, str] | None = None,
    ports: Mapping[int, str] | None = None,
    *,
    judge_row: bool = False,
    online: bool = False,
    config: Path | None = None,
) -> Report:
    for name in ("work", "bin"):
        (home / name).mkdir(exist_ok=True)
    variables = {"HOME": str(home), "PATH": str(home / "bin"), **(environ or {})}
    counted = {name: os.environ[name] for name in os.environ if name.startswith("COVERAGE_")}
    paper = Paper()
    options = DoctorOptions(
        config, online=online, judge_row=judge_row, ports=ports or {9: "nothing"}
    )
    machine = Machine(home, home / "work", counted | variables)
    return Report(run_doctor(options, machine, "0.1.0", paper), paper.lines)


def put(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for kind in ("CONFIG", "DATA", "CACHE", "STATE"):
        monkeypatch.delenv(f"XDG_{kind}_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def test_a_fresh_installation_is_well_but_for_a_client(home: Path) -> None:
    report = examined(home, judge_row=True)

    assert report.code == 0
    assert report.line("settings").startswith("ok settings defaults; no file ")
    assert "writable, empty" in report.line("data folder")
    assert report.line("files").endswith("from the folder that the client starts the server in")
    assert report.line("rule judges").startswith("ok rule judges one row judged in ")
    assert report.line("model judges").startswith("note model judges no endpoint set")
    assert report.line("together") == "skip together no key (TOGETHER_API_KEY)"
    assert report.line("clients").endswith("mend: evals-mcp install claude-code")
    assert report.text.endswith("8 checked: 1 warning")
    assert not list(home.rglob("*.sqlite3"))


def test_faulty_settings_are_named_with_what_to_change_and_exit_code_2(home: Path) -> None:
    report = examined(home, {"EVALS_MCP_SERVER__PROVIDER": "nowhere"})
    assert report.code == 2
    assert report.line("settings").startswith("fail settings environment variable EVALS_MCP_")
    assert report.line("settings").endswith("mend: unset EVALS_MCP_SERVER__PROVIDER")

    put(home / ".config/evals-mcp/config.toml", "[server\n")
    report = examined(home)
    assert report.code == 2
    assert report.line("settings").endswith(
        "mend: ${EDITOR:-vi} " + str(home / ".config/evals-mcp/config.toml")
    )

    report = examined(home, config=home / "none.toml")
    assert report.code == 2
    assert report.line("settings").startswith("fail settings --config: no file ")
    assert report.line("settings").endswith("mend: evals-mcp doctor")


def test_a_client_that_fails_for_the_settings_has_their_remedy(home: Path) -> None:
    put(home / ".gemini/settings.json", {"mcpServers": {"evals": {"command": PROGRAM}}})

    report = examined(home, {"EVALS_MCP_SERVER__PROVIDER": "nowhere"})

    assert report.line("gemini-cli").startswith("fail gemini-cli the server does not start: ")
    assert report.line("gemini-cli").endswith("mend: unset EVALS_MCP_SERVER__PROVIDER")


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="no folder that root cannot write")
def test_a_folder_that_cannot_be_written_fails(home: Path) -> None:
    report = examined(home, {"EVALS_MCP_LOCAL__DATA_DIR": "/proc/engine"})

    assert report.code == 1
    assert report.line("data folder") == (
        "fail data folder /proc/engine cannot be written mend: chmod u+rwx /proc"
    )


def test_a_missing_folder_of_files_is_a_warning(home: Path) -> None:
    report = examined(home, {"EVALS_MCP_DATASETS__ALLOWED_FOLDERS": str(home / "none")})

    assert report.line("files").startswith("warn files ")
    assert report.line("files").endswith(f"mend: mkdir -p {home / 'none'}")


def test_models_on_this_machine_are_a_hint_until_they_are_used(home: Path) -> None:
    with model_program(OLLAMA) as ollama:
        ports = {ollama.port: "Ollama"}
        url = f"http://127.0.0.1:{ollama.port}/v1"
        hint = examined(home, ports=ports).line("model judges")
        used = examined(home, {"EVALS_MCP_LOCAL__MODELS__BASE_URL": url}).line("model judges")
    gone = examined(home, {"EVALS_MCP_LOCAL__MODELS__BASE_URL": url})

    assert hint == (
        f"warn model judges none set; Ollama answers on {url} with 1 model mend: evals-mcp setup"
    )
    assert used == f"ok model judges {url} answers with 1 model"
    assert gone.code == 1
    assert gone.line("model judges").startswith(f"fail model judges {url} does not answer")


def test_a_key_is_shown_by_its_end_and_its_source(home: Path) -> None:
    token = home / "together.token"
    token.write_text(f"{KEY}\n")
    token.chmod(0o600)

    by_variable = examined(home, {"TOGETHER_API_KEY": KEY})
    by_file = examined(home, {"EVALS_MCP_TOGETHER__TOKEN_FILE": str(token)})

    assert "ok together key …6789 from TOGETHER_API_KEY" in by_variable.line("together")
    assert f"ok together key …6789 from {token}" in by_file.line("together")
    assert KEY not in by_variable.text + by_file.text


def test_a_client_without_an_entry_and_one_with_another_are_told_apart(home: Path) -> None:
    (home / ".codex").mkdir()
    put(home / ".cursor/mcp.json", {"mcpServers": {"evals": {"command": "npx"}}})
    put(home / ".kiro/settings/mcp.json", '{"mcpServers": [')
    put(home / ".claude.json", {"mcpServers": {"evals": {"url": "https://evals.example/mcp"}}})

    report = examined(home)

    assert report.code == 1
    assert report.line("codex").endswith("mend: evals-mcp install codex")
    assert report.line("cursor").startswith("fail cursor its entry `evals` starts something else")
    assert report.line("cursor").endswith("mend: evals-mcp install cursor --force")
    assert report.line("kiro").startswith("fail kiro its file cannot be used: line 1")
    assert report.line("claude-code").startswith("ok claude-code uses the server at https://evals.")


def test_a_key_that_does_not_reach_a_client_is_a_failure_until_install_mends_it(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    put(home / ".codex/config.toml", f'[mcp_servers.evals]\ncommand = "{PROGRAM}"\n')
    put(home / ".gemini/settings.json", {"mcpServers": {"evals": {"command": PROGRAM}}})
    environ = {"TOGETHER_API_KEY": KEY, "EVALS_MCP_SERVER__READ_ONLY": "true"}

    before = examined(home, environ)
    assert before.code == 1
    assert before.line("codex") == (
        "fail codex EVALS_MCP_SERVER__READ_ONLY, TOGETHER_API_KEY does not reach the server "
        "mend: evals-mcp install codex"
    )
    assert before.line("gemini-cli").startswith("fail gemini-cli TOGETHER_API_KEY does not reach")

    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "argv", [PROGRAM])
    assert main(["install", "codex", "gemini-cli", "--no-check"]) == 0
    after = examined(home, environ)

    assert after.code == 0
    assert after.line("codex").startswith("ok codex entry found, answers in ")
    assert after.line("gemini-cli").startswith("ok gemini-cli entry found, answers in ")
    assert KEY not in before.text + after.text + capsys.readouterr().out


def test_lines_to_paste_name_the_command_by_its_path_if_it_is_not_on_the_path(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / ".codex").mkdir()
    monkeypatch.chdir(home)
    monkeypatch.setattr(sys, "argv", [PROGRAM])
    monkeypatch.setenv("PATH", str(home / "bin"))
    main(["doctor"])
    assert f"      mend: {PROGRAM} install codex\n" in capsys.readouterr().out

    monkeypatch.setenv("PATH", str(Path(PROGRAM).parent))
    main(["doctor"])
    assert "      mend: evals-mcp install codex\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("rules", "is_trusted"),
    [
        ({}, False),
        ({"{home}": "TRUST_FOLDER"}, True),
        ({"{home}/other": "TRUST_PARENT"}, True),
        ({"{home}/work": "DO_NOT_TRUST"}, False),
        ({"{home}/work/below": "TRUST_FOLDER"}, False),
    ],
)
def test_a_folder_that_gemini_cli_does_not_trust_is_noted(
    home: Path, rules: dict[str, str], is_trusted: bool
) -> None:
    trusted = {path.replace("{home}", str(home)): rule for path, rule in rules.items()}
    put(home / ".gemini/trustedFolders.json", trusted)

    assert ("is not trusted: no server starts" in examined(home).text) != is_trusted


def test_a_desktop_application_without_a_data_folder_or_key_is_a_warning(home: Path) -> None:
    put(
        home / ".config/Claude/claude_desktop_config.json",
        {"mcpServers": {"evals": {"command": PROGRAM}}},
    )

    report = examined(home)
    assert report.code == 0
    assert report.line("claude-desktop").startswith("warn claude-desktop files: ")
    assert report.line("claude-desktop").endswith("install claude-desktop --data-folder ~/evals")

    report = examined(home, {"TOGETHER_API_KEY": KEY})
    assert report.line("claude-desktop").startswith("warn claude-desktop TOGETHER_API_KEY does not")


def test_a_server_that_does_not_start_is_a_failure(home: Path) -> None:
    put(home / ".codex/config.toml", '[mcp_servers.evals]\ncommand = "/gone/evals-mcp"\n')

    report = examined(home)

    assert report.code == 1
    assert "the server does not start: the program cannot be started" in report.line("codex")
    assert report.line("codex").endswith("mend: evals-mcp install codex")


def test_the_report_is_json_for_programs(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(home / "bin"))
    monkeypatch.chdir(home)

    assert main(["doctor", "--json"]) == 0

    report = json.loads(capsys.readouterr().out)
    subjects = [finding["subject"] for finding in report["findings"]]
    assert subjects[:4] == ["settings", "data folder", "files", "rule judges"]
    assert {"state", "subject", "text", "mend"} == set(report["findings"][0])
    for finding in report["findings"]:
        assert (finding["mend"] is not None) == (finding["state"] in {"warn", "fail"})


@pytest.mark.parametrize(("status", "state"), [(200, "ok"), (401, "fail")])
def test_a_key_is_tried_at_its_service_only_if_wanted(home: Path, status: int, state: str) -> None:
    answers: dict[str, Any] = {"/v1/files": {"object": "list", "data": []}} if status == 200 else {}
    with model_program(answers, refusal=status) as service:
        url = f"http://127.0.0.1:{service.port}/v1"
        environ = {"TOGETHER_API_KEY": KEY, "EVALS_MCP_TOGETHER__BASE_URL": url}
        examined(home, environ)
        assert service.requests == []
        report = examined(home, environ, online=True)

    assert report.code == (0 if state == "ok" else 1)
    assert report.line("together").startswith(f"{state} together key …6789 from TOGETHER_API_KEY")
    assert {method for method, _, _ in service.requests} == {"GET"}
    assert KEY not in report.text
