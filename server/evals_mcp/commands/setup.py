"""`evals-mcp setup`: finds models on this machine, asks a few questions, writes the settings."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import anyio

from evals_mcp.commands.console import Console, agreed
from evals_mcp.commands.install import DEFAULT_DATA_FOLDER, Installer, InstallOptions, Surroundings
from evals_mcp.diagnosis.local_models import PORTS, LocalModels, find_local_models, models_at
from evals_mcp.diagnosis.trial_evaluation import RIGHT, judge_one_row
from evals_mcp.errors import OperatorError, SettingsError
from evals_mcp.installing.clients import CLIENTS
from evals_mcp.installing.settings_file import (
    SettingPath,
    SettingsChange,
    changed_settings,
    write_token,
)
from evals_mcp.local_engine.service import ModelEndpointSettings
from evals_mcp.service_spec import ServiceSpec, keyed_services
from evals_mcp.services import SERVICES
from evals_mcp.settings.types import is_loopback

_BASE_URL: SettingPath = ("local", "models", "base_url")
_CONFIRM: SettingPath = ("budget", "confirm_above_usd")


@dataclass(frozen=True)
class SetupOptions:
    """The options of the command line, and where the settings are."""

    config: Path
    yes: bool = False
    print_only: bool = False
    check: bool = True
    ports: Mapping[int, str] = field(default_factory=lambda: PORTS)
    """The ports on which servers of models are looked for."""
    skipped_ports: Sequence[int] = ()
    """Ports that this server listens on itself."""
    confirm_above_usd: float = 1.0
    """The present setting."""


@dataclass
class _Answers:
    settings: dict[SettingPath, object] = field(default_factory=dict[SettingPath, object])
    tokens: dict[Path, str] = field(default_factory=dict[Path, str])
    """Token files to write."""


class Setup:
    """One run of the command: first all questions, then all files."""

    def __init__(self, options: SetupOptions, around: Surroundings, console: Console) -> None:
        """Prepare; nothing is read or written yet."""
        self._options = options
        self._around = around
        self._console = console
        self._answers = _Answers()

    def run(self) -> int:
        """Ask, write, and set the clients up; return the exit code.

        Raises:
            OperatorError: a question cannot be asked, or a file cannot be written.
        """
        if not (self._options.yes or self._options.print_only or self._console.can_ask):
            raise SettingsError("setup asks questions: run it in a terminal, or add --yes")
        clients = self._clients()
        folder = self._data_folder()
        self._model_judge()
        for spec in keyed_services(SERVICES):
            self._key(spec)
        self._budget()
        change = changed_settings(self._options.config, self._answers.settings)
        if self._options.print_only:
            self._console.say(f"{self._options.config}:")
            self._console.say(change.text or "# nothing to change\n")
        else:
            self._write(change)
        return self._install(clients, folder)

    def _ask(self, question: str, default: str) -> str:
        """Return the user's answer; the default if nobody is asked."""
        if self._options.yes or self._options.print_only:
            return default
        return self._console.ask(question, default)

    def _clients(self) -> list[str]:
        """Return the names of the clients to set up."""
        present = [client.name for client in CLIENTS if self._around.machine.has(client)]
        if not present:
            self._console.say("No client was found here: evals-mcp install NAME sets one up later.")
            return []
        answer = self._ask(f"1 Set up in which clients of {', '.join(present)}? (or none)", "all")
        if answer == "all":
            return present
        return [] if answer == "none" else answer.replace(",", " ").split()

    def _data_folder(self) -> Path:
        default = f"~/{DEFAULT_DATA_FOLDER}"
        answer = self._ask("2 Folder for files to evaluate?", default)
        return self._around.machine.home / answer.removeprefix("~/")

    def _model_judge(self) -> None:
        """Find an endpoint whose verdict on a fixed row arrives, and note its address."""
        servers = find_local_models(self._options.ports, self._options.skipped_ports)
        for server in servers:
            names = ", ".join(server.models[:5]) or "no model yet"
            self._console.say(f"{server.program} answers on {server.base_url}: {names}")
        usable = [server for server in servers if server.models]
        if self._options.yes or self._options.print_only:
            for server in usable:
                if self._tried(server, _likely_judge(server)):
                    self._answers.settings[_BASE_URL] = server.base_url
                    return
            self._console.say("Judges: the rules, which need no model.")
            return
        addresses = [server.base_url for server in usable]
        question = "3 Address of a server of models for judging? (none: the rules do)"
        answer = self._ask(question, addresses[0] if addresses else "none")
        if answer == "none":
            return
        server = next((each for each in usable if each.base_url == answer), None) or _at(answer)
        if server is None:
            self._console.say(f"{answer} is written, and not tried: it is on another machine.")
            self._answers.settings[_BASE_URL] = answer
            return
        model = self._ask("  Which model to try?", _likely_judge(server))
        if self._tried(server, model) or agreed(self._console, "  Write it anyway?", default=False):
            self._answers.settings[_BASE_URL] = server.base_url

    def _tried(self, server: LocalModels, model: str) -> bool:
        """Try one verdict, say how it went, and return whether there was one."""
        if not model:
            return False
        endpoint = ModelEndpointSettings(base_url=server.base_url)
        self._console.say(f"Trying {model} as a judge of one row; a large one loads for a while.")
        verdict = anyio.run(judge_one_row, model, endpoint)
        if verdict.label is None:
            self._console.say(f"No verdict: {verdict.problem}")
            return False
        remark = "" if verdict.label == RIGHT else " (the answer was right: a weak judge)"
        self._console.say(f"Verdict “{verdict.label}”{remark} in {verdict.seconds:.1f} s.")
        return True

    def _key(self, spec: ServiceSpec) -> None:
        """Ask where the key of a service comes from, and note a token file."""
        variable = spec.key_variable or ""
        value = self._around.machine.environ.get(variable, "").strip()
        ways = f"variable ({variable}), file (kept for applications that see no variables)"
        answer = self._ask(f"4 Key for {spec.name}? none, {ways}", "variable" if value else "none")
        if answer != "file":
            return
        hint = f"; empty: the one in {variable}" if value else ""
        token = self._console.ask_hidden(f"  Key for {spec.name} (not shown{hint}): ") or value
        if not re.fullmatch(r"[!-~]+", token):
            raise SettingsError(
                f"{spec.name}: a key has no spaces and is not empty; nothing written"
            )
        path = self._options.config.with_name(f"{spec.name}.token")
        self._answers.tokens[path] = token
        self._answers.settings[spec.name, "token_file"] = str(path)

    def _budget(self) -> None:
        present = self._options.confirm_above_usd
        answer = self._ask("5 Ask you before it costs more than how many dollars?", f"{present:g}")
        try:
            limit = float(answer.removeprefix("$"))
        except ValueError:
            limit = -1.0
        if not 0 <= limit < float("inf"):
            raise SettingsError(f"{answer}: write a number of dollars, such as 1; nothing written")
        if limit != present:
            self._answers.settings[_CONFIRM] = limit

    def _write(self, change: SettingsChange) -> None:
        for path, token in self._answers.tokens.items():
            write_token(path, token)
            self._console.say(f"key written: {path} (readable by you only)")
        if change.is_empty:
            self._console.say(f"settings unchanged: {self._options.config}")
            return
        backup = change.apply(self._around.now)
        kept = f" (before: {backup.name})" if backup else ""
        self._console.say(f"settings written: {self._options.config}{kept}")

    def _install(self, clients: Sequence[str], folder: Path) -> int:
        if not clients:
            return 0
        options = InstallOptions(
            names=clients,
            data_folder=folder,
            yes=self._options.yes,
            print_only=self._options.print_only,
            check=self._options.check,
        )
        return Installer(options, self._around, self._console).run()


def _likely_judge(server: LocalModels) -> str:
    """Return the first model that is not one for embeddings; an empty text without models."""
    chat = [
        name for name in server.models if not re.search("embed|rerank|whisper", name, re.IGNORECASE)
    ]
    return next(iter([*chat, *server.models]), "")


def _at(address: str) -> LocalModels | None:
    """Return the server at an address of this machine; None for another machine.

    Raises:
        SettingsError: it is no address, or nothing there answers as a server of models.
    """
    parts = urlsplit(address)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise SettingsError(f"{address}: write http://host:port/v1, or none; nothing written")
    if parts.scheme != "http" or not is_loopback(parts.hostname):
        return None
    server = models_at(address, parts.port or 80)
    if server is None:
        raise SettingsError(f"{address} does not answer as a server of models; nothing written")
    return server


def configuration_path(named: Path | None, environ: Mapping[str, str]) -> Path:
    """Return the file that settings are written to.

    Raises:
        OperatorError: the named folder does not exist.
    """
    from platformdirs import user_config_path  # noqa: PLC0415 - not needed for a named file

    from evals_mcp.settings.loading import CONFIG_VARIABLE  # noqa: PLC0415

    chosen = named or environ.get(CONFIG_VARIABLE)
    if not chosen:
        return user_config_path("evals-mcp", appauthor=False) / "config.toml"
    path = Path(chosen).expanduser().absolute()
    if not path.parent.is_dir():
        raise OperatorError(f"{path.parent} is no folder; make it, or name another file")
    return path
