"""An export has the marks of who exports: in the rows, counted in the manifest, and inert."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from evals_mcp.exchange.exchange_folder import ExchangeFolder
from evals_mcp.exchange.links import Links
from evals_mcp.exchange.uploads import Uploads
from evals_mcp.tools.calls.session import Clock, ToolSession
from evals_mcp.tools.export_results import export_results
from evals_schemas.tools.exports import ExportFormat, ExportResultsInput
from tests.server.fake_provider import jsonl
from tests.server.views.sessions import session_of
from tests.server.views.test_marks import FILE, as_principal, mark, numbered
from tests.server.views.test_report import ROWS, job, provider

COLUMNS = ["evals_mark", "evals_mark_should_be", "evals_mark_by", "evals_mark_at"]
AT = datetime(2026, 5, 1, 12, tzinfo=UTC)
SAID = "2026-05-01T12:00:00+00:00"
CLOCK = replace(Clock(), now=lambda: AT)


async def exported(
    session: ToolSession, form: ExportFormat = "jsonl", evaluation: str = "eval-1"
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return the rows of an export and its manifest."""
    wanted = ExportResultsInput(evaluation_id=evaluation, format=form)
    path = (await export_results(wanted, session)).path
    assert path is not None
    lines = Path(path).read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in lines] if form == "jsonl" else list(csv.DictReader(lines))
    return rows, json.loads(Path(f"{path}.manifest.json").read_text("utf-8"))


@pytest.mark.parametrize("form", ["csv", "jsonl"])
async def test_marks_stand_in_their_rows_and_are_counted_in_the_manifest(
    tmp_path: Path, form: ExportFormat
) -> None:
    async with session_of(provider(job(), file_1=FILE), tmp_path, CLOCK) as session:
        plain, without = await exported(session, form)
        await mark(session, 1, "wrong")
        await mark(session, 2, "right")
        await mark(session, 3, "unsure")
        await mark(session, 5, "right")
        await mark(session, 5, None)
        rows, stated = await exported(session, form)
    absent = "" if form == "csv" else None
    assert not set(COLUMNS) & plain[0].keys()
    assert [[row[name] for name in COLUMNS] for row in rows[:5]] == [
        ["wrong", "good", "local", SAID],
        ["right", absent, "local", SAID],
        ["unsure", absent, "local", SAID],
        [absent] * 4,
        [absent] * 4,
    ]
    assert list(rows[0])[5:9] == COLUMNS
    assert [{**row, **plain[n]} for n, row in enumerate(rows)] == rows, "marks change a column"
    assert without["marks"] == {"rows": 0, "right": 0, "wrong": 0, "unsure": 0}
    assert stated["marks"] == {"rows": 3, "right": 1, "wrong": 1, "unsure": 1}
    assert set(COLUMNS) & set(stated["columns"]) == set(COLUMNS)


async def test_nobody_exports_the_marks_of_somebody_else(tmp_path: Path) -> None:
    async with session_of(provider(job(), file_1=FILE), tmp_path) as session:
        await mark(session, 1, "wrong")
        other = replace(session, marks=as_principal(session, "somebody else"))
        rows, stated = await exported(other)
    assert not set(COLUMNS) & rows[0].keys()
    assert stated["marks"]["rows"] == 0


async def test_marks_follow_an_answer_to_other_evaluations_and_to_every_row_that_has_it(
    tmp_path: Path,
) -> None:
    other_judge = [{**row, "label": "good"} for row in reversed(ROWS)]
    changed = [{**row, "answer": "Another one."} for row in ROWS]
    service = provider(
        *(job(number) for number in (1, 2, 3)),
        file_1=FILE,
        file_2=jsonl(*other_judge, other_judge[-1]),
        file_3=jsonl(*changed),
    )
    async with session_of(service, tmp_path) as session:
        await mark(session, 1, "wrong")
        rows, stated = await exported(session, evaluation="eval-2")
        none, _ = await exported(session, evaluation="eval-3")
    marked = [(row["evals_row"], row["evals_mark"]) for row in rows if row["evals_mark"]]
    # The other judge said of the answer what it should be, so its verdict is right.
    assert marked == [(30, "right"), (31, "right")]
    assert stated["marks"]["right"] == 2
    assert not set(COLUMNS) & none[0].keys()


async def test_labels_and_people_with_names_like_formulas_are_text_in_a_spreadsheet(
    tmp_path: Path,
) -> None:
    formula = '=HYPERLINK("http://evil.example")'
    row = {"q": "?", "answer": "a", "label": "good", "evals_mark": "mine"}
    labels = {"labels": ["good", formula], "model_to_evaluate": "answer"}
    async with session_of(numbered("classify", [row], **labels), tmp_path) as session:
        hostile = replace(session, marks=as_principal(session, "@SUM(1+1)"))
        await mark(hostile, 1, "wrong", should_be=formula)
        (cells,), _ = await exported(hostile, "csv")
        (line,), _ = await exported(hostile)
    assert (cells["evals_mark_should_be"], cells["evals_mark_by"]) == (f"'{formula}", "'@SUM(1+1)")
    assert (line["evals_mark_should_be"], line["evals_mark_by"]) == (formula, "@SUM(1+1)")
    assert (line["evals_mark"], line["evals_mark_"]) == ("mine", "wrong")


async def test_a_score_that_should_be_another_stays_a_number(tmp_path: Path) -> None:
    scores = {"min_score": -5, "max_score": 5, "model_to_evaluate": "answer"}
    service = numbered("score", [{"answer": "a", "score": 2}], **scores)
    async with session_of(service, tmp_path) as session:
        await mark(session, 1, "wrong", should_be=-1.5)
        (cells,), _ = await exported(session, "csv")
        (line,), _ = await exported(session)
    assert (cells["evals_mark_should_be"], line["evals_mark_should_be"]) == ("-1.5", -1.5)


async def test_an_export_is_complete_without_a_readable_state_and_says_that_marks_are_unknown(
    tmp_path: Path,
) -> None:
    async with session_of(provider(job(), file_1=FILE), tmp_path) as session:
        (tmp_path / "state").mkdir(exist_ok=True)
        (tmp_path / "state" / "state.db").write_text("no database")
        rows, stated = await exported(session)
    assert len(rows) == len(ROWS)
    assert stated["marks"] is None
    assert "state cannot be read" in stated["unknown"]["marks"]


@pytest.mark.parametrize("form", ["jsonl", "html"])
async def test_a_link_leads_to_the_marks_of_now(tmp_path: Path, form: ExportFormat) -> None:
    files: list[Path] = []
    links = Links(bytes(32), "https://evals.example", CLOCK.now)
    async with session_of(provider(job(), file_1=FILE), tmp_path, CLOCK) as opened:
        folder = ExchangeFolder(tmp_path / "exports")
        session = replace(opened, uploads=Uploads(links, folder, "local", 1000))
        wanted = ExportResultsInput(evaluation_id="eval-1", format=form)
        for opinion in (None, "wrong"):
            if opinion:
                await mark(session, 1, opinion)
            await export_results(wanted, session)
            await export_results(wanted, session)
            found = set((tmp_path / "exports").rglob(f"results-*.{form}"))
            files += found - set(files)
    assert len(files) == 2
    before, after = (path.read_text("utf-8") for path in files)
    says_wrong = re.compile(r'"(opinion|evals_mark)": ?"wrong"')
    assert not says_wrong.search(before)
    assert says_wrong.search(after)
