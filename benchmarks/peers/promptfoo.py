"""Evaluations in promptfoo without a model: the answers of the rows are the prompts, which its
provider `echo` returns.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from benchmarks.child_process import ChildFailedError
from benchmarks.stdio_session import Server

DEADLINE = 1200.0
"""Seconds after which an evaluation is ended."""


def evaluate(server: Server, rows: Iterable[Mapping[str, str]]) -> None:
    """Judge whether the column `answer` contains `expected`; store it in the server's home.

    Raises:
        ChildFailedError: the evaluation did not complete.
    """
    node, entry, *_ = server.command
    home = Path(server.settings["HOME"])
    tests = home / "rows.jsonl"
    tests.write_text("".join(json.dumps({"vars": row}) + "\n" for row in rows), encoding="utf-8")
    config = {
        "prompts": ["{{answer}}"],
        "providers": ["echo"],
        "defaultTest": {"assert": [{"type": "contains", "value": "{{expected}}"}]},
        # The evaluation stores only the file's name, as for every file of tests.
        "tests": f"file://{tests.name}",
    }
    file = home / "config.json"
    file.write_text(json.dumps(config), encoding="utf-8")
    options = ["--no-table", "--no-progress-bar", "--no-cache", "--no-share"]
    try:
        done = subprocess.run(
            [node, entry, "eval", "--config", str(file), *options],
            cwd=home,
            env=os.environ | server.settings,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=DEADLINE,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ChildFailedError(f"no evaluation within {DEADLINE:.0f} s") from error
    if done.returncode:
        log = (done.stdout + done.stderr)[-500:].decode(errors="replace")
        raise ChildFailedError(f"its evaluation ended with {done.returncode}: {log}")
