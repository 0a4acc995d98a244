"""The MCP clients that the server can be set up in, one line of facts each.

The facts come from the clients themselves, or from their documentation; `docs/install.md` says
which. A test compares this table with that page and with the README.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal

SERVER_NAME = "evals"
"""The name of this server in every client."""

Format = Literal["json", "toml", "yaml"]


class Part(Enum):
    """What an entry has in places of its shape."""

    COMMAND = "the program"
    ARGUMENTS = "its arguments"
    LINE = "the program and its arguments, as one list"
    VARIABLES = "environment variables with their values or references"
    NAMES = "names of the environment variables that are passed on"
    URL = "the address of a server over HTTP"
    HEADERS = "headers with references to environment variables"
    HEADER_VARIABLES = "headers, each with the name of its environment variable"


Shape = Mapping[str, object]
"""An entry whose values may be a `Part`."""


@dataclass(frozen=True)
class Files:
    """The file of a user on each platform. `~`, `%APPDATA%` and the like are expanded."""

    linux: str
    macos: str
    windows: str

    @classmethod
    def below_home(cls, path: str) -> Files:
        """Return the same file of the home folder on every platform."""
        return cls(f"~/{path}", f"~/{path}", f"~/{path}")

    @classmethod
    def of_application(cls, path: str, macos: str | None = None) -> Files:
        """Return a file among the settings of an application."""
        return cls(
            f"~/.config/{path}",
            f"~/Library/Application Support/{macos or path}",
            f"%APPDATA%/{path}",
        )


@dataclass(frozen=True)
class Passing:
    """Which variables of the shell a client passes to the servers that it starts."""

    names: frozenset[str] | None = None
    """The only variables; None for all."""
    except_like: re.Pattern[str] | None = None
    """Names that are not passed; None for none."""
    if_started_in_shell: bool = True
    """False for an application that is started from a desktop, where no shell has set any."""

    def passes(self, name: str) -> bool:
        """Return whether a variable of the shell reaches a server."""
        if self.names is not None:
            return name in self.names
        return not (self.except_like and self.except_like.search(name))


_BASIC = frozenset({"HOME", "LANG", "LC_ALL", "LOGNAME", "PATH", "SHELL", "TERM", "TMPDIR", "USER"})
_WINDOWS = frozenset({"APPDATA", "LOCALAPPDATA", "SYSTEMROOT", "TEMP", "TMP", "USERPROFILE"})

EVERYTHING = Passing()
BASIC = Passing(names=_BASIC | _WINDOWS)
FROM_DESKTOP = Passing(names=_BASIC | _WINDOWS, if_started_in_shell=False)
CODEX_LIST = Passing(names=_BASIC | _WINDOWS | {"LC_CTYPE", "TZ", "__CF_USER_TEXT_ENCODING"})
WITHOUT_SECRETS = Passing(
    except_like=re.compile("(?i)TOKEN|SECRET|PASSW|KEY|AUTH|CREDENTIAL|CREDS|PRIVATE|CERT")
)

_LINE: Shape = {"command": Part.COMMAND, "args": Part.ARGUMENTS, "env": Part.VARIABLES}
_ADDRESS: Shape = {"url": Part.URL, "headers": Part.HEADERS}


@dataclass(frozen=True)
class Client:
    """One client: its file, its entry, and what reaches the server."""

    name: str
    """The name on the command line."""
    title: str
    files: Files
    project_file: str | None = None
    """The file below a project's folder; None if the client has none."""
    home_variable: tuple[str, str] | None = None
    """A variable that names another folder for the user's file, and the file's name there."""
    other_file: str | None = None
    """Another name of the user's file, used if only that file exists."""
    format: Format = "json"
    path: tuple[str, ...] = ("mcpServers", SERVER_NAME)
    """Where the entry stands in the file."""
    stdio: Shape = field(default_factory=lambda: _LINE)
    http: Shape | None = field(default_factory=lambda: _ADDRESS)
    """The entry for a server over HTTP; None if the file cannot have one."""
    instead_of_http: str = ""
    """What a user does for a server over HTTP if the file cannot have one, as a sentence."""
    passing: Passing = EVERYTHING
    reference: str | None = None
    """How a value refers to the variable NAME; None if values are plain text."""
    starts_in_project: bool = False
    """Whether the server's working folder is the folder that the user works in."""
    programs: tuple[str, ...] = ()
    """Programs whose presence shows that the client is installed."""
    folder: str | None = None
    """The folder whose presence shows it; None for that of the user's file."""
    note: str = ""
    """What else the user must know, as a sentence."""

    @property
    def lists_variables(self) -> bool:
        """Return whether an entry names the variables that the client passes on."""
        return Part.NAMES in self.stdio.values()


CLIENTS: tuple[Client, ...] = (
    Client(
        name="claude-code",
        title="Claude Code",
        files=Files.below_home(".claude.json"),
        project_file=".mcp.json",
        stdio={"type": "stdio", **_LINE},
        http={"type": "http", **_ADDRESS},
        reference="${NAME}",
        starts_in_project=True,
        programs=("claude",),
        folder="~/.claude",
    ),
    Client(
        name="claude-desktop",
        title="Claude Desktop",
        files=Files.of_application("Claude/claude_desktop_config.json"),
        http=None,
        passing=FROM_DESKTOP,
        instead_of_http="Add it in the application: Settings, Connectors.",
    ),
    Client(
        name="cursor",
        title="Cursor",
        files=Files.below_home(".cursor/mcp.json"),
        project_file=".cursor/mcp.json",
        reference="${env:NAME}",
        programs=("cursor",),
    ),
    Client(
        name="vscode",
        title="VS Code with Copilot",
        files=Files.of_application("Code/User/mcp.json"),
        project_file=".vscode/mcp.json",
        path=("servers", SERVER_NAME),
        stdio={"type": "stdio", **_LINE},
        http={"type": "http", **_ADDRESS},
        reference="${env:NAME}",
        starts_in_project=True,
        programs=("code",),
    ),
    Client(
        name="copilot-cli",
        title="Copilot CLI",
        files=Files.below_home(".copilot/mcp-config.json"),
        project_file=".github/mcp.json",
        home_variable=("COPILOT_HOME", "mcp-config.json"),
        stdio={"type": "local", **_LINE, "tools": ["*"]},
        http={"type": "http", **_ADDRESS, "tools": ["*"]},
        passing=BASIC,
        reference="${NAME}",
        starts_in_project=True,
        programs=("copilot",),
    ),
    Client(
        name="codex",
        title="Codex",
        files=Files.below_home(".codex/config.toml"),
        project_file=".codex/config.toml",
        home_variable=("CODEX_HOME", "config.toml"),
        format="toml",
        path=("mcp_servers", SERVER_NAME),
        stdio={**_LINE, "env_vars": Part.NAMES},
        http={"url": Part.URL, "env_http_headers": Part.HEADER_VARIABLES},
        passing=CODEX_LIST,
        starts_in_project=True,
        programs=("codex",),
    ),
    Client(
        name="gemini-cli",
        title="Gemini CLI",
        files=Files.below_home(".gemini/settings.json"),
        project_file=".gemini/settings.json",
        http={"httpUrl": Part.URL, "headers": Part.HEADERS},
        passing=WITHOUT_SECRETS,
        reference="$NAME",
        starts_in_project=True,
        programs=("gemini",),
        note="Gemini CLI starts servers only in folders that you trust (/permissions).",
    ),
    Client(
        name="opencode",
        title="opencode",
        files=Files(*["~/.config/opencode/opencode.jsonc"] * 3),
        project_file="opencode.json",
        other_file="opencode.json",
        path=("mcp", SERVER_NAME),
        stdio={
            "type": "local",
            "command": Part.LINE,
            "environment": Part.VARIABLES,
            "enabled": True,
        },
        http={"type": "remote", **_ADDRESS, "enabled": True},
        reference="{env:NAME}",
        starts_in_project=True,
        programs=("opencode",),
    ),
    Client(
        name="windsurf",
        title="Windsurf",
        files=Files.below_home(".codeium/windsurf/mcp_config.json"),
        http={"serverUrl": Part.URL, "headers": Part.HEADERS},
        reference="${env:NAME}",
        programs=("windsurf",),
    ),
    Client(
        name="zed",
        title="Zed",
        files=Files(
            "~/.config/zed/settings.json",
            "~/.config/zed/settings.json",
            "%APPDATA%/Zed/settings.json",
        ),
        project_file=".zed/settings.json",
        path=("context_servers", SERVER_NAME),
        starts_in_project=True,
        programs=("zed", "zeditor"),
    ),
    Client(
        name="cline",
        title="Cline",
        files=Files.of_application(
            "Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json"
        ),
        stdio={**_LINE, "disabled": False, "autoApprove": []},
        http={"type": "streamableHttp", **_ADDRESS, "disabled": False},
        reference="${env:NAME}",
    ),
    Client(
        name="goose",
        title="Goose",
        files=Files(
            "~/.config/goose/config.yaml",
            "~/.config/goose/config.yaml",
            "%APPDATA%/Block/goose/config/config.yaml",
        ),
        format="yaml",
        path=("extensions", SERVER_NAME),
        stdio={
            "enabled": True,
            "type": "stdio",
            "name": SERVER_NAME,
            "cmd": Part.COMMAND,
            "args": Part.ARGUMENTS,
            "envs": Part.VARIABLES,
            "env_keys": Part.NAMES,
            "timeout": 300,
        },
        http={
            "enabled": True,
            "type": "streamable_http",
            "name": SERVER_NAME,
            "uri": Part.URL,
            "headers": Part.HEADERS,
            "timeout": 300,
        },
        programs=("goose",),
        note="Its file is YAML, which evals-mcp does not change: paste the block.",
    ),
    Client(
        name="junie",
        title="Junie (JetBrains)",
        files=Files.below_home(".junie/mcp/mcp.json"),
        project_file=".junie/mcp/mcp.json",
        http=None,
        passing=FROM_DESKTOP,
        instead_of_http="For AI Assistant, see Settings, Tools, AI Assistant, MCP.",
    ),
    Client(
        name="lm-studio",
        title="LM Studio",
        files=Files.below_home(".lmstudio/mcp.json"),
        programs=("lms",),
    ),
    Client(
        name="kiro",
        title="Kiro",
        files=Files.below_home(".kiro/settings/mcp.json"),
        project_file=".kiro/settings/mcp.json",
        stdio={**_LINE, "disabled": False, "autoApprove": []},
        http={**_ADDRESS, "disabled": False},
        reference="${NAME}",
        starts_in_project=True,
        programs=("kiro", "kiro-cli"),
    ),
)
