"""`evals-mcp install` in a home folder of its own."""

from __future__ import annotations

import json
import os
import re
import stat
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from evals_mcp.cli import main
from evals_mcp.commands.install import Installer, InstallOptions
from evals_mcp.commands.surroundings import surroundings
from evals_mcp.installing.clients import CLIENTS, Client
from evals_mcp.installing.locations import Machine

KEY = "tgp_v1_planted-0123456789"
WRITTEN = [client for client in CLIENTS if client.format != "yaml"]
FOLDERS = "EVALS_MCP_DATASETS__ALLOWED_FOLDERS"

HELD = {
    "json": '// mine\n{\n  "theme": "dark", // at night\n  "KEY": {\n'
    '    "other": {"command": "x"},\n  },\n}\n',
    "toml": '# mine\nmodel = "m" # the model\n\n[KEY.other]\ncommand = "x"\n\n[z]\nq = 1\n',
}
"""A file with another server in it."""


class Home:
    """A home folder with the command line in it."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.project = folder / "work"
        self.project.mkdir()
        self._capsys = capsys

    def run(self, *arguments: str) -> tuple[int, str]:
        """Return the exit code and everything that was printed."""
        code = main(["install", *arguments])
        printed = self._capsys.readouterr()
        return code, printed.out + printed.err

    def file(self, client: Client) -> Path:
        return Machine(self.folder, self.project, os.environ).user_file(client)

    def put(self, client: Client, text: str) -> Path:
        path = self.file(client)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def everything(self) -> dict[str, bytes]:
        """Return all files, not folders, with what they hold."""
        return {
            str(path.relative_to(self.folder)): path.read_bytes()
            for path in self.folder.rglob("*")
            if path.is_file()
        }


@pytest.fixture
def home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Home:
    for name in [
        name for name in os.environ if name.startswith(("XDG_", "EVALS_", "CODEX_", "COPILOT_"))
    ]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(sys, "argv", [str(Path(sys.executable).with_name("evals-mcp"))])
    home = Home(tmp_path, capsys)
    monkeypatch.chdir(home.project)
    return home


def named(name: str) -> Client:
    return next(client for client in CLIENTS if client.name == name)


def parsed(client: Client, text: str) -> dict[str, Any]:
    from evals_mcp.installing.texts import json_text  # noqa: PLC0415 - for files with comments

    return tomllib.loads(text) if client.format == "toml" else json_text.parse(text)


def entry(client: Client, text: str) -> Any:
    value: Any = parsed(client, text)
    for key in client.path:
        value = value[key]
    return value


@pytest.mark.parametrize("client", WRITTEN, ids=lambda client: client.name)
def test_a_client_is_set_up_again_and_removed_to_the_byte(home: Home, client: Client) -> None:
    held = HELD[client.format].replace("KEY", client.path[0])
    path = home.put(client, held)
    before = home.everything()

    code, said = home.run(client.name, "--no-check")
    assert (code, f"{client.name:15} set up: " in said) == (0, True), said
    text = path.read_text()
    others = parsed(client, text)
    written = entry(client, text)
    del others[client.path[0]]["evals"]
    assert others == parsed(client, held)
    program = Path(sys.executable).with_name("evals-mcp")
    assert str(program) in [written["command"], *written["command"]]

    assert home.run(client.name, "--no-check")[1].startswith(f"{client.name:15} already set up")
    assert path.read_text() == text

    assert home.run(client.name, "--remove")[0] == 0
    assert home.everything() == before


@pytest.mark.parametrize("client", WRITTEN, ids=lambda client: client.name)
def test_a_client_without_a_file_gets_one_and_loses_it_again(home: Home, client: Client) -> None:
    assert home.run(client.name, "--no-check", "--data-folder", "~/data")[0] == 0

    path = home.file(client)
    written = entry(client, path.read_text())
    variables = written.get("environment", written.get("env"))
    start = ["."] if client.starts_in_project else []
    assert json.loads(variables[FOLDERS]) == [*start, str(home.folder / "data")]
    assert (home.folder / "data").is_dir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600

    assert home.run(client.name, "--remove")[0] == 0
    assert home.everything() == {}


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
def test_no_key_of_the_shell_is_written_or_printed(
    home: Home, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOGETHER_API_KEY", KEY)
    monkeypatch.setenv("EVALS_MCP_NUGEN__TOKEN", KEY)
    before = home.put(client, "{}" if client.format == "json" else "")

    said = [
        home.run(client.name, "--no-check")[1],
        home.run(client.name, "--print")[1],
        home.run(client.name, "--force", "--no-check", "--http", "https://e/mcp", "--with-keys")[1],
    ]

    assert KEY not in "".join(said)
    assert KEY.encode() not in b"".join(home.everything().values())
    assert before.exists()


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        (
            "codex",
            {"env_vars": ["TOGETHER_API_KEY", "NUGEN_API_KEY", "EVALS_MCP_SERVER__PROVIDER"]},
        ),
        ("gemini-cli", {"env": {"TOGETHER_API_KEY": "$TOGETHER_API_KEY"}}),
        (
            "copilot-cli",
            {
                "env": {
                    "TOGETHER_API_KEY": "${TOGETHER_API_KEY}",
                    "EVALS_MCP_SERVER__PROVIDER": "${EVALS_MCP_SERVER__PROVIDER}",
                }
            },
        ),
        ("claude-code", {}),
    ],
)
def test_a_client_that_passes_no_keys_gets_references(
    home: Home, monkeypatch: pytest.MonkeyPatch, name: str, reference: dict[str, Any]
) -> None:
    monkeypatch.setenv("TOGETHER_API_KEY", KEY)
    monkeypatch.setenv("EVALS_MCP_SERVER__PROVIDER", "local")

    home.run(name, "--no-check")

    written = entry(named(name), home.file(named(name)).read_text())
    passed = {key: value for key, value in written.items() if key in {"env", "env_vars"}}
    assert passed == reference


def test_a_desktop_application_is_told_that_keys_do_not_reach_it(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOGETHER_API_KEY", KEY)

    code, said = home.run("claude-desktop", "--no-check")

    assert code == 0
    assert "TOGETHER_API_KEY of this shell does not reach Claude Desktop" in said
    assert "token_file" in said


@pytest.mark.parametrize(
    ("name", "server"),
    [
        ("claude-code", {"type": "http", "headers": {"X-Together-Api-Key": "${TOGETHER_API_KEY}"}}),
        ("cursor", {"headers": {"X-Together-Api-Key": "${env:TOGETHER_API_KEY}"}}),
        ("codex", {"env_http_headers": {"X-Together-Api-Key": "TOGETHER_API_KEY"}}),
        (
            "opencode",
            {"type": "remote", "headers": {"X-Together-Api-Key": "{env:TOGETHER_API_KEY}"}},
        ),
    ],
)
def test_a_server_over_http_is_named_with_references_to_keys(
    home: Home, monkeypatch: pytest.MonkeyPatch, name: str, server: dict[str, Any]
) -> None:
    monkeypatch.setenv("TOGETHER_API_KEY", KEY)

    assert home.run(name, "--http", "https://evals.example/mcp", "--with-keys")[0] == 0

    written = entry(named(name), home.file(named(name)).read_text())
    assert {**written, **server} == written
    assert written["url"] == "https://evals.example/mcp"
    assert home.run(name, "--remove")[0] == 0
    assert home.everything() == {}


def test_a_client_without_references_says_which_header_to_write(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOGETHER_API_KEY", KEY)

    code, said = home.run("zed", "--http", "https://evals.example/mcp", "--with-keys")

    assert code == 0
    assert "write X-Together-Api-Key under `headers` yourself" in said
    assert KEY not in said + home.file(named("zed")).read_text()


def test_from_a_command_to_an_address_and_back_nothing_remains_of_the_other(home: Home) -> None:
    client = named("gemini-cli")
    home.run(client.name, "--no-check")
    started = home.file(client).read_text()

    assert home.run(client.name, "--http", "https://evals.example/mcp")[0] == 0
    assert entry(client, home.file(client).read_text()) == {"httpUrl": "https://evals.example/mcp"}
    assert home.run(client.name, "--no-check", "--force")[0] == 0
    assert home.file(client).read_text() == started
    assert home.run(client.name, "--remove")[0] == 0
    assert home.everything() == {}


@pytest.mark.parametrize("name", ["claude-desktop", "junie"])
def test_a_client_that_takes_no_address_says_what_to_do(home: Home, name: str) -> None:
    code, said = home.run(name, "--http", "https://evals.example/mcp")

    assert code == 1
    assert "Settings" in said


@pytest.mark.parametrize("name", ["codex", "cursor"])
def test_a_broken_file_is_left_alone_and_the_block_is_printed(home: Home, name: str) -> None:
    home.put(named(name), '{"a": [')
    before = home.everything()

    code, said = home.run(name, "--no-check")

    assert code == 1
    assert "not written: " in said
    assert "evals-mcp" in said[said.index(":\n") :]
    assert home.everything() == before


def test_yaml_is_printed_for_pasting(home: Home) -> None:
    code, said = home.run("goose", "--no-check")

    assert code == 1
    assert '\nextensions:\n  evals:\n    enabled: true\n    type: "stdio"\n' in said
    assert '    env_keys: ["TOGETHER_API_KEY", "NUGEN_API_KEY"]\n' in said
    assert home.everything() == {}


def test_an_entry_that_starts_something_else_is_shown_and_stays(home: Home) -> None:
    client = named("cursor")
    foreign = {"mcpServers": {"evals": {"command": "npx", "env": {"SECRET": KEY}}}}
    path = home.put(client, json.dumps(foreign))

    code, said = home.run("cursor", "--no-check", "--yes")
    assert (code, json.loads(path.read_text())) == (1, foreign)
    assert '"command": "npx"' in said
    assert KEY not in said
    assert home.run("cursor", "--remove")[0] == 1
    assert json.loads(path.read_text()) == foreign

    assert home.run("cursor", "--no-check", "--force")[0] == 0
    assert entry(client, path.read_text())["command"].endswith("evals-mcp")


def test_an_older_installation_is_replaced_and_what_the_user_added_stays(home: Home) -> None:
    client = named("kiro")
    own = {"command": "/old/bin/evals-mcp", "env": {"EVALS_MCP_SERVER__READ_ONLY": "true"}, "x": 1}
    path = home.put(client, json.dumps({"mcpServers": {"evals": own}}))

    assert "updated" in home.run("kiro", "--no-check")[1]

    written = entry(client, path.read_text())
    assert written["command"] == str(Path(sys.executable).with_name("evals-mcp"))
    assert (written["env"], written["x"]) == (own["env"], 1)


def test_a_link_is_followed_and_the_mode_stays(home: Home) -> None:
    client = named("zed")
    real = home.folder / "dotfiles" / "zed.json"
    real.parent.mkdir()
    real.write_text("{}")
    real.chmod(0o640)
    link = home.file(client)
    link.parent.mkdir(parents=True)
    link.symlink_to(real)

    assert home.run("zed", "--no-check")[0] == 0

    assert link.is_symlink()
    assert "evals-mcp" in real.read_text()
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert [each.name for each in link.parent.iterdir()] == [link.name]


def test_a_file_is_backed_up_once_for_each_content(home: Home) -> None:
    client = named("cursor")
    path = home.put(client, '{"a": 1}')

    home.run("cursor", "--no-check")
    home.run("cursor", "--no-check", "--data-folder", "~/other")
    home.run("cursor", "--no-check", "--data-folder", "~/evals")
    home.run("cursor", "--no-check", "--data-folder", "~/other")

    backups = sorted(path.parent.glob("mcp.json.evals-mcp-*.bak"))
    contents = [backup.read_text() for backup in backups]
    assert len(set(contents)) == len(contents) == 3
    assert '{"a": 1}' in contents
    assert home.run("cursor", "--remove")[0] == 0
    assert [each.read_text() for each in path.parent.iterdir()] == ['{"a": 1}']


@pytest.mark.parametrize("options", [("--dry-run",), ("--print",)])
def test_a_preview_writes_nothing(home: Home, options: tuple[str, ...]) -> None:
    home.put(named("codex"), "")
    before = home.everything()

    code, said = home.run("codex", "cursor", *options)

    assert code == 0
    assert "~/.codex/config.toml" in said
    assert home.everything() == before
    assert not (home.folder / "evals").exists()


def test_all_clients_that_are_there_are_set_up(home: Home) -> None:
    home.put(named("codex"), "")
    (home.folder / ".cursor").mkdir()
    (home.folder / "bin").mkdir()
    program = home.folder / "bin" / "gemini"
    program.touch(mode=0o755)

    assert home.run("--all", "--no-check")[0] == 0

    files = {name for name in home.everything() if ".bak" not in name}
    assert files == {
        ".codex/config.toml",
        ".cursor/mcp.json",
        ".gemini/settings.json",
        "bin/gemini",
    }
    assert home.run("--remove", "--all")[0] == 0
    assert set(home.everything()) == {".codex/config.toml", "bin/gemini"}


def test_without_names_and_without_a_terminal_the_command_asks_for_names(home: Home) -> None:
    home.put(named("codex"), "")

    code, said = home.run()

    assert code == 2
    assert "name the clients, or write --all for those that are here: codex" in said


def test_nothing_that_could_be_set_up_is_an_error(home: Home) -> None:
    code, said = home.run("--all")

    assert code == 1
    assert "Name one: claude-code, " in said


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("emacs",), "emacs: no such client; it is one of claude-code"),
        (("codex", "--http", "evals.example"), "write the whole address"),
        (("codex", "--with-keys"), "--with-keys goes with --http"),
        (("codex", "--http", "http://e.example/mcp", "--with-keys"), "needs an https:// address"),
        (("codex", "--http", "https://e/mcp", "--with-keys"), "set TOGETHER_API_KEY or NUGEN"),
        (("codex", "--http", "https://e/mcp", "--data-folder", "x"), "--data-folder goes with"),
    ],
)
def test_a_wrong_command_line_is_one_line_and_exit_code_2(
    home: Home, arguments: tuple[str, ...], problem: str
) -> None:
    code, said = home.run(*arguments)

    assert code == 2
    assert problem in said
    assert home.everything() == {}


def test_a_project_has_a_file_of_its_own(home: Home) -> None:
    assert home.run("claude-code", "vscode", "--scope", "project", "--no-check")[0] == 0

    assert json.loads((home.project / ".mcp.json").read_text())["mcpServers"]["evals"]
    assert json.loads((home.project / ".vscode" / "mcp.json").read_text())["servers"]["evals"]
    assert home.run("windsurf", "--scope", "project")[0] == 1


def test_the_server_is_started_as_the_client_starts_it(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, said = home.run("claude-desktop", "codex")
    assert code == 0
    assert re.search(r"The server answers in \d+\.\d s, \d\d tools\.", said)

    monkeypatch.setenv("EVALS_MCP_SERVER__PROVIDER", "nowhere")
    code, said = home.run("codex")
    assert code == 1
    assert "the server does not start: environment variable EVALS_MCP_SERVER__PROVIDER" in said


def test_a_configuration_file_of_the_command_line_stands_in_the_entry(home: Home) -> None:
    config = home.project / "own.toml"
    config.write_text("[server]\nread_only = true\n")

    assert main(["--config", str(config), "install", "codex"]) == 0

    client = named("codex")
    assert entry(client, home.file(client).read_text())["args"] == ["--config", str(config)]


def test_an_installation_in_a_cache_is_not_named_in_any_file(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", [str(home.folder / ".cache/uv/archive-v0/x/bin/evals-mcp")])

    code, said = home.run("codex")

    assert code == 2
    assert "may be emptied at any time" in said
    assert home.everything() == {}


@pytest.mark.parametrize(
    ("platform", "environ", "expected"),
    [
        ("linux", {}, "/home/you/.config/Claude/claude_desktop_config.json"),
        ("linux", {"XDG_CONFIG_HOME": "/c"}, "/c/Claude/claude_desktop_config.json"),
        ("darwin", {}, "/home/you/Library/Application Support/Claude/claude_desktop_config.json"),
        ("win32", {"APPDATA": "/a"}, "/a/Claude/claude_desktop_config.json"),
    ],
)
def test_files_follow_the_platform(platform: str, environ: dict[str, str], expected: str) -> None:
    machine = Machine(Path("/home/you"), Path("/w"), environ, platform)

    assert machine.user_file(named("claude-desktop")) == Path(expected)


def test_a_folder_that_a_client_is_told_to_use_is_used() -> None:
    machine = Machine(Path("/home/you"), Path("/w"), {"CODEX_HOME": "/elsewhere"}, "linux")

    assert machine.user_file(named("codex")) == Path("/elsewhere/config.toml")


def test_opencode_keeps_its_file_without_comments(home: Home) -> None:
    path = home.folder / ".config/opencode/opencode.json"
    path.parent.mkdir(parents=True)
    path.write_text("{}")

    home.run("opencode", "--no-check")

    program = str(Path(sys.executable).with_name("evals-mcp"))
    assert json.loads(path.read_text())["mcp"]["evals"]["command"] == [program]


class Person:
    """Answers the questions of one run."""

    can_ask = True

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []
        self.heard: list[str] = []

    def say(self, text: str = "") -> None:
        self.heard.append(text)

    def ask(self, question: str, default: str) -> str:
        self.asked.append(question)
        return self.answers.pop(0) or default

    def ask_hidden(self, question: str) -> str:
        raise AssertionError(question)


def asked(home: Home, person: Person, **options: Any) -> int:
    around = surroundings(None)
    return Installer(InstallOptions(check=False, **options), around, person).run()


@pytest.mark.parametrize(
    ("answer", "files"),
    [
        ("", {".codex/config.toml", ".kiro/settings/mcp.json"}),
        ("codex", {".codex/config.toml"}),
        ("codex, kiro", {".codex/config.toml", ".kiro/settings/mcp.json"}),
    ],
)
def test_a_person_chooses_among_the_clients_that_are_there(
    home: Home, answer: str, files: set[str]
) -> None:
    (home.folder / ".codex").mkdir()
    (home.folder / ".kiro/settings").mkdir(parents=True)
    person = Person(answer)

    assert asked(home, person) == 0

    assert person.asked == ["Set up in which of codex, kiro?"]
    assert set(home.everything()) == files


@pytest.mark.parametrize(("answer", "command"), [("y", "evals-mcp"), ("", "npx")])
def test_a_person_decides_about_another_entry(home: Home, answer: str, command: str) -> None:
    client = named("cursor")
    path = home.put(client, json.dumps({"mcpServers": {"evals": {"command": "npx"}}}))
    person = Person(answer)

    asked(home, person, names=["cursor"])

    assert person.asked == ["Replace it?"]
    assert entry(client, path.read_text())["command"].endswith(command)
