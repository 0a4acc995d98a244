"""While a sample is open, no answer, page, report or file has a verdict of a row that waits."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, Literal

import pytest

from evals_mcp.errors import InvalidRequestError
from evals_mcp.labels.sample import LabelSample
from evals_mcp.tools.calls.session import ToolSession
from evals_mcp.tools.compare_evaluations import compare_evaluations
from evals_mcp.tools.delete_data import delete_data
from evals_mcp.tools.export_results import exported, to_new_file
from evals_mcp.tools.labelling.label_rows import label_rows
from evals_mcp.tools.read_results import read_results
from evals_mcp.views.calls import PageCalls
from evals_mcp.views.marks import MarkCall, mark_row
from evals_mcp.views.pace import Paces
from evals_mcp.views.report import comparison_report, evaluation_report
from evals_schemas.labelling.call import LabelRowsInput
from evals_schemas.tools.comparisons import CompareEvaluationsInput
from evals_schemas.tools.exports import ExportResultsInput
from evals_schemas.tools.inputs import DeleteDataInput
from evals_schemas.tools.result_pages import ReadResultsInput
from tests.server.fake_provider import FakeProvider, jsonl
from tests.server.labels.labelling import drawn_sample, say
from tests.server.views.sessions import session_of
from tests.server.views.test_report import data_in, job

TOTAL, FIGURES = 40, 30
WITHOUT_ROWS = {"page: evaluation", "page: comparison"}
QUERIES: list[dict[str, Any]] = [
    {},
    {"text": "It is"},
    {"sample_seed": 1},
    {"show": "passing", "label": "good"},
]
PLANTED = re.compile(r"planted-([12])-(\d+)-")
"""What every reason has: the evaluation and the number of the row."""


def rows(number: int) -> list[dict[str, Any]]:
    """Return rows that the first evaluation passes and the second one fails."""
    return [
        {
            "question": f"How much is {n}?",
            "answer": f"It is {n}.",
            "label": "good" if number == 1 else "bad",
            "feedback": f"planted-{number}-{n}-",
            "judge_raw_output": f"planted-{number}-{n}-",
        }
        for n in range(1, TOTAL + 1)
    ]


def provider() -> FakeProvider:
    contents = {f"file-{number}": jsonl(*rows(number)) for number in (1, 2)}
    return FakeProvider(jobs=[job(1), job(2)], contents=contents)


@asynccontextmanager
async def opened(folder: Path) -> AsyncGenerator[ToolSession]:
    async with session_of(provider(), folder) as session:
        yield session


async def export(
    session: ToolSession, folder: Path, form: Literal["csv", "jsonl", "markdown"]
) -> tuple[str, list[str]]:
    path = folder / f"out.{form}"
    path.unlink(missing_ok=True)
    Path(f"{path}.manifest.json").unlink(missing_ok=True)
    arguments = ExportResultsInput(evaluation_id="eval-1", format=form)
    answer = await exported(arguments, session, partial(to_new_file, path))
    return path.read_text(), answer.notes


async def everything(session: ToolSession, folder: Path) -> dict[str, str]:
    """Return what each surface shows of all rows."""
    ids = {"evaluation_id_a": "eval-1", "evaluation_id_b": "eval-2"}
    calls = PageCalls(Paces(session.clock.monotonic))
    shown: dict[str, str] = {}
    for query in QUERIES:
        arguments = ReadResultsInput.model_validate(
            {"evaluation_id": "eval-1", "show": "all", "limit": 50, "max_chars": 100} | query
        )
        answer = await read_results(arguments, session)
        shown[f"read_results {query}"] = answer.model_dump_json()
    pages: dict[str, dict[str, Any]] = {
        "evaluation": {"evaluation_id": "eval-1"},
        "rows": {"evaluation_id": "eval-1", "query": {"show": "all"}},
        "rows of the other judge": {"evaluation_id": "eval-2", "query": {"show": "all"}},
        "rows at random": {"evaluation_id": "eval-1", "query": {"sample_rows": 40}},
        "rows with a text": {"evaluation_id": "eval-1", "query": {"show": "all", "text": "It is"}},
        "comparison": ids,
        "flips": ids,
        "flips with a text": ids | {"query": {"text": "It is"}},
    }
    for name, arguments in pages.items():
        more, text = dict[str, Any](), ""
        while more is not None:
            answer = await calls.answer(name.partition(" ")[0], arguments | more, session)
            page = answer.model_dump(mode="json")
            text += json.dumps(page)
            more = {"cursor": page["next_cursor"]} if page.get("next_cursor") else None
        shown[f"page: {name}"] = text
    comparison = CompareEvaluationsInput.model_validate(ids | {"limit": 20})
    shown["compare_evaluations"] = (
        await compare_evaluations(comparison, session)
    ).model_dump_json()
    shown["report"] = json.dumps(data_in(await evaluation_report(session, "eval-1")))
    shown["report of two"] = json.dumps(
        data_in(await comparison_report(session, "eval-1", "eval-2"))
    )
    for form in ("csv", "jsonl", "markdown"):
        shown[f"export {form}"] = (await export(session, folder, form))[0]
    return shown


def planted(text: str) -> set[int]:
    """Return the rows whose reasons are in a text."""
    return {int(row) for _, row in PLANTED.findall(text)}


async def label_first(session: ToolSession, sample: LabelSample, last: int, first: int = 1) -> None:
    for position in range(first, last + 1):
        # Every fifth one is skipped.
        await say(session, sample, position, "good" if position % 5 else None)


async def test_no_surface_has_a_verdict_of_a_row_that_waits_for_a_label(tmp_path: Path) -> None:
    async with opened(tmp_path) as session:
        before = await everything(session, tmp_path)
        await label_rows(LabelRowsInput(evaluation_id="eval-1"), session)
        sample = await drawn_sample(session)
        drawn_only = await everything(session, tmp_path)
        await label_first(session, sample, 10)
        some = await everything(session, tmp_path)

    assert all(planted(text) for name, text in before.items() if name not in WITHOUT_ROWS)
    for shown, waiting in (
        (drawn_only, sample.rows[:FIGURES]),
        (some, sample.rows[10 : FIGURES + 2]),  # two of the first ten were skipped
    ):
        leaks = {name: sorted(planted(text) & set(waiting)) for name, text in shown.items()}
        assert {name: rows for name, rows in leaks.items() if rows} == {}
        for name in ("read_results {}", "page: rows", "page: rows at random", "report"):
            assert "evals-mcp label eval-1 --close" in shown[name], name
            assert planted(shown[name]), name
        assert "evals-mcp label eval-1 --close" in shown["compare_evaluations"]
    assert planted(some["export csv"]) == set(range(1, TOTAL + 1)) - set(sample.rows[10:32])


async def test_a_file_has_every_row_and_says_which_ones_wait(tmp_path: Path) -> None:
    async with opened(tmp_path) as session:
        sample = await drawn_sample(session)
        text, notes = await export(session, tmp_path, "csv")
    lines = list(csv.DictReader(text.splitlines()))
    waiting = [line for line in lines if line["evals_state"] == "waits_for_label"]
    assert len(lines) == TOTAL
    assert {int(line["evals_row"]) for line in waiting} == set(sample.rows[:FIGURES])
    assert {line["evals_verdict"] + line["label"] + line["feedback"] for line in waiting} == {""}
    assert all(line["question"] and line["answer"] for line in waiting)
    assert any("have no verdict, score and reason in the file (30)" in note for note in notes)


async def test_figures_and_their_totals_stay_as_they_are(tmp_path: Path) -> None:
    arguments = CompareEvaluationsInput(evaluation_id_a="eval-1", evaluation_id_b="eval-2")
    async with opened(tmp_path) as session:
        before = await compare_evaluations(arguments, session)
        await drawn_sample(session)
        after = await compare_evaluations(arguments, session)
    assert (after.headline, after.passes) == (before.headline, before.passes)
    assert after.total_flips == before.total_flips == TOTAL


async def test_all_rows_are_shown_once_figures_have_come_until_the_next_label(
    tmp_path: Path,
) -> None:
    arguments = ReadResultsInput(evaluation_id="eval-1", show="all")
    async with opened(tmp_path) as session:
        sample = await drawn_sample(session)
        for position in range(1, FIGURES + 1):
            await say(session, sample, position, "good")
        rests = await read_results(arguments, session)
        await say(session, sample, FIGURES + 1, "good")
        goes_on = await read_results(arguments, session)
    assert (rests.matching, rests.notes) == (TOTAL, [])
    # Nine rows have no label, and a tenth stays hidden with them.
    assert goes_on.matching == TOTAL - 10


async def test_a_closed_sample_shows_its_rows_until_the_next_label(tmp_path: Path) -> None:
    arguments = ReadResultsInput(evaluation_id="eval-1", show="all")
    async with opened(tmp_path) as session:
        sample = await drawn_sample(session)
        await label_first(session, sample, 3)
        hidden = await read_results(arguments, session)
        call = {"evaluation_id": "eval-1", "close": True}
        await PageCalls(Paces(session.clock.monotonic)).answer("label", call, session)
        closed = await read_results(arguments, session)
        await label_first(session, sample, 4, first=4)
        again = await read_results(arguments, session)
    assert hidden.matching == TOTAL - (FIGURES - 3)
    assert (closed.matching, closed.notes) == (TOTAL, [])
    assert again.matching == hidden.matching + 1


async def test_pages_go_on_after_the_last_row_while_rows_are_labelled(tmp_path: Path) -> None:
    def arguments(cursor: str | None) -> ReadResultsInput:
        return ReadResultsInput(evaluation_id="eval-1", show="all", limit=4, cursor=cursor)

    async with opened(tmp_path) as session:
        sample = await drawn_sample(session)
        first = await read_results(arguments(None), session)
        await label_first(session, sample, 3)
        second = await read_results(arguments(first.next_cursor), session)
    assert first.rows[-1].row < second.rows[0].row


async def test_a_row_that_waits_cannot_be_marked(tmp_path: Path) -> None:
    async with opened(tmp_path) as session:
        sample = await drawn_sample(session)
        call = MarkCall(
            evaluation_id="eval-1", row=sample.rows[0], opinion="wrong", should_be="good"
        )
        with pytest.raises(InvalidRequestError, match="open label sample") as refused:
            await mark_row(session, call, "page")
    assert "good" not in str(refused.value)


async def test_deleting_an_evaluation_says_that_its_labels_stay(tmp_path: Path) -> None:
    async with opened(tmp_path) as session:
        await label_first(session, await drawn_sample(session), 4)
        asked = await delete_data(DeleteDataInput(id="eval-1"), session)
    assert asked.what.endswith("without any text of a row: 4 labels by people")
