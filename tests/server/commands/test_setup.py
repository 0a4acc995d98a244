"""`evals-mcp setup`: a few questions, one verdict, and files that the server reads."""

from __future__ import annotations

import io
import json
import stat
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from evals_mcp.cli import main
from evals_mcp.commands.install import Surroundings
from evals_mcp.commands.setup import Setup, SetupOptions
from evals_mcp.errors import OperatorError, SettingsError
from evals_mcp.installing.entries import Launch
from evals_mcp.installing.locations import Machine
from evals_mcp.local_engine.service import LocalSettings
from evals_mcp.providers.together.service import TogetherSettings
from evals_mcp.services import SERVICES
from evals_mcp.settings.loading import Settings, load_settings
from tests.server.diagnosis.model_servers import (
    LLAMA_CPP,
    LM_STUDIO,
    OLLAMA,
    VLLM,
    Answers,
    model_program,
)

KEY = "tgp_v1_planted-0123456789"
RIGHT = json.dumps({"feedback": "Paris is right.", "label": "right"})
WRONG = json.dumps({"feedback": "No.", "label": "wrong"})
ENTRY_FOLDERS = "EVALS_MCP_DATASETS__ALLOWED_FOLDERS"


class Person:
    """Answers questions by a word in them; others get their default."""

    def __init__(self, answers: Mapping[str, str] | None = None, *, present: bool = True) -> None:
        self.answers = dict(answers or {})
        self.can_ask = present
        self.asked: list[str] = []
        self.heard: list[str] = []

    def say(self, text: str = "") -> None:
        self.heard.append(text)

    def ask(self, question: str, default: str) -> str:
        self.asked.append(question)
        return next((a for word, a in self.answers.items() if word in question), default)

    def ask_hidden(self, question: str) -> str:
        self.asked.append(question)
        return self.answers.get("hidden", "")

    @property
    def text(self) -> str:
        return "\n".join(self.heard)


class Home:
    """A home folder with Codex and Claude Desktop in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "settings" / "config.toml"
        self.codex = folder / ".codex" / "config.toml"
        self.desktop = folder / ".config" / "Claude" / "claude_desktop_config.json"
        self.codex.parent.mkdir()
        self.desktop.parent.mkdir(parents=True)

    def run(
        self,
        person: Person,
        ports: Mapping[int, str] | None = None,
        environ: Mapping[str, str] | None = None,
        *,
        yes: bool = False,
        print_only: bool = False,
    ) -> int:
        machine = Machine(self.folder, self.folder, {"PATH": "", **(environ or {})}, "linux")
        launch = Launch("/home/you/.evals-mcp/bin/evals-mcp")
        keys = ("TOGETHER_API_KEY", "NUGEN_API_KEY")
        around = Surroundings(machine, lambda: launch, keys, {}, has_data_folders=False)
        options = SetupOptions(
            self.config, yes=yes, print_only=print_only, check=False, ports=ports or {}
        )
        return Setup(options, around, person).run()

    def settings(self) -> Settings:
        return load_settings(self.config, {}, self.folder, SERVICES)

    def files(self) -> set[str]:
        return {str(p.relative_to(self.folder)) for p in self.folder.rglob("*") if p.is_file()}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


@pytest.mark.parametrize(
    ("answers", "program", "model"),
    [
        (OLLAMA, "Ollama", "qwen3:4b"),
        (LM_STUDIO, "LM Studio", "gemma-3-4b"),
        (LLAMA_CPP, "llama.cpp", "smol.gguf"),
        (VLLM, "vLLM", "Qwen/Qwen3-4B"),
    ],
)
def test_models_on_this_machine_become_the_endpoint_after_one_verdict(
    home: Home, answers: Answers, program: str, model: str
) -> None:
    person = Person()
    with model_program(answers, chat=RIGHT) as running:
        assert home.run(person, {running.port: program}) == 0

    url = f"http://127.0.0.1:{running.port}/v1"
    assert f"{program} " in person.text
    assert f"answers on {url}: {model}" in person.text
    assert "Verdict “right” in " in person.text
    assert [path for method, path, _ in running.requests if method == "POST"] == [
        "/v1/chat/completions"
    ]
    assert home.settings().section(LocalSettings).models.base_url == url
    assert "/home/you/.evals-mcp/bin/evals-mcp" in home.codex.read_text()
    entry = json.loads(home.desktop.read_text())["mcpServers"]["evals"]
    assert json.loads(entry["env"][ENTRY_FOLDERS]) == [str(home.folder / "evals")]
    assert (home.folder / "evals").is_dir()
    assert len(person.asked) == 7


def test_without_questions_the_defaults_are_taken(home: Home) -> None:
    person = Person(present=False)
    with model_program(OLLAMA, chat=RIGHT) as running:
        assert home.run(person, {running.port: "Ollama"}, {"TOGETHER_API_KEY": KEY}, yes=True) == 0

    assert person.asked == []
    assert home.settings().section(LocalSettings).models.base_url
    assert not any("token" in name for name in home.files())
    assert all(KEY not in (home.folder / name).read_text() for name in home.files())


def test_a_program_that_lists_models_and_judges_nothing_is_not_written(home: Home) -> None:
    person = Person()
    with (
        model_program(OLLAMA, refusal=400) as lying,
        model_program(VLLM, chat=WRONG) as weak,
    ):
        ports = {lying.port: "Ollama", weak.port: "vLLM"}
        assert home.run(Person(), {lying.port: "Ollama"}) == 0
        assert not home.config.exists()
        assert home.run(person, ports, yes=True) == 0

    assert "No verdict: " in person.text
    assert "Verdict “wrong” (the answer was right: a weak judge)" in person.text
    url = f"http://127.0.0.1:{weak.port}/v1"
    assert home.settings().section(LocalSettings).models.base_url == url


def test_a_model_for_embeddings_is_not_tried_first(home: Home) -> None:
    listed = {"/v1/models": {"data": [{"id": "nomic-embed-text"}, {"id": "chat"}]}}
    person = Person()
    with model_program(listed, chat=RIGHT) as running:
        home.run(person, {running.port: "Ollama"})

    assert "Trying chat as a judge" in person.text


def test_an_address_of_another_machine_is_written_and_not_called(home: Home) -> None:
    person = Person({"Address": "https://models.example/v1"})

    assert home.run(person) == 0

    assert "not tried: it is on another machine" in person.text
    models = home.settings().section(LocalSettings).models
    assert models.base_url == "https://models.example/v1"


def test_a_key_is_typed_unseen_into_a_file_of_its_owner(home: Home) -> None:
    person = Person({"Key for together": "file", "hidden": KEY})

    assert home.run(person) == 0

    token = home.config.with_name("together.token")
    assert stat.S_IMODE(token.stat().st_mode) == 0o600
    section = home.settings().section(TogetherSettings)
    assert section.token is not None
    assert section.token.get_secret_value() == KEY
    holding = [name for name in home.files() if KEY in (home.folder / name).read_text()]
    assert holding == ["settings/together.token"]
    assert KEY not in person.text + "".join(person.asked)


def test_a_limit_changes_one_line_of_the_settings(home: Home) -> None:
    home.config.parent.mkdir()
    home.config.write_text(
        '# mine\n[budget] # money\nmax_usd = 25.0\n\n[server]\nlog_level = "info"\n'
    )

    assert home.run(Person({"more than how many": "2.5", "which clients": "none"})) == 0

    assert home.config.read_text() == (
        "# mine\n[budget] # money\nmax_usd = 25.0\nconfirm_above_usd = 2.5\n\n"
        '[server]\nlog_level = "info"\n'
    )
    assert len(list(home.config.parent.glob("config.toml.evals-mcp-*.bak"))) == 1
    assert not home.codex.exists()


@pytest.mark.parametrize(
    ("answers", "problem"),
    [
        ({"more than how many": "much"}, "write a number of dollars"),
        ({"Address": "localhost"}, "write http://host:port/v1"),
        ({"Address": "http://127.0.0.1:9/v1"}, "does not answer as a server of models"),
        ({"Key for nugen": "file", "hidden": "two words"}, "a key has no spaces"),
    ],
)
def test_a_wrong_answer_writes_nothing(home: Home, answers: dict[str, str], problem: str) -> None:
    with pytest.raises(SettingsError, match=problem):
        home.run(Person(answers))
    assert home.files() == set()


def test_a_broken_configuration_file_is_left_alone(home: Home) -> None:
    home.config.parent.mkdir()
    home.config.write_text("[budget\n")

    with pytest.raises(OperatorError, match="is left alone: it is not TOML"):
        home.run(Person({"more than how many": "2"}))
    assert home.config.read_text() == "[budget\n"


def test_a_preview_prints_the_files_and_writes_none(home: Home) -> None:
    person = Person()
    with model_program(OLLAMA, chat=RIGHT) as running:
        assert home.run(person, {running.port: "Ollama"}, print_only=True) == 0

    assert f'[local.models]\nbase_url = "http://127.0.0.1:{running.port}/v1"\n' in person.text
    assert "[mcp_servers.evals]\n" in person.text
    assert home.files() == set()
    assert person.asked == []


def test_without_a_terminal_the_command_asks_for_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(sys, "stdin", io.StringIO())

    assert main(["setup"]) == 2

    assert "run it in a terminal, or add --yes" in capsys.readouterr().err
