"""The README is right: its tools exist, and its configuration blocks can be read."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

from evals_mcp.prompts.catalog import PROMPTS
from evals_mcp.services import SERVICES
from evals_mcp.settings.loading import load_settings
from evals_mcp.tools.catalog import TOOLS

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "README.md").read_text(encoding="utf-8")


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


def test_the_conversation_is_what_the_demo_prints() -> None:
    demo = subprocess.run(
        [sys.executable, "examples/demo.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert demo.returncode == 0, demo.stderr
    block = PAGE.partition("## A conversation")[2].split("```")[1]
    answers = re.findall(r"^ +server  (.*(?:\n {11}.*)*)", block, re.MULTILINE)
    assert len(answers) == 2
    for answer in answers:
        assert without_ids(answer) in without_ids(demo.stdout)


def without_ids(text: str) -> str:
    """Return a text on one line, without what differs between two runs."""
    same = re.sub(r"eval-\w+-\d+", "eval-…", text)
    return " ".join(re.sub(r"took [\d.]+ s", "took …", same).split())
