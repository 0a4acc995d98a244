"""`evals-mcp install`: writes the entry of this server into the files of MCP clients."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from evals_mcp.commands.console import Console, agreed
from evals_mcp.errors import OperatorError, SettingsError
from evals_mcp.installing.changes import Change, State, apply, installing, removing
from evals_mcp.installing.clients import CLIENTS, Client
from evals_mcp.installing.entries import (
    Entry,
    Launch,
    Wish,
    entry_of,
    environment_of,
    headers_to_write,
    out_of_reach,
    shown_entry,
)
from evals_mcp.installing.locations import Machine
from evals_mcp.installing.texts.documents import FORMATS
from evals_mcp.installing.trial import Trial, try_start

Scope = Literal["user", "project"]

DEFAULT_DATA_FOLDER = "evals"
"""The folder below the home folder for clients that start the server elsewhere."""

_MODES: dict[Scope, int] = {"user": 0o600, "project": 0o644}


@dataclass(frozen=True)
class InstallOptions:
    """The options of the command line."""

    names: Sequence[str] = ()
    scope: Scope = "user"
    url: str | None = None
    with_keys: bool = False
    data_folder: Path | None = None
    everything: bool = False
    yes: bool = False
    force: bool = False
    remove: bool = False
    print_only: bool = False
    dry_run: bool = False
    check: bool = True


@dataclass(frozen=True)
class Surroundings:
    """What the command needs to know beside its options."""

    machine: Machine
    launch: Callable[[], Launch]
    """Returns the command to write; raises OperatorError if this installation cannot be named."""
    key_variables: tuple[str, ...]
    key_headers: dict[str, str]
    has_data_folders: bool
    """Whether the settings name folders that files may be uploaded from."""
    program: str = "evals-mcp"
    """How this command is typed on this machine."""
    now: Callable[[], datetime] = lambda: datetime.now().astimezone()


class Installer:
    """One run of the command."""

    def __init__(
        self, options: InstallOptions, surroundings: Surroundings, console: Console
    ) -> None:
        """Prepare; nothing is read or written yet."""
        self._options = options
        self._around = surroundings
        self._console = console
        self._failed = False
        self._changed: list[Client] = []

    def run(self) -> int:
        """Do what the options say; return 0 if all of it is done, else 1.

        Raises:
            OperatorError: the command line is wrong, or this installation cannot be named.
        """
        clients = self._chosen()
        if not clients:
            self._console.say(f"No client was found here. Name one: {_names(CLIENTS)}.")
            return 1
        if self._options.remove:
            for client in clients:
                self._remove(client)
            return int(self._failed)
        launch = Launch("") if self._options.url else self._around.launch()
        entries = {client.name: self._entry(client, launch) for client in clients}
        written = [
            client for client in clients if self._install(client, launch, entries[client.name])
        ]
        if written and self._options.check and not self._options.url:
            self._try(written, entries)
        if self._changed:
            self._say_what_next()
        return int(self._failed)

    def _chosen(self) -> list[Client]:
        known = {client.name: client for client in CLIENTS}
        if unknown := [name for name in self._options.names if name not in known]:
            raise SettingsError(
                f"{', '.join(unknown)}: no such client; it is one of {_names(CLIENTS)}"
            )
        if self._options.names:
            return [known[name] for name in dict.fromkeys(self._options.names)]
        present = [client for client in CLIENTS if self._around.machine.has(client)]
        if self._options.remove:
            present = [each for each in present if self._has_entry(each)]
        if not present or self._options.everything or self._options.yes or self._is_preview:
            return present
        if not self._console.can_ask:
            raise SettingsError(
                f"name the clients, or write --all for those that are here: {_names(present)}"
            )
        verb = "Remove from" if self._options.remove else "Set up in"
        answer = self._console.ask(f"{verb} which of {_names(present)}?", "all")
        if answer == "all":
            return present
        wanted = answer.replace(",", " ").split()
        if unknown := [name for name in wanted if name not in known]:
            raise SettingsError(f"{', '.join(unknown)}: no such client")
        return [known[name] for name in wanted]

    @property
    def _is_preview(self) -> bool:
        return self._options.print_only or self._options.dry_run

    def _has_entry(self, client: Client) -> bool:
        path = self._path(client)
        return path is not None and removing(client, path, force=False).state is State.REMOVED

    def _path(self, client: Client) -> Path | None:
        machine = self._around.machine
        if self._options.scope == "project":
            return machine.project_file(client)
        return machine.user_file(client)

    def _entry(self, client: Client, launch: Launch) -> Entry | None:
        """Return the entry to write; None if the client's file cannot have one."""
        try:
            return entry_of(client, self._wish(client, launch))
        except LookupError:
            return None

    def _wish(self, client: Client, launch: Launch) -> Wish:
        return Wish(
            launch,
            self._around.machine.environ,
            self._around.key_variables,
            None if self._options.url else self._data_folder(client),
            self._options.url,
            self._around.key_headers if self._options.with_keys else {},
        )

    def _data_folder(self, client: Client) -> Path | None:
        if folder := self._options.data_folder:
            return (self._around.machine.project / folder.expanduser()).absolute()
        if client.starts_in_project or self._around.has_data_folders:
            return None
        return self._around.machine.home / DEFAULT_DATA_FOLDER

    def _install(self, client: Client, launch: Launch, entry: Entry | None) -> bool:
        """Set one client up; return whether its file now has the entry."""
        path = self._path(client)
        if path is None or entry is None:
            what = "no file for one project" if path is None else "no servers over HTTP in its file"
            hint = "" if path is None else client.instead_of_http
            self._report(client, State.IMPOSSIBLE, f"{client.title} has {what}. {hint}".strip())
            self._failed = True
            return False
        if self._options.print_only:
            self._print_block(client, path, entry)
            return False
        change = installing(client, path, entry, force=self._options.force)
        if change.state is State.OTHER_ENTRY and self._may_replace(client, change, entry):
            change = installing(client, path, entry, force=True)
        if change.state in {State.IMPOSSIBLE, State.OTHER_ENTRY}:
            self._failed = True
            self._report(client, State.IMPOSSIBLE, self._why(client, change))
            self._print_block(client, path, entry)
            return False
        return self._apply(client, path, change) and self._ready(client, launch)

    def _may_replace(self, client: Client, change: Change, entry: Entry) -> bool:
        """Show both entries; return whether the user lets the present one be replaced."""
        say = self._console.say
        say(f"{client.title} has another entry of this name:")
        say(f"  present: {json.dumps(shown_entry(change.existing), ensure_ascii=False)}")
        say(f"  new:     {json.dumps(shown_entry(entry), ensure_ascii=False)}")
        if self._is_preview or not self._console.can_ask:
            return False
        return agreed(self._console, "Replace it?", default=False)

    @staticmethod
    def _why(client: Client, change: Change) -> str:
        if change.state is State.OTHER_ENTRY:
            return "an entry of this name starts something else; --force replaces it"
        return f"{change.problem}. {client.note}" if client.note else change.problem

    def _apply(self, client: Client, path: Path, change: Change) -> bool:
        """Make a change and say so; return whether it was made, or nothing was to be done."""
        shown = self._around.machine.shown(path)
        if self._options.dry_run:
            if change.state is not State.UNCHANGED:
                self._console.say(f"{client.name:15} would be {change.state.value}: {shown}")
                return False
            self._report(client, change.state, shown)
            return False
        try:
            backup = apply(change, self._around.now, new_mode=_MODES[self._options.scope])
        except OperatorError as error:
            self._failed = True
            self._report(client, State.IMPOSSIBLE, str(error))
            return False
        if change.state is not State.UNCHANGED:
            self._changed.append(client)
        kept = f" (before: {backup.name})" if backup else ""
        self._report(client, change.state, shown + kept)
        return True

    def _ready(self, client: Client, launch: Launch) -> bool:
        """Make the data folder, and say what the user must know; return True."""
        wish = self._wish(client, launch)
        if wish.data_folder:
            wish.data_folder.mkdir(parents=True, exist_ok=True)
            shown = self._around.machine.shown(wish.data_folder)
            self._detail(f"Files may be uploaded from {shown}.")
        if headers := headers_to_write(client, wish):
            self._detail(
                f"{client.title} cannot refer to variables: write {', '.join(headers)} under "
                "`headers` yourself."
            )
        if missing := out_of_reach(client, wish):
            self._detail(
                f"{', '.join(missing)} of this shell does not reach {client.title}, and its file "
                "cannot refer to variables: put keys into files (token_file) and settings into "
                "config.toml; `evals-mcp setup` does so."
            )
        if client.note and client.format != "yaml":
            self._detail(client.note)
        return True

    def _remove(self, client: Client) -> None:
        path = self._path(client)
        if path is None:
            self._report(client, State.ABSENT, "it has no file for one project")
            return
        change = removing(client, path, force=self._options.force)
        if change.state in {State.IMPOSSIBLE, State.OTHER_ENTRY}:
            self._failed = True
            why = change.problem or "the entry starts something else; --force removes it"
            self._report(client, State.IMPOSSIBLE, why)
            return
        self._apply(client, path, change)

    def _try(self, clients: Sequence[Client], entries: dict[str, Entry | None]) -> None:
        """Start the server as each client would, and say how it went."""
        machine = self._around.machine
        tried: dict[str, Trial] = {}
        for client in clients:
            entry = entries[client.name] or {}
            environ = environment_of(client, entry, machine.environ)
            folder = machine.project if client.starts_in_project else Path(machine.home.anchor)
            key = json.dumps([sorted(environ.items()), str(folder)])
            if key not in tried:
                tried[key] = try_start(self._around.launch(), environ, folder)
            if problem := tried[key].problem:
                self._failed = True
                self._report(client, State.IMPOSSIBLE, f"the server does not start: {problem}")
        if good := [trial for trial in tried.values() if not trial.problem]:
            slowest = max(good, key=lambda trial: trial.seconds)
            self._console.say(
                f"The server answers in {slowest.seconds:.1f} s, {slowest.tools} tools."
            )

    def _say_what_next(self) -> None:
        titles = " and ".join(client.title for client in self._changed)
        self._console.say(f"Start {titles} anew, then say: “Which judges can you evaluate with?”")
        self._console.say(f"If something does not work: {self._around.program} doctor")

    def _print_block(self, client: Client, path: Path, entry: Entry) -> None:
        self._console.say(f"{client.title}, {self._around.machine.shown(path)}:")
        self._console.say(FORMATS[client.format].block(client.path, entry))

    def _report(self, client: Client, state: State, text: str) -> None:
        self._console.say(f"{client.name:15} {state.value}: {text}")

    def _detail(self, text: str) -> None:
        self._console.say(f"{'':15} {text}")


def _names(clients: Sequence[Client]) -> str:
    return ", ".join(client.name for client in clients)
