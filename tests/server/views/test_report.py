"""A report holds what the tools answer, the rows whole, and a sentence on what it leaves out."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from evals_mcp.errors import InvalidRequestError
from evals_mcp.tools.calls.session import WrittenReport
from evals_mcp.views.report import Extent, comparison_report, evaluation_report
from evals_schemas.evaluation_api.evaluations import EvaluationJob
from tests.server.fake_provider import FakeProvider, jsonl
from tests.server.serving import served, settings
from tests.server.views.sessions import session_of

TEXT = "Two\n  lines,\t<b>bold</b> and \u202ereversed\u202c."
FIRST = "the 10 that fail, have no verdict or depend on the order come first"
ROWS = [
    {
        "question": f"How much is {n}?",
        "topic": "even" if n % 2 == 0 else "odd",
        "answer": TEXT,
        "label": "good" if n % 3 else "bad",
        "feedback": f"Reason\n{n}",
    }
    for n in range(30)
]


def job(number: int = 1, kind: str = "classify", **facts: Any) -> EvaluationJob:
    parameters = {
        "labels": ["good", "bad"],
        "pass_labels": ["good"],
        "model_to_evaluate": "answer",
        "judge": {"model": "rule/contains", "system_template": "Line 1\n\nLine 3 {{question}}"},
        "external_api_token": "secret-token",
    }
    return EvaluationJob.model_validate(
        {
            "workflow_id": f"eval-{number}",
            "type": kind,
            "status": "completed",
            "results": {"result_file_id": f"file-{number}"},
            "parameters": parameters,
        }
        | facts
    )


def provider(*jobs: EvaluationJob, **contents: bytes) -> FakeProvider:
    named = {name.replace("_", "-"): content for name, content in contents.items()}
    return FakeProvider(jobs=list(jobs), contents=named)


def data_in(report: WrittenReport) -> dict[str, Any]:
    found = re.search(r'id="data">(.*?)</script>', report.document.decode(), re.DOTALL)
    assert found
    return json.loads(found[1])


async def test_a_report_has_the_answer_of_the_tool_and_whole_rows(tmp_path: Path) -> None:
    service = provider(job(), file_1=jsonl(*ROWS))
    async with served(service, configured=settings(tmp_path)) as server:
        answer = await server.answer("get_evaluation", evaluation_id="eval-1", by="topic")
    async with session_of(service, tmp_path) as session:
        report = await evaluation_report(session, "eval-1", Extent(by="topic"))
    data = data_in(report)
    page, rows = data["evaluation"], data["rows"]
    assert page["answer"] == answer
    assert [each["count"] for each in page["shares"]] == [20, 10]
    assert [share["percent"] for share in page["shares"]] == [66.6667, 33.3333]
    assert {each["name"]: each["count"] for each in page["filters"]} == {
        "failing": 10,
        "passing": 20,
        "all": 30,
    }
    assert page["default_query"] == {"show": "failing"}
    assert rows["columns"] == [
        {"name": "question", "role": "input"},
        {"name": "topic", "role": "input"},
        {"name": "answer", "role": "answer"},
    ]
    assert len(rows["rows"]) == report.rows == 30
    first = rows["rows"][0]
    assert first["texts"][2] == "Two\n  lines,    <b>bold</b> and reversed."
    assert first["reasons"] == [{"text": "Reason\n0"}]
    assert (first["passed"], first["cut"]) == (False, False)
    settings_shown = {each["name"]: each["value"] for each in page["settings"]}
    assert settings_shown["judge.system_template"] == "Line 1\n\nLine 3 {{question}}"
    assert settings_shown["response_column"] == "answer"
    assert b"secret-token" not in report.document
    assert data["left_out"] == report.left_out == []


async def test_what_there_is_no_room_for_is_said_and_failing_rows_come_first(
    tmp_path: Path,
) -> None:
    long = {**ROWS[0], "answer": "x" * 30_000}
    service = provider(job(), file_1=jsonl(*ROWS[1:], long) + b"no row\n")
    async with session_of(service, tmp_path) as session:
        ten = await evaluation_report(session, "eval-1", Extent(rows=10))
        small = await evaluation_report(session, "eval-1", Extent(max_bytes=5_000))
        none = await evaluation_report(session, "eval-1", Extent(rows=0))
    rows = data_in(ten)["rows"]
    assert {row["passed"] for row in rows["rows"]} == {False}
    assert [row["cut"] for row in rows["rows"]] == [False] * 9 + [True]
    assert ten.left_out == [
        f"It holds 10 of the 30 rows: {FIRST}.",
        "1 row has texts of which it shows the first 20,000 characters.",
        "1 line of the result file cannot be read; the first is line 31: not complete JSON.",
    ]
    assert 0 < small.rows < 30
    assert "More would make the file larger than" in small.left_out[0]
    assert none.left_out == ["The rows are not in it, because it was asked for without them."]
    assert "rows" not in data_in(none)


async def test_a_comparison_has_its_matrix_and_both_sides_of_each_changed_row(
    tmp_path: Path,
) -> None:
    changed = [
        {**row, "label": "good" if n < 6 else "bad", "answer": f"other {n}"}
        for n, row in enumerate(ROWS)
    ]
    service = provider(job(1), job(2), file_1=jsonl(*ROWS), file_2=jsonl(*changed))
    async with session_of(service, tmp_path) as session:
        report = await comparison_report(session, "eval-1", "eval-2")
        one = await comparison_report(session, "eval-1", "eval-2", Extent(rows=1))
    data = data_in(report)
    page, flips = data["comparison"], data["flips"]
    assert page["changes"] == {
        "names": ["good", "bad"],
        "passes": [True, False],
        "counts": [[4, 16], [2, 8]],
        "row_totals": [20, 10],
        "column_totals": [6, 24],
    }
    assert (page["gained"], page["lost"]) == (2, 16)
    assert flips["total"] == page["answer"]["total_flips"] == len(flips["pairs"]) == 18
    pair = flips["pairs"][0]
    assert [name for name, _ in pair["shared"]] == ["question", "topic"]
    assert dict(pair["own_b"])["answer"].startswith("other ")
    assert (pair["a"]["passed"], pair["b"]["passed"]) == (True, False)
    assert one.left_out == ["It holds the 1 largest changes of 18 changed rows."]


async def test_a_pair_has_both_orders_with_their_reasons_and_a_matrix(tmp_path: Path) -> None:
    row = {
        "q": "Which?",
        "one": "first",
        "two": "second",
        "final_decision": "Tie",
        "choice_original": "A",
        "choice_flipped": "B",
        "judge_feedback_original_order": "A, since it is first.",
        "judge_feedback_flipped_order": "A again.",
    }
    parameters = {"model_a": "one", "model_b": "two"}
    service = provider(job(kind="compare", parameters=parameters), file_1=jsonl(row, row))
    async with session_of(service, tmp_path) as session:
        data = data_in(await evaluation_report(session, "eval-1"))
    page = data["evaluation"]
    assert page["sides"] == ["one", "two"]
    assert page["orders"]["names"] == ["A", "B"]
    assert page["orders"]["counts"] == [[0, 2], [0, 0]]
    assert [each["role"] for each in data["rows"]["columns"]] == ["input", "answer_a", "answer_b"]
    assert data["rows"]["rows"][0]["reasons"] == [
        {"text": "A, since it is first.", "order": "A, B", "choice": "A"},
        {"text": "A again.", "order": "B, A", "choice": "B"},
    ]


async def test_bins_hold_each_score_once_and_name_the_query_that_finds_it(tmp_path: Path) -> None:
    scores = [0, 0.5, 1, 1, 4.5, 9.99, 10]
    parameters = {"min_score": 0, "max_score": 10, "pass_threshold": 4.5}
    service = provider(
        job(kind="score", parameters=parameters),
        file_1=jsonl(*({"q": f"{n}", "score": each} for n, each in enumerate(scores))),
    )
    async with session_of(service, tmp_path) as session:
        page = data_in(await evaluation_report(session, "eval-1"))["evaluation"]
        found = await served_counts(service, tmp_path, [each["query"] for each in page["bins"]])
    assert [each["count"] for each in page["bins"]] == found == [2, 2, 0, 0, 1, 0, 0, 0, 0, 2]
    assert [each.get("passes") for each in page["bins"][3:6]] == [False, None, True]


async def served_counts(
    service: FakeProvider, folder: Path, queries: list[dict[str, Any]]
) -> list[int]:
    """Return how many rows read_results finds for each query."""
    async with served(service, configured=settings(folder)) as server:
        return [
            (await server.answer("read_results", evaluation_id="eval-1", **query))["matching"]
            for query in queries
        ]


async def test_a_failed_evaluation_has_its_reason_and_a_running_one_no_report(
    tmp_path: Path,
) -> None:
    failed = job(status="error", results={"error": "The judge is gone."})
    running = job(2, status="running", results=None)
    async with session_of(provider(failed, running), tmp_path) as session:
        report = await evaluation_report(session, "eval-1")
        with pytest.raises(InvalidRequestError, match="eval-2 still runs"):
            await evaluation_report(session, "eval-2")
    data = data_in(report)
    assert data["evaluation"]["answer"]["error"] == "The judge is gone."
    assert data["left_out"] == ["The rows are not in it, because they cannot be read."]


async def test_the_export_tool_writes_the_same_report(tmp_path: Path) -> None:
    service = provider(job(), file_1=jsonl(*ROWS))
    async with served(service, configured=settings(tmp_path)) as server:
        answer = await server.answer("export_results", evaluation_id="eval-1", format="html")
    document = Path(answer["path"]).read_bytes()
    assert Path(answer["path"]).name == "eval-1.html"
    assert answer["rows"] == 30
    held = data_in(WrittenReport(document, 30, [], None))
    assert len(held["rows"]["rows"]) == 30
