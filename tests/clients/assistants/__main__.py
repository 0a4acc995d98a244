"""Sets each assistant up with `evals-mcp install` alone, reads its list of servers, runs the story.

The judge of the last step is a model that wants a key, which stands in a variable of the shell
only: without the entry's reference that step fails. The first run installs the assistants from
their registry; nothing else leaves this machine. Words after the command select assistants.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import anyio

from tests.clients.assistants.programs import BUILD, PACKAGES, Assistant, assistants
from tests.clients.assistants.scripted_model import LONGEST_STEP, ScriptedModel
from tests.clients.story import EVALUATION, Reader, Step, UnreadableError
from tests.clients.story import STEPS as STORY
from tests.engine.model_server import ChatRequest, ModelServer, Reply, failure, verdict
from tests.locked_packages import NODE, npm_packages


async def judge(reader: Reader) -> None:
    """Create an evaluation whose judge wants the key, and wait for its end.

    It is below the limit at which users are asked: what an assistant without a person does with a
    question differs from one to the next.
    """
    await reader.call("create_evaluation", **reader.request)
    started = reader.read(EVALUATION)
    await reader.call("get_status", evaluation_id=started, wait_seconds=20)
    reader.expect(started, "completed", "100.0 %")


STEPS: tuple[Step, ...] = (*STORY[:-1], judge)
KEY_VARIABLE = "JUDGE_API_KEY"
KEY = "judge-key-0123456789"
PROGRAM = str(Path(sys.executable).with_name("evals-mcp"))
LINE = "{:14} {:10} {:7}" + "{:>10}" * len(STEPS) + "{:>9} {:>8}"


@dataclass
class Outcome:
    """The result of one run."""

    listed: bool = False
    """Whether the assistant lists the server."""
    done: list[str] = field(default_factory=list[str])
    removed: bool = False
    """Whether removing the entry left every file as it was."""
    holds_key: bool = False
    """Whether the key stands in a file, which it must not."""
    fault: str | None = None
    seconds: float = 0.0


async def main(words: Sequence[str]) -> int:
    """Run the chosen assistants; return 0 if all is well, else 1."""
    npm_packages(BUILD, PACKAGES / "package-lock.json")
    chosen = [each for each in assistants() if not words or any(w in each.client for w in words)]
    names = (step.__name__ for step in STEPS)
    print(LINE.format("assistant", "version", "listed", *names, "removed", "seconds"))
    faults: list[str] = []
    for assistant in chosen:
        outcome = await run(assistant)
        print(row(assistant, outcome), flush=True)
        if outcome.fault:
            faults.append(f"{assistant.client}: {outcome.fault}")
    print(*faults, sep="\n")
    print(f"{len(chosen) - len(faults)} of {len(chosen)} assistants did the main job")
    return int(bool(faults) or not chosen)


def verdict_for_key(request: ChatRequest) -> Reply:
    """Judge if the key came along."""
    if request.headers.get("authorization") != f"Bearer {KEY}":
        return failure(401, "no key")
    return verdict(feedback="", label="good")


async def run(assistant: Assistant) -> Outcome:
    """Set an assistant up in a home folder of its own, and run the story."""
    outcome, started = Outcome(), time.monotonic()
    log = BUILD / f"{assistant.client}.log"
    with tempfile.TemporaryDirectory(prefix="evals-mcp-assistant-") as name:
        home = Path(name)
        (home / "work").mkdir()
        async with ModelServer(verdict_for_key, ["fixed"]) as models, ScriptedModel() as model:
            assistant.prepare(home, model.base_url)
            _write_settings(home, models.base_url)
            try:
                _command(home, assistant, PROGRAM, "install", assistant.client)
                listing = _command(home, assistant, *assistant.program, *assistant.listing)
                outcome.listed = "evals" in listing
                await _story(assistant, home, model, outcome, log)
                outcome.holds_key = KEY in "".join(map(str, _contents(home).values()))
                _command(home, assistant, PROGRAM, "install", assistant.client, "--remove")
                after = "".join(map(str, _contents(home).values()))
                outcome.removed = PROGRAM not in after
            except (UnreadableError, subprocess.SubprocessError) as fault:
                outcome.fault = str(fault)
    outcome.seconds = time.monotonic() - started
    if not outcome.fault and not (outcome.listed and outcome.removed):
        outcome.fault = "the server is not listed, or its entry remains"
    if outcome.holds_key:
        outcome.fault = "the key stands in a file"
    return outcome


async def _story(
    assistant: Assistant, home: Path, model: ScriptedModel, outcome: Outcome, log: Path
) -> None:
    command = [*assistant.program, *assistant.ask]
    environ = _environ(home, assistant) | assistant.environ(model.base_url)
    with log.open("w") as output:
        process = await anyio.open_process(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=environ,
            cwd=home / "work",
        )
        try:
            reader = Reader(model)
            for step in STEPS:
                await step(reader)
                outcome.done.append(step.__name__)
            await model.finish()
            with anyio.move_on_after(LONGEST_STEP):
                await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
            await process.aclose()


def _write_settings(home: Path, url: str) -> None:
    path = home / ".config" / "evals-mcp" / "config.toml"
    path.parent.mkdir(parents=True)
    path.write_text(
        '[server]\nprovider = "local"\n\n'
        f'[local.models]\nbase_url = "{url}"\ntoken_env = "{KEY_VARIABLE}"\n'
    )


def _command(home: Path, assistant: Assistant, *command: str) -> str:
    """Run a command in the home folder; return what it prints.

    Raises:
        SubprocessError: it fails, or takes too long.
    """
    done = subprocess.run(
        command,
        env=_environ(home, assistant),
        cwd=home / "work",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=LONGEST_STEP,
        check=False,
    )
    if done.returncode:
        raise subprocess.SubprocessError(f"{command}: {done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def _environ(home: Path, assistant: Assistant) -> dict[str, str]:
    """Return the environment of a shell in which the key of the judge is set."""
    path = os.pathsep.join((str(NODE.parent), os.environ["PATH"]))
    return {"HOME": str(home), "PATH": path, "TERM": "dumb", KEY_VARIABLE: KEY}


def _contents(home: Path) -> dict[str, bytes]:
    """Return the settings files in a home folder with what they hold."""
    return {
        str(path.relative_to(home)): path.read_bytes()
        for path in home.rglob("*")
        if path.is_file() and path.suffix in {".json", ".jsonc", ".toml"}
    }


def row(assistant: Assistant, outcome: Outcome) -> str:
    """Return a line of the table; the step after the completed ones has failed."""
    marks = ["ok"] * len(outcome.done)
    if len(marks) < len(STEPS):
        marks += ["FAILED", *["-"] * (len(STEPS) - len(marks) - 1)]
    listed, removed = ("ok" if each else "no" for each in (outcome.listed, outcome.removed))
    seconds = f"{outcome.seconds:.1f}"
    return LINE.format(assistant.client, assistant.version, listed, *marks, removed, seconds)


if __name__ == "__main__":
    sys.exit(anyio.run(main, sys.argv[1:]))
