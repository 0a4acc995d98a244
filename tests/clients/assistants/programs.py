"""The four assistants: how each is started, and how it finds its model."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.locked_packages import NODE

PACKAGES = Path(__file__).parents[1] / "packages" / "assistants"
BUILD = Path(__file__).parents[3] / "build" / "assistants"
MODULES = BUILD / "node_modules"

PROMPT = "How good are our answers?"


@dataclass(frozen=True)
class Assistant:
    """One assistant."""

    client: str
    """Its name for `evals-mcp install`."""
    package: str
    program: list[str]
    ask: tuple[str, ...]
    """The arguments that ask one question without a person."""
    listing: tuple[str, ...]
    """The arguments that list its MCP servers."""
    prepare: Callable[[Path, str], None]
    """Writes into a home folder where the model is."""
    environ: Callable[[str], dict[str, str]] = field(default=lambda _: {})
    """Returns the variables that say where the model is."""

    @property
    def version(self) -> str:
        """Return the installed version."""
        manifest = MODULES / self.package / "package.json"
        return json.loads(manifest.read_text(encoding="utf-8"))["version"]


def _platform_package(pattern: str, program: str) -> str:
    """Return a program in the package for this platform."""
    found = sorted(MODULES.glob(f"{pattern}/{program}"))
    return str(found[0]) if found else f"{pattern}/{program}"


def _claude(home: Path, _: str) -> None:
    (home / ".claude.json").write_text(
        json.dumps({"hasCompletedOnboarding": True, "autoUpdates": False}, indent=2)
    )


def _codex(home: Path, url: str) -> None:
    path = home / ".codex" / "config.toml"
    path.parent.mkdir()
    path.write_text(
        '# The model of this test.\nmodel = "scripted"\nmodel_provider = "scripted"\n\n'
        f'[model_providers.scripted]\nname = "scripted"\nbase_url = "{url}/v1"\n'
        'wire_api = "responses"\n'
    )


def _gemini(home: Path, _: str) -> None:
    folder = home / ".gemini"
    folder.mkdir()
    settings = {"security": {"auth": {"selectedType": "gemini-api-key"}}}
    (folder / "settings.json").write_text(f"// Ours.\n{json.dumps(settings, indent=2)}\n")
    trusted = {str(home / "work"): "TRUST_FOLDER"}
    (folder / "trustedFolders.json").write_text(json.dumps(trusted))


def _opencode(home: Path, url: str) -> None:
    path = home / ".config" / "opencode" / "opencode.jsonc"
    path.parent.mkdir(parents=True)
    options = {"baseURL": f"{url}/v1", "apiKey": "none"}
    scripted: dict[str, Any] = {
        "npm": "@ai-sdk/openai-compatible",
        "options": options,
        "models": {"scripted": {}},
    }
    content = {
        "provider": {"scripted": scripted},
        "model": "scripted/scripted",
        "autoupdate": False,
    }
    path.write_text(f"// Ours.\n{json.dumps(content, indent=2)}\n")


def assistants() -> tuple[Assistant, ...]:
    """Return the assistants, once their packages are installed."""
    return (
        Assistant(
            "claude-code",
            "@anthropic-ai/claude-code",
            [_platform_package("@anthropic-ai/claude-code-*", "claude")],
            ("-p", PROMPT, "--allowedTools", "mcp__evals", "--model", "scripted"),
            ("mcp", "list"),
            _claude,
            lambda url: {
                "ANTHROPIC_BASE_URL": url,
                "ANTHROPIC_API_KEY": "none",
                "ENABLE_TOOL_SEARCH": "false",
                "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            },
        ),
        Assistant(
            "codex",
            "@openai/codex",
            [str(NODE), str(MODULES / "@openai/codex/bin/codex.js")],
            ("exec", "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox", PROMPT),
            ("mcp", "list"),
            _codex,
        ),
        Assistant(
            "gemini-cli",
            "@google/gemini-cli",
            [str(NODE), str(MODULES / "@google/gemini-cli/bundle/gemini.js")],
            ("--yolo", "-m", "gemini-2.5-pro", "-p", PROMPT),
            ("mcp", "list"),
            _gemini,
            lambda url: {"GOOGLE_GEMINI_BASE_URL": url, "GEMINI_API_KEY": "none"},
        ),
        Assistant(
            "opencode",
            "opencode-linux-x64",
            [_platform_package("opencode-linux-x64", "bin/opencode")],
            ("run", PROMPT),
            ("mcp", "list"),
            _opencode,
        ),
    )
