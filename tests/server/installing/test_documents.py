"""The documents about setting the server up say what the table of clients says."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from evals_mcp.installing.clients import CLIENTS, Client
from evals_mcp.installing.entries import Launch, Wish, entry_of

ROOT = Path(__file__).parents[3]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGE = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")
KEYS = ("TOGETHER_API_KEY", "NUGEN_API_KEY")


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
def test_each_client_has_a_line_with_its_files(client: Client) -> None:
    project = f"`{client.project_file}`" if client.project_file else "none"
    line = f"| {client.title} | `{client.name}` | `{client.files.linux}` | {project} |"

    assert line in PAGE


def test_the_page_has_no_line_too_many() -> None:
    names = re.findall(r"^\| [^|]+ \| `([a-z-]+)` \| `~", PAGE, re.MULTILINE)

    assert names == [client.name for client in CLIENTS]


def test_the_readme_names_every_client() -> None:
    start = README.index("`install` writes the entry for")
    sentence = " ".join(README[start : README.index("By hand", start)].split())

    names = [client.title.removesuffix(" (JetBrains)") for client in CLIENTS]
    assert [name for name in names if name.removesuffix(" with Copilot") not in sentence] == []


@pytest.mark.parametrize(
    ("name", "heading", "language"),
    [
        ("codex", "Codex", "toml"),
        ("gemini-cli", "Gemini CLI", "json"),
        ("vscode", "VS Code", "json"),
    ],
)
def test_a_block_of_the_readme_is_what_install_writes(
    name: str, heading: str, language: str
) -> None:
    block = re.search(rf"\*\*{heading}\*\*.*?```{language}\n(.*?)```", README, re.DOTALL)
    assert block is not None
    holds: dict[str, Any] = json.loads(block[1]) if language == "json" else tomllib.loads(block[1])
    client = next(client for client in CLIENTS if client.name == name)
    for key in client.path:
        holds = holds[key]

    written = entry_of(client, Wish(Launch("evals-mcp"), dict.fromkeys(KEYS, "set"), KEYS))

    assert {"args": [], **holds} == written


@pytest.mark.parametrize("text", [README, PAGE])
def test_no_package_that_is_not_ours_yet_is_named(text: str) -> None:
    assert "uvx" not in text
    assert "pip install evals-mcp" not in text
