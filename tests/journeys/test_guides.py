"""What the guides print works: every tool call in the order of its page, and every command."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from anyio import to_thread

from tests.engine.model_server import ChatRequest, ModelServer, Reply, verdict
from tests.journeys.conversation import conversation

pytestmark = pytest.mark.usefixtures("lines_not_counted")

ROOT = Path(__file__).resolve().parents[2]
GUIDES = sorted((ROOT / "docs" / "guides").glob("*.md"))
BLOCK = re.compile(r"^```(json \w+|console)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def judged(request: ChatRequest) -> Reply:
    """The first verdict that the request explains."""
    for label in ("told", "correct"):
        if label in request.system:
            return verdict(label=label, feedback="")
    return verdict(choice="A", feedback="")


@dataclass
class Page:
    """A page that is read from top to bottom, with the ids that its calls returned."""

    ids: dict[str, str] = field(default_factory=dict[str, str])
    """The last id of each kind, `file` or `eval`."""

    def filled(self, text: str) -> str:
        return re.sub(r"\b(file|eval)-…", lambda match: self.ids[match[1]], text)

    def keep(self, answer: dict[str, Any]) -> None:
        for name in ("file_id", "evaluation_id"):
            if value := answer.get(name):
                self.ids[name[:4]] = value


def run(command: str, folder: Path) -> None:
    """Run a printed command as the user of this machine would."""
    program, *arguments = command.split()
    assert program == "evals-mcp"
    own = {name: value for name, value in os.environ.items() if not name.startswith("EVALS_")}
    variables = {
        "HOME": str(folder),
        "XDG_DATA_HOME": str(folder / "home"),
        "EVALS_MCP_SERVER__PROVIDER": "local",
        "EVALS_MCP_LOCAL__DATA_DIR": str(folder / "engine"),
        "EVALS_MCP_RESULTS__CACHE_DIR": str(folder / "results"),
        "EVALS_MCP_STATE__FOLDER": str(folder / "state"),
    }
    ended = subprocess.run(
        [sys.executable, "-m", "evals_mcp.cli", *arguments],
        cwd=folder,
        env=own | variables,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.parametrize("path", GUIDES, ids=[path.stem for path in GUIDES])
async def test_what_a_guide_prints_works_from_top_to_bottom(path: Path, tmp_path: Path) -> None:
    for name in ("support_answers.jsonl", "evals.toml"):
        shutil.copy(ROOT / "examples" / name, tmp_path)
    page = Page()
    async with (
        ModelServer(judged, ["qwen3:4b"]) as models,
        conversation(tmp_path, tmp_path, LOCAL__MODELS__BASE_URL=models.base_url) as talk,
    ):
        for kind, text in BLOCK.findall(path.read_text(encoding="utf-8")):
            if kind == "console":
                for line in page.filled(text).splitlines():
                    await to_thread.run_sync(run, line, tmp_path)
            else:
                tool = kind.removeprefix("json ")
                page.keep(await talk.answer(tool, **json.loads(page.filled(text))))


@pytest.mark.parametrize("path", GUIDES, ids=[path.stem for path in GUIDES])
def test_every_link_of_a_guide_leads_to_a_file(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)", path.read_text(encoding="utf-8")):
        assert (path.parent / target).exists(), target


def test_every_setting_that_a_guide_names_exists() -> None:
    example = (ROOT / "config.example.toml").read_text(encoding="utf-8")
    for path in GUIDES:
        for section, name in re.findall(
            r"`(budget|local|together|http|datasets|server)\.(?:\w+\.)*(\w+)",
            path.read_text(encoding="utf-8"),
        ):
            assert re.search(rf"^#?{name} = ", example, re.MULTILINE), f"{section}.{name}"


def test_every_message_that_is_quoted_is_one_of_the_servers() -> None:
    page = (ROOT / "docs" / "guides" / "troubleshooting.md").read_text(encoding="utf-8")
    sources = "".join(path.read_text() for path in (ROOT / "server").rglob("*.py"))
    messages = re.sub(r'"\s*f?"', "", sources)

    quoted = re.findall(r'^\| "([^"]+)"', page, re.MULTILINE)
    parts = [part.strip(" .`") for text in quoted for part in text.split("…")]
    assert len(quoted) >= 3
    for part in parts:
        assert part in messages, part
