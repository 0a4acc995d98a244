"""The README is right: its tools exist, and its configuration blocks can be read."""

import json
import re
import tomllib
from pathlib import Path

from evals_mcp.prompts.catalog import PROMPTS
from evals_mcp.services import SERVICES
from evals_mcp.settings.loading import load_settings
from evals_mcp.tools.catalog import TOOLS

PAGE = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def table(heading: str) -> list[str]:
    """The names in the first column of the table under a heading of two columns."""
    rows = PAGE.partition(f"| {heading} |")[2].partition("\n\n")[0]
    return re.findall(r"^\| `(\w+)` \|", rows, re.MULTILINE)


def test_the_table_of_tools_is_the_catalogue() -> None:
    assert sorted(table("tool | purpose")) == sorted(tool.name for tool in TOOLS)


def test_the_table_of_prompts_is_their_catalogue() -> None:
    assert table("prompt | the question that it answers") == list(PROMPTS)


def test_every_client_block_can_be_read_and_starts_the_command(tmp_path: Path) -> None:
    servers = [json.loads(block) for block in blocks("json")]
    entries = [next(iter((one.get("mcpServers") or one["servers"]).values())) for one in servers]
    entries += [tomllib.loads(block)["mcp_servers"]["evals"] for block in blocks("toml")]
    assert len(entries) == 4
    for entry in entries:
        assert entry["command"] == "evals-mcp"
        settings = load_settings(
            None, {"HOME": str(tmp_path), **entry.get("env", {})}, tmp_path, SERVICES
        )
        assert settings.providers == ("local",)
