"""Checks of the clients: their entry, the keys that reach the server, and its first answer."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from evals_mcp.diagnosis.findings import Finding
from evals_mcp.errors import OperatorError
from evals_mcp.installing.clients import CLIENTS, Client
from evals_mcp.installing.config_files import read_config_file
from evals_mcp.installing.entries import (
    ALLOWED_FOLDERS,
    address_of,
    command_of,
    environment_of,
    is_of_this_server,
)
from evals_mcp.installing.locations import Machine
from evals_mcp.installing.texts.documents import FORMATS, entry_in
from evals_mcp.installing.texts.values import is_table
from evals_mcp.installing.trial import try_start


def check_clients(
    machine: Machine, needed: Sequence[str], *, has_data_folders: bool
) -> Iterator[Finding]:
    """Yield what was found about each client that is installed, or has an entry.

    Args:
        machine: This machine.
        needed: Variables of the environment that the server would use.
        has_data_folders: Whether the settings name folders that files may be uploaded from.
    """
    present = [client for client in CLIENTS if machine.has(client)]
    if not present:
        mend = "evals-mcp install claude-code"
        yield Finding("warn", "clients", "no client was found on this machine", mend)
        return

    def check(client: Client) -> list[Finding]:
        return list(_check(client, machine, needed, has_data_folders))

    with ThreadPoolExecutor(len(present)) as pool:
        for findings in pool.map(check, present):
            yield from findings


def _check(
    client: Client, machine: Machine, needed: Sequence[str], has_data_folders: bool
) -> Iterator[Finding]:
    install = f"evals-mcp install {client.name}"
    try:
        entry = _entry(client, machine)
    except (OperatorError, ValueError) as error:
        path = shlex.quote(str(machine.user_file(client)))
        yield Finding(
            "fail", client.name, f"its file cannot be used: {error}", f"${{EDITOR:-vi}} {path}"
        )
        return
    if FORMATS[client.format].parse is None:
        yield Finding("note", client.name, f"its file is {client.format.upper()}, not read here")
    elif entry is None:
        yield Finding(
            "warn", client.name, "installed, but this server is not set up in it", install
        )
    elif address := address_of(client, entry):
        yield Finding("ok", client.name, f"uses the server at {address}; not called by this check")
    elif not is_of_this_server(client, entry):
        yield Finding(
            "fail", client.name, "its entry `evals` starts something else", f"{install} --force"
        )
    else:
        yield from _check_entry(client, entry, machine, needed, has_data_folders)
    if client.name == "gemini-cli" and not _gemini_trusts(machine):
        yield Finding(
            "note",
            client.name,
            f"{machine.project} is not trusted: no server starts (/permissions)",
        )


def _entry(client: Client, machine: Machine) -> Mapping[str, object] | None:
    """Return the entry of the working folder, else the user's.

    Raises:
        OperatorError, ValueError: the file cannot be read.
    """
    parse = FORMATS[client.format].parse
    for path in filter(None, (machine.project_file(client), machine.user_file(client))):
        content = read_config_file(path).content if parse else None
        if content is None or parse is None:
            continue
        entry = entry_in(parse(content.decode("utf-8-sig")), client.path)
        if is_table(entry):
            return entry
    return None


def _check_entry(
    client: Client,
    entry: Mapping[str, object],
    machine: Machine,
    needed: Sequence[str],
    has_data_folders: bool,
) -> Iterator[Finding]:
    install = f"evals-mcp install {client.name}"
    passed = environment_of(client, entry, machine.environ)
    missing = [name for name in needed if passed.get(name) != machine.environ.get(name)]
    launch = command_of(client, entry)
    assert launch is not None
    folder = machine.project if client.starts_in_project else Path(machine.home.anchor)
    trial = try_start(launch, passed, folder)
    if trial.problem:
        yield Finding("fail", client.name, f"the server does not start: {trial.problem}", install)
    elif missing:
        names = ", ".join(missing)
        if client.lists_variables or client.reference:
            yield Finding("fail", client.name, f"{names} does not reach the server", install)
        else:
            mend = "evals-mcp setup"
            text = f"{names} does not reach the server; write a token file"
            yield Finding("warn", client.name, text, mend)
    elif not (client.starts_in_project or has_data_folders or ALLOWED_FOLDERS in passed):
        yield Finding(
            "warn",
            client.name,
            "files: it starts the server elsewhere, so none can be uploaded",
            f"{install} --data-folder ~/evals",
        )
    else:
        seconds = f"answers in {trial.seconds:.1f} s"
        yield Finding("ok", client.name, f"entry found, {seconds}, {trial.tools} tools")


def _gemini_trusts(machine: Machine) -> bool:
    """Return whether Gemini CLI starts servers in the working folder."""
    folder = machine.home / ".gemini"
    with suppress(OSError, ValueError, AttributeError):
        settings = json.loads((folder / "settings.json").read_text())
        if settings.get("security", {}).get("folderTrust", {}).get("enabled") is False:
            return True
    here = (machine.project, *machine.project.parents)
    with suppress(OSError, ValueError, AttributeError):
        rules = json.loads((folder / "trustedFolders.json").read_text())
        for path, rule in rules.items():
            trusted = {"TRUST_FOLDER": Path(path), "TRUST_PARENT": Path(path).parent}.get(rule)
            if trusted in here:
                return True
    return False
