"""`evals-mcp label`: a person at a terminal labels with a key or two a row; nobody else does."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

from evals_mcp.labels.counting import progress_of
from evals_mcp.labels.store import LabelStore
from evals_mcp.marks.subjects import subjects_of
from evals_mcp.tools.calls.session import ToolSession
from evals_schemas.evaluation_api.evaluations import EvaluationJob
from tests.server.commands.home import variables_of
from tests.server.serving import own_provider, served, settings
from tests.server.views.sessions import session_of

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are of POSIX")

GUARD = 120.0
PLANTED = "PLANTED"
RULE = {"model": "rule/contains", "system_template": "{{expected}}"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A data folder with an ended evaluation of the local engine, and its id."""
    folder = tmp_path_factory.mktemp("home")
    return folder, anyio.run(_judged, folder)


async def _judged(folder: Path) -> str:
    rows = [
        {"question": f"Row {n}?", "answer": f"{n % 2}", "other_answer": "1", "expected": "1"}
        for n in range(8)
    ]
    names = [f"{PLANTED}-good", f"{PLANTED}-bad"]
    return await judged(folder, rows, labels=names, pass_labels=names[:1])


async def judged(folder: Path, rows: list[dict[str, Any]], **passes: Any) -> str:
    """Judge rows by a rule in a data folder, and return the id of the ended evaluation."""
    configured = settings(folder, local={"data_dir": folder / "engine"})
    async with own_provider(configured) as provider, served(provider, configured=configured) as has:
        stored = await has.answer("upload_dataset", rows=rows)
        made = await has.answer(
            "create_evaluation",
            type="classify",
            **passes,
            response_column="answer",
            judge=RULE,
            input_data_file_path=stored["file_id"],
        )
        wait = {"evaluation_id": made["evaluation_id"], "wait_seconds": 45}
        while not (await has.answer("get_status", **wait))["finished"]:
            continue
    return made["evaluation_id"]


def environment(folder: Path) -> dict[str, str]:
    return {**os.environ, **variables_of(folder)}


class Terminal:
    """A pseudo-terminal with a command in it."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.shown = ""

    def wait_for(self, text: str) -> str:
        """Wait until a text is shown; return what was shown up to it since the last wait."""
        end = time.monotonic() + GUARD
        while text not in self.shown:
            left = end - time.monotonic()
            assert left > 0, self.shown
            if select.select([self._descriptor], [], [], left)[0]:
                self.shown += os.read(self._descriptor, 65_536).decode()
        seen, _, self.shown = self.shown.partition(text)
        return seen + text

    def press(self, key: str) -> None:
        """Press a key."""
        os.write(self._descriptor, key.encode())


@contextmanager
def terminal(folder: Path, *arguments: str) -> Generator[tuple[Terminal, subprocess.Popen[bytes]]]:
    outer, inner = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "evals_mcp.cli", "label", *arguments],
        stdin=inner,
        stdout=inner,
        stderr=inner,
        env=environment(folder),
        cwd=folder,
    )
    os.close(inner)
    try:
        yield Terminal(outer), process
    finally:
        process.kill()
        process.wait(GUARD)
        os.close(outer)


def labelled(home: tuple[Path, str], keys: Sequence[str], *more: str) -> str:
    """Label with these keys, end, and return everything that was shown."""
    folder, evaluation = home
    with terminal(folder, evaluation, *more) as (screen, process):
        shown = ""
        for key in keys:
            shown += screen.wait_for("[q] end")
            screen.press(key)
        shown += screen.wait_for("[q] end")
        screen.press("q")
        shown += screen.wait_for("rows labelled")
        assert process.wait(GUARD) == 0
    return shown


async def counts(folder: Path, evaluation: str) -> tuple[dict[str, int], int, int]:
    """Return the labels by labeller, the skips, and the rows with labels of two labellers."""
    configured = settings(folder, local={"data_dir": folder / "engine"})

    async def read(store: LabelStore, job: EvaluationJob) -> tuple[dict[str, int], int, int]:
        verdicts = subjects_of(job).verdicts
        (sample,) = await store.samples(verdicts)
        progress = progress_of(sample, await store.all_of(verdicts))
        return dict(progress.labels), progress.skipped, progress.both

    async with own_provider(configured) as provider:
        session: ToolSession
        async with session_of(provider, folder) as session:
            return await read(session.labels, await session.evaluation(evaluation))


def test_a_person_labels_with_a_key_a_row_and_sees_no_verdict(home: tuple[Path, str]) -> None:
    shown = labelled(home, ["1", "2", "s", "x1", "b", "2"])
    rows = shown.replace(f"[1] {PLANTED}-good", "").replace(f"[2] {PLANTED}-bad", "")
    assert PLANTED not in rows
    assert "verdicts are hidden" in rows
    assert "\nanswer (the judged answer):" in rows.replace("\r", "")
    assert "\nother_answer:" in rows.replace("\r", "")
    assert anyio.run(counts, *home) == ({"labeller 1": 3}, 1, 0)
    shown = labelled(home, ["1"], "--as", "Ben")
    assert "you label as Ben" in shown
    assert anyio.run(counts, *home) == ({"labeller 1": 3, "Ben": 1}, 1, 1)


def test_without_a_terminal_nothing_is_labelled(home: tuple[Path, str]) -> None:
    folder, evaluation = home
    refused = subprocess.run(
        [sys.executable, "-m", "evals_mcp.cli", "label", evaluation],
        input="1\n2\n",
        capture_output=True,
        text=True,
        env=environment(folder),
        cwd=folder,
        timeout=GUARD,
        check=False,
    )
    assert refused.returncode == 2
    assert "needs a terminal" in refused.stderr


def test_a_person_who_has_had_enough_closes_the_sample(home: tuple[Path, str]) -> None:
    folder, evaluation = home
    labelled(home, ["1"], "--as", "Cleo")
    shown = [
        subprocess.run(
            [sys.executable, "-m", "evals_mcp.cli", "label", evaluation, "--close"],
            capture_output=True,
            text=True,
            env=environment(folder),
            cwd=folder,
            timeout=GUARD,
            check=True,
        ).stdout
        for _ in range(2)
    ]
    assert shown[0].startswith("The sample is closed: every verdict is shown.")
    assert shown[1] == f"No row of {evaluation} waits for a label.\n"
