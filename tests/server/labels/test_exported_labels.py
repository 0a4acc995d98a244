"""An export has the labels of people, and is read back as a column of labels."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evals_mcp.labels.store import LabelStore
from evals_mcp.state.records import State
from evals_mcp.tools.calls.session import Clock, ToolSession
from evals_mcp.tools.get_evaluation import get_evaluation
from evals_schemas.tools.exports import ExportFormat
from evals_schemas.tools.inputs import GetEvaluationInput
from evals_schemas.tools.summaries import Calibration
from tests.server.fake_provider import jsonl
from tests.server.labels.labelling import ROWS, drawn_sample, gold, say
from tests.server.marks.test_exported_marks import exported
from tests.server.views.sessions import session_of
from tests.server.views.test_report import job, provider

COLUMNS = ["evals_label", "evals_label_by", "evals_label_plan", "evals_label_others"]
FILE = jsonl(*ROWS)


async def labelled(session: ToolSession, number: int) -> list[int]:
    """Label the first rows of a sample, and return their numbers."""
    sample = await drawn_sample(session)
    for position in range(1, number + 1):
        await say(session, sample, position, gold(sample.rows[position - 1]))
    return list(sample.rows[:number])


async def calibration(session: ToolSession, **arguments: Any) -> Calibration:
    """Return what labels say of the judge."""
    asked = GetEvaluationInput(evaluation_id="eval-1", **arguments)
    summary = (await get_evaluation(asked, session)).summary
    assert summary is not None
    assert summary.calibration is not None
    return summary.calibration


@pytest.mark.parametrize("form", ["csv", "jsonl"])
async def test_labels_stand_beside_the_verdicts_of_their_rows(
    tmp_path: Path, form: ExportFormat
) -> None:
    async with session_of(provider(job(), file_1=FILE), tmp_path) as session:
        plain, without = await exported(session, form)
        numbers = await labelled(session, 30)
        sample = await drawn_sample(session)
        await say(session, sample, 1, "bad", "Ben")
        await say(session, sample, 40, "good", "Ben")
        rows, stated = await exported(session, form)
    absent = "" if form == "csv" else None
    assert not set(COLUMNS) & plain[0].keys()
    assert without["labels"] == {"rows": 0, "labellers": 0, "by_plan": {}}
    for number in numbers[1:]:
        cells = [rows[number - 1][name] for name in COLUMNS]
        assert cells == [gold(number), "Ana", "random", absent]
    both = rows[numbers[0] - 1]
    assert both["evals_label_others"] == ('{"Ben": "bad"}' if form == "csv" else {"Ben": "bad"})
    outside = rows[sample.rows[39] - 1]
    assert [outside[name] for name in COLUMNS[:3]] == ["good", "Ben", "chosen"]
    assert sum(row["evals_label"] != absent for row in rows) == 31
    assert [{**row, **plain[n]} for n, row in enumerate(rows) if row["evals_state"] == "ok"] == [
        row for row in rows if row["evals_state"] == "ok"
    ], "labels change a column"
    assert stated["labels"] == {
        "rows": 31,
        "labellers": 2,
        "by_plan": {"random": 30, "chosen": 1},
    }


async def test_unlabelled_rows_of_an_open_sample_still_have_no_verdict(tmp_path: Path) -> None:
    async with session_of(provider(job(), file_1=FILE), tmp_path) as session:
        await labelled(session, 12)
        rows, _ = await exported(session)
    waiting = [row for row in rows if row["evals_state"] == "waits_for_label"]
    assert len(waiting) == 18
    assert all(
        row["evals_verdict"] is row["evals_label"] is row["label"] is None for row in waiting
    )
    assert sum(row["evals_label"] is not None for row in rows) == 12


async def test_nobody_exports_the_labels_of_another_user(tmp_path: Path) -> None:
    async with session_of(provider(job(), file_1=FILE), tmp_path) as session:
        await labelled(session, 30)
        state = State(tmp_path / "other", 10**9, Clock().now)
        rows, stated = await exported(replace(session, labels=LabelStore(state.of("somebody"))))
    assert not set(COLUMNS) & rows[0].keys()
    assert stated["labels"]["rows"] == 0


@pytest.mark.parametrize("form", ["csv", "jsonl"])
async def test_an_exported_column_of_labels_is_read_back_as_the_same_sample(
    tmp_path: Path, form: ExportFormat
) -> None:
    async with session_of(provider(job(), file_1=FILE), tmp_path / "first") as session:
        await labelled(session, 30)
        sample = await drawn_sample(session)
        await say(session, sample, 40, "good")
        before = await calibration(session)
        rows, _ = await exported(session, form)
    again = [
        {name: value for name, value in row.items() if value != ""} | {"label": ROWS[n]["label"]}
        for n, row in enumerate(rows)
    ]
    async with session_of(provider(job(), file_1=jsonl(*again)), tmp_path / "second") as session:
        after = await calibration(
            session, human_column="evals_label", labels_are="people_random_sample"
        )
    assert after.labels == before.labels == 30
    assert (after.plan, after.corrected) == (before.plan, before.corrected)


async def test_a_label_that_a_spreadsheet_could_run_is_read_back(tmp_path: Path) -> None:
    signs = {"labels": ["+", "-"], "pass_labels": ["+"], "model_to_evaluate": "answer"}
    rows = [{"answer": f"{n}", "label": "+" if n % 2 else "-", "p": "'+"} for n in range(40)]
    fake = provider(job(parameters=signs), file_1=jsonl(*rows))
    async with session_of(fake, tmp_path) as session:
        found = await calibration(session, human_column="p", labels_are="people")
    assert found.labels == 40
