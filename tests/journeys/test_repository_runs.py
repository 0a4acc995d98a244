"""A run of a file in processes: interrupted, joined by others, and judged once."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import anyio
import pytest
from anyio import to_thread

from tests.engine.model_server import ChatRequest, ModelServer, Reply, verdict

pytestmark = pytest.mark.usefixtures("lines_not_counted")

ROWS, WORKERS = 60, 4
FILE = f"""data = "answers.jsonl"
type = "classify"
labels = ["right", "wrong"]
pass_labels = ["right"]
response_column = "answer"

[judge]
model = "scripted"
system_template = "Is it right?"
num_workers = {WORKERS}
"""


def _started(folder: Path, base_url: str, out: str) -> subprocess.Popen[str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith("EVALS_")}
    variables = {
        "HOME": str(folder),
        "XDG_DATA_HOME": str(folder / "home"),
        "XDG_CACHE_HOME": str(folder / "home"),
        "EVALS_MCP_SERVER__PROVIDER": "local",
        "EVALS_MCP_LOCAL__MODELS__BASE_URL": base_url,
        "PYTHONUNBUFFERED": "1",
    }
    return subprocess.Popen(
        [sys.executable, "-m", "evals_mcp.cli", "run", "evals.toml", "--out", out],
        cwd=folder,
        env=own | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


async def _ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    with anyio.fail_after(300):
        printed, _ = await to_thread.run_sync(process.communicate)
    return process.returncode, printed


async def test_an_interrupted_run_goes_on_once_in_whoever_comes_next(tmp_path: Path) -> None:
    rows = [{"answer": f"The sum {number}."} for number in range(ROWS)]
    (tmp_path / "answers.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "evals.toml").write_text(FILE)
    judging, interrupted = anyio.Event(), anyio.Event()

    def reply(_: ChatRequest) -> Reply:
        judging.set()
        # Slow at first, so that the signal comes before the end on a busy machine, too.
        seconds = 0.1 if interrupted.is_set() else 3.0
        return verdict(delay=seconds, feedback="", label="right")

    async with ModelServer(reply) as server:
        first = _started(tmp_path, server.base_url, "first")
        with anyio.fail_after(120):
            await judging.wait()
        first.send_signal(signal.SIGINT)
        code, printed = await _ended(first)
        interrupted.set()
        assert code == 130, printed
        assert "Interrupted. What was started goes on" in printed
        assert not (tmp_path / "first" / "results.json").exists()

        others = [_started(tmp_path, server.base_url, name) for name in ("second", "third")]
        for process in others:
            code, printed = await _ended(process)
            assert code == 0, printed
            assert "Joined 'classify'" in printed
        calls = len(server.requests)

    results = [
        json.loads((tmp_path / name / "results.json").read_text()) for name in ("second", "third")
    ]
    ids = {str(each["metrics"][0]["evaluation_ids"]) for each in results}
    assert len(ids) == 1
    assert re.search("eval-", ids.pop())
    assert [each["metrics"][0]["rows"] for each in results] == [ROWS, ROWS]
    assert ROWS <= calls <= ROWS + 2 * WORKERS
