"""The README is right: its tools exist, and its configuration blocks can be read."""

import json
import re
import tomllib
from pathlib import Path

from evals_mcp.services import SERVICES
from evals_mcp.settings.loading import load_settings
from evals_mcp.tools.catalog import TOOLS

PAGE = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_the_table_of_tools_is_the_catalogue() -> None:
    listed = re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)
    assert sorted(listed) == sorted(tool.name for tool in TOOLS)


def test_every_client_block_can_be_read_and_starts_the_command(tmp_path: Path) -> None:
    servers = [json.loads(block) for block in blocks("json")]
    entries = [next(iter((one.get("mcpServers") or one["servers"]).values())) for one in servers]
    entries += [tomllib.loads(block)["mcp_servers"]["evals"] for block in blocks("toml")]
    assert len(entries) == 3
    for entry in entries:
        assert entry["command"] == "evals-mcp"
        settings = load_settings(
            None, {"HOME": str(tmp_path), **entry.get("env", {})}, tmp_path, SERVICES
        )
        assert settings.providers == ("local",)
