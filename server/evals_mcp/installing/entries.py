"""The entry for a client: the command, the data folder, and keys by reference only."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from evals_mcp.installing.clients import Client, Part, Shape
from evals_mcp.installing.texts.values import is_table, items

ALLOWED_FOLDERS = "EVALS_MCP_DATASETS__ALLOWED_FOLDERS"
"""The variable with the folders that files may be uploaded from."""

_SETTING = "EVALS_MCP_"

Entry = dict[str, object]


@dataclass(frozen=True)
class Launch:
    """The command that starts the server over stdio."""

    program: str
    arguments: tuple[str, ...] = ()

    @property
    def line(self) -> list[str]:
        """Return the program with its arguments."""
        return [self.program, *self.arguments]


@dataclass(frozen=True)
class Wish:
    """What the entries of all clients are made from."""

    launch: Launch
    environ: Mapping[str, str]
    """The environment of the shell. Values are compared with nothing and written nowhere."""
    key_variables: tuple[str, ...] = ()
    """Variables that hold the keys of services, set or not."""
    data_folder: Path | None = None
    url: str | None = None
    """The address of a server over HTTP, in place of a command."""
    key_headers: Mapping[str, str] = field(default_factory=dict[str, str])
    """Headers in which this server takes keys, each with the variable of its key."""

    @property
    def set_variables(self) -> list[str]:
        """Return the variables of the shell that the server would read."""
        settings = sorted(name for name in self.environ if name.startswith(_SETTING))
        written = {ALLOWED_FOLDERS} if self.data_folder else set[str]()
        return [
            name
            for name in (*self.key_variables, *settings)
            if self.environ.get(name, "").strip() and name not in written
        ]


def entry_of(client: Client, wish: Wish) -> Entry:
    """Return the entry for a client.

    Raises:
        LookupError: the client's file cannot name a server over HTTP.
    """
    if wish.url is not None:
        return _http_entry(client, wish)
    variables: dict[str, str] = {}
    if wish.data_folder:
        folders = (
            [".", str(wish.data_folder)] if client.starts_in_project else [str(wish.data_folder)]
        )
        variables[ALLOWED_FOLDERS] = json.dumps(folders, ensure_ascii=False)
    names: list[str] = []
    if client.lists_variables:
        names = [
            *wish.key_variables,
            *(n for n in wish.set_variables if n not in wish.key_variables),
        ]
    elif client.reference:
        for name in wish.set_variables:
            if not client.passing.passes(name):
                variables[name] = client.reference.replace("NAME", name)
    return _filled(
        client.stdio,
        {
            Part.COMMAND: wish.launch.program,
            Part.ARGUMENTS: list(wish.launch.arguments),
            Part.LINE: wish.launch.line,
            Part.VARIABLES: variables,
            Part.NAMES: names,
        },
    )


def out_of_reach(client: Client, wish: Wish) -> list[str]:
    """Return the variables of the shell that do not reach the server through the entry."""
    if wish.url is not None:
        return []
    if client.lists_variables or (client.reference and client.passing.if_started_in_shell):
        return []
    return [name for name in wish.set_variables if not client.passing.passes(name)]


def headers_to_write(client: Client, wish: Wish) -> list[str]:
    """Return the headers with keys that a user must write: the client has no references."""
    takes_names = Part.HEADER_VARIABLES in (client.http or {}).values()
    if client.reference or takes_names:
        return []
    return [header for header, name in wish.key_headers.items() if wish.environ.get(name)]


def _http_entry(client: Client, wish: Wish) -> Entry:
    if client.http is None:
        raise LookupError(client.name)
    headers = {header: name for header, name in wish.key_headers.items() if wish.environ.get(name)}
    references: dict[str, str] = {}
    if client.reference:
        references = {
            header: client.reference.replace("NAME", name) for header, name in headers.items()
        }
    return _filled(
        client.http,
        {Part.URL: wish.url, Part.HEADERS: references, Part.HEADER_VARIABLES: headers},
    )


def _filled(shape: Shape, parts: Mapping[Part, object]) -> Entry:
    """Return a shape with its parts; empty variables and headers are left out."""
    filled = {
        key: parts[value] if isinstance(value, Part) else value for key, value in shape.items()
    }
    optional = {
        key
        for key, value in shape.items()
        if isinstance(value, Part) and value not in {Part.ARGUMENTS, Part.COMMAND}
    }
    return {key: value for key, value in filled.items() if value or key not in optional}


def command_of(client: Client, entry: Mapping[str, object]) -> Launch | None:
    """Return the command of an entry over stdio; None if the entry has none."""
    for key, part in client.stdio.items():
        value = entry.get(key)
        if part is Part.LINE and items(value):
            line = [str(each) for each in items(value)]
            return Launch(line[0], tuple(line[1:]))
        if part is Part.COMMAND and isinstance(value, str):
            return Launch(value, tuple(str(each) for each in items(entry.get("args"))))
    return None


def address_of(client: Client, entry: Mapping[str, object]) -> str | None:
    """Return the address in an entry over HTTP; None if the entry has none."""
    for key, part in (client.http or {}).items():
        if part is Part.URL and isinstance(address := entry.get(key), str):
            return address
    return None


def is_of_this_server(client: Client, entry: Mapping[str, object]) -> bool:
    """Return whether an entry starts evals-mcp, wherever it is installed."""
    launch = command_of(client, entry)
    if launch is None:
        return False
    program = re.split(r"[\\/]", launch.program)[-1].lower()
    runs_module = any(each.startswith("evals_mcp") for each in launch.arguments)
    return program.removesuffix(".exe") == "evals-mcp" or runs_module


def has_same_transport(client: Client, entry: Mapping[str, object], other: Entry) -> bool:
    """Return whether two entries both start a command, or both name an address."""
    return (command_of(client, entry) is None) == (command_of(client, other) is None)


def environment_of(
    client: Client, entry: Mapping[str, object], environ: Mapping[str, str]
) -> dict[str, str]:
    """Return the variables that a server gets which a client starts from this environment."""
    passed = {name: value for name, value in environ.items() if client.passing.passes(name)}
    for key, part in client.stdio.items():
        value = entry.get(key)
        if part is Part.NAMES:
            names = [str(each) for each in items(value)]
            passed |= {name: environ[name] for name in names if name in environ}
        if part is Part.VARIABLES and is_table(value):
            passed |= {name: _resolved(client, str(text), environ) for name, text in value.items()}
    return passed


def _resolved(client: Client, text: str, environ: Mapping[str, str]) -> str:
    """Return a value with the references of the client's form replaced; unknown ones stay."""
    if client.reference is None:
        return text
    pattern = re.escape(client.reference).replace("NAME", "([A-Za-z_][A-Za-z0-9_]*)")
    return re.sub(pattern, lambda match: environ.get(match[1], match[0]), text)


def shown_entry(entry: object) -> object:
    """Return an entry in which values that could be keys are replaced: variables, headers."""
    if not is_table(entry):
        return entry
    return {
        key: _hidden(value) if re.search("env|header|token|auth|key", key, re.IGNORECASE) else value
        for key, value in entry.items()
    }


def _hidden(value: object) -> object:
    if is_table(value):
        return dict.fromkeys(value, "…")
    return items(value) or "…"
