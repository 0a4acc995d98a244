"""Runs action.yml as a forge's runner does: step after step, each script in a bash of its own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

ACTION = Path(__file__).parents[3] / "action.yml"
_yaml: Any = import_module("yaml")

_EXPRESSION = re.compile(r"\$\{\{\s*(.+?)\s*\}\}")
_COMPARISON = re.compile(r"(\S+)\s*(==|!=)\s*(\S+)")
_PYTHON = """#!/bin/sh
# Stands for a Python whose pip installs this tree.
test "$1 $2" = "-m venv" || exec "{python}" "$@"
mkdir -p "$3/bin"
printf '#!/bin/sh\\nexec "{python}" -m evals_mcp.cli "$@"\\n' > "$3/bin/evals-mcp"
printf '#!/bin/sh\\ntest -e "$3/action.yml"\\n' > "$3/bin/pip"
ln -sf "{python}" "$3/bin/python"
chmod +x "$3/bin/evals-mcp" "$3/bin/pip"
"""


def action() -> dict[str, Any]:
    """The action."""
    return _yaml.safe_load(ACTION.read_text())


@dataclass
class Job:
    """What a job has left: the exit code of its first failing step, its outputs and files."""

    code: int = 0
    steps: dict[str, dict[str, dict[str, str]]] = field(
        default_factory=dict[str, dict[str, dict[str, str]]]
    )
    printed: str = ""
    summary: str = ""


@dataclass
class Runner:
    """A runner with the cache of one repository."""

    repository: Path
    home: Path

    def job(self, inputs: Mapping[str, str] | None = None, **github: Any) -> Job:
        """Run the action in the repository, as a pull request unless `github` says otherwise."""
        temporary = self.home / "runner"
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        python = temporary / "python"
        python.write_text(_PYTHON.format(python=sys.executable))
        python.chmod(0o700)
        loaded, job = action(), Job()
        given = {name: spec.get("default", "") for name, spec in loaded["inputs"].items()}
        given |= {"python": str(python)} | dict(inputs or {})
        event = {"event_name": "pull_request", "ref_name": "change", "sha": "abc123", "run_id": "7"}
        context: dict[str, Any] = {
            "inputs": given,
            "github": {
                **event,
                "action_path": str(ACTION.parent),
                "event": {"repository": {"default_branch": "main"}},
                **github,
            },
            "steps": job.steps,
        }
        for step in loaded["runs"]["steps"]:
            if self._is_due(step, job, context):
                self._step(step, job, context, temporary)
        return job

    def _is_due(self, step: Mapping[str, Any], job: Job, context: dict[str, Any]) -> bool:
        condition = str(step.get("if", "true"))
        if job.code and "always()" not in condition:
            return False
        return _value(condition, context) == "true"

    def _step(
        self, step: Mapping[str, Any], job: Job, context: dict[str, Any], temporary: Path
    ) -> None:
        if "uses" in step:
            self._cache(str(step["uses"]), self.repository / step["with"]["path"])
            return
        assert "${{" not in step["run"], "an expression in a script is read as code"
        output, summary = temporary / "output", temporary / "summary"
        output.write_text("")
        script = temporary / "script.sh"
        script.write_text(step["run"])
        env = {name: _text(str(text), context) for name, text in step.get("env", {}).items()}
        variables = {
            "RUNNER_TEMP": str(temporary),
            "GITHUB_ACTIONS": "true",
            "GITHUB_OUTPUT": str(output),
            "GITHUB_STEP_SUMMARY": str(summary),
            "GITHUB_ENV": str(temporary / "env"),
            "HOME": str(self.home),
        }
        ended = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
            cwd=self.repository,
            env=dict(os.environ) | variables | env,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        lines = output.read_text().splitlines()
        job.steps[str(step.get("id", step["name"]))] = {
            "outputs": dict(line.split("=", 1) for line in lines)
        }
        job.printed += ended.stdout + ended.stderr
        job.summary = summary.read_text() if summary.exists() else ""
        job.code = job.code or ended.returncode

    def _cache(self, uses: str, path: Path) -> None:
        kept = self.home / "cache"
        source, target = (path, kept) if "/save@" in uses else (kept, path)
        if source.exists():
            shutil.copytree(source, target, dirs_exist_ok=True)


def _text(text: str, context: Mapping[str, Any]) -> str:
    return _EXPRESSION.sub(lambda match: _value(match[1], context), text)


def _value(expression: str, context: Mapping[str, Any]) -> str:
    """The value of an expression: names, texts, `==`, `!=`, `&&` and `always()`."""
    parts = [part.strip() for part in expression.split("&&")]
    if len(parts) > 1:
        return str(all(_value(part, context) == "true" for part in parts)).lower()
    if compared := _COMPARISON.fullmatch(parts[0]):
        left, right = _value(compared[1], context), _value(compared[3], context)
        return str((left == right) == (compared[2] == "==")).lower()
    if parts[0] in {"true", "always()"}:
        return "true"
    if parts[0].startswith("'"):
        return parts[0].strip("'")
    found: Any = context
    for name in parts[0].split("."):
        found = found.get(name, "") if isinstance(found, Mapping) else ""  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
    return str(found)  # pyright: ignore[reportUnknownArgumentType]
