"""A copy made while a server runs, as docs/deploy.md says, is all that a new server needs."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from anyio import to_thread

from tests.journeys.conversation import conversation

pytestmark = pytest.mark.usefixtures("lines_not_counted")

DATABASES = ("state/state.db", "engine/evals.sqlite3")
ROWS = [
    {"question": f"What is {n} + 1?", "answer": str(n + 1), "expected": str(n + 1), "topic": "sums"}
    for n in range(20)
]
CREATE = {
    "type": "classify",
    "judge": {"model": "rule/exact-match", "system_template": "{{expected}}"},
    "labels": ["right", "wrong"],
    "pass_labels": ["right"],
    "response_column": "answer",
}


def back_up(data: Path, copy: Path) -> None:
    """Copy both databases by SQLite itself, and then every other file."""
    for name in DATABASES:
        target = copy / name
        target.parent.mkdir(parents=True)
        with (
            closing(sqlite3.connect(data / name)) as source,
            closing(sqlite3.connect(target)) as into,
        ):
            source.backup(into)
    shutil.copytree(
        data, copy, dirs_exist_ok=True, ignore=shutil.ignore_patterns("state.db*", "evals.sqlite3*")
    )


async def test_a_copy_made_while_the_server_runs_holds_everything(tmp_path: Path) -> None:
    data, copy = tmp_path / "data", tmp_path / "copy"
    async with conversation(data, tmp_path) as talk:
        stored = await talk.answer("upload_dataset", rows=ROWS)
        request = CREATE | {"input_data_file_path": stored["file_id"], "name": "before"}
        created = await talk.answer("create_evaluation", **request)
        evaluation = {"evaluation_id": created["evaluation_id"]}
        await talk.answer("get_status", **evaluation, wait_seconds=45)
        before = await talk.answer("get_evaluation", **evaluation, by="topic")
        await to_thread.run_sync(back_up, data, copy)

    async with conversation(copy, tmp_path) as talk:
        restored = await talk.answer("get_evaluation", **evaluation, by="topic")
        listed = await talk.answer("list_evaluations", name="before")
        rows = await talk.answer("read_results", **evaluation, show="all", text="3 + 1")
        again = await talk.answer("create_evaluation", **request)

    assert restored == before
    assert [each["evaluation_id"] for each in listed["evaluations"]] == [created["evaluation_id"]]
    assert rows["rows"][0]["columns"]["topic"] == "sums"
    assert again["outcome"] != "started"
