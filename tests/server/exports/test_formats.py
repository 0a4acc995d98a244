"""Exported rows: complete in every format, harmless where they are opened, named by digests."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Generator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals_mcp.exports.formats import FORMATS, Content, markdown_cell, write_manifest
from evals_mcp.exports.manifest import ManifestFacts, manifest_of
from evals_mcp.exports.rows import ExportRows
from evals_mcp.result_files.building import build_index
from evals_mcp.result_files.index import ResultIndex
from evals_mcp.results.types.table import row_reader
from evals_mcp.spending.actual import actual_cost, used_by
from evals_mcp.spending.prices import PriceList
from evals_mcp.spending.settling import EvaluationCost
from evals_mcp.spending.shown import shown_cost
from evals_schemas.digests import dataset_digest, rubric_digest
from evals_schemas.evaluation_api.evaluations import EvaluationJob
from tests.server.fake_provider import FakeProvider, jsonl
from tests.volume import examples

JUDGE = {"model": "rule/contains", "model_source": "serverless", "system_template": "{{a}}"}
PARAMETERS: dict[str, dict[str, Any]] = {
    "classify": {"labels": ["good", "bad"], "pass_labels": ["good"], "judge": JUDGE},
    "score": {"min_score": 0, "max_score": 1, "pass_threshold": 1, "judge": JUDGE},
    "compare": {"model_a": "one", "model_b": "two", "judge": JUDGE},
    "benchmark": {"benchmark_id": "benchmark-1", "model_id": "m"},
}
JUDGED: dict[str, dict[str, Any]] = {
    "classify": {"label": "good", "feedback": "because", "judge_raw_output": '{"label": "good"}'},
    "score": {"score": 0.5, "feedback": "because", "judge_raw_output": '{"score": 0.5}'},
    "compare": {
        **dict.fromkeys(("choice_original", "choice_flipped", "final_decision"), "A"),
        "judge_raw_output_original": "{A}",
        "judge_feedback_original_order": "because",
    },
    "benchmark": {"question": "q", "model_answer": "a", "correct": True, "score": 1.0},
}
READ = {
    "classify": ["ok", "good", None, True],
    "score": ["ok", None, 0.5, False],
    "compare": ["ok", "A", None, None],
    "benchmark": ["ok", "m", 1.0, True],
}


@contextmanager
def content(
    folder: Path, kind: str, rows: list[dict[str, Any]] | bytes, **facts: Any
) -> Generator[Content]:
    path, index = folder / "rows.jsonl", folder / "index"
    index.unlink(missing_ok=True)
    path.write_bytes(rows if isinstance(rows, bytes) else jsonl(*rows))
    parameters = PARAMETERS[kind] | facts.pop("parameters", {})
    build_index(path, index, row_reader(kind, parameters))
    job = EvaluationJob.model_validate(
        {"workflow_id": "eval-1", "type": kind, "status": "completed", "parameters": parameters}
        | facts
    )
    with closing(ResultIndex(path, index)) as opened:
        exported = ExportRows(opened, kind)
        service = FakeProvider()
        used = used_by(job, service)
        assert used
        cost = EvaluationCost(service.name, None, actual_cost(job, used, PriceList()))
        at = datetime(2026, 11, 20, tzinfo=UTC)
        origin = ManifestFacts(job, service, "first run", "1 of 1", shown_cost(cost), at)
        yield Content(
            "eval-1", "first run", "1 of 1", exported, lambda: manifest_of(origin, exported, "csv")
        )


def written(exported: Content, name: str) -> str:
    out = io.BytesIO()
    FORMATS[name].write(exported, out)
    return out.getvalue().decode()


def manifest(exported: Content) -> dict[str, Any]:
    out = io.BytesIO()
    write_manifest(exported, out)
    return json.loads(out.getvalue())


@pytest.mark.parametrize("kind", PARAMETERS)
def test_every_column_is_in_every_format_beside_what_was_read_from_it(
    tmp_path: Path, kind: str
) -> None:
    row = {"id": 7, "topic": 'a,b\n"c"', "tags": ["x", {"y": 1}], "none": None} | JUDGED[kind]
    with content(tmp_path, kind, [row]) as exported:
        names = exported.rows.columns
        (line,) = written(exported, "jsonl").splitlines()
        header, *cells = csv.reader(io.StringIO(written(exported, "csv"), newline=""))
        text = written(exported, "markdown")
    assert list(json.loads(line).items())[:5] == list(zip(names, [1, *READ[kind]], strict=False))
    assert {name: json.loads(line)[name] for name in row} == row
    assert header == names
    assert dict(zip(names, cells[0], strict=True))["id"] == "7"
    assert dict(zip(names, cells[0], strict=True))["tags"] == '["x", {"y": 1}]'
    assert len(cells) == 1
    assert '| 7 | a,b<br>"c" |' in text
    assert json.loads(text.partition("```json")[2].partition("```")[0])["counts"]["rows"] == 1


def test_a_column_of_the_file_is_never_replaced_by_one_that_the_server_reads(
    tmp_path: Path,
) -> None:
    row = {"evals_row": "mine", "evals_row_": "mine too", "label": "good"}
    with content(tmp_path, "classify", [row]) as exported:
        line = json.loads(written(exported, "jsonl"))
    assert row.items() <= line.items()
    assert line["evals_row__"] == 1


def test_formulas_and_markup_of_others_are_plain_text(tmp_path: Path) -> None:
    row = {
        "=cmd()": "=1+1",
        "a": "[x](https://e.example) <img src=y> | `z` \u202e",
        "label": "good",
    }
    with content(tmp_path, "classify", [row]) as exported:
        header, cells = csv.reader(io.StringIO(written(exported, "csv"), newline=""))
        text = written(exported, "markdown")
    assert "'=cmd()" in header
    assert "'=1+1" in cells
    assert r"| \[x\](https\://e.example) \<img src=y\> \| \`z\` |" in text


def test_numbers_that_are_not_json_and_broken_characters_do_no_harm(tmp_path: Path) -> None:
    line = rb'{"n": NaN, "deep": [{"x": -Infinity}], "half": "\ud800", "label": "good"}'
    with content(tmp_path, "classify", line + b"\nnot JSON\n") as exported:
        text = written(exported, "jsonl")
        cells = written(exported, "csv")
        stated = manifest(exported)
    row = json.loads(text, parse_constant=pytest.fail)
    assert (row["n"], row["deep"], row["half"]) == (None, [{"x": None}], "\ud800")
    assert "NaN" not in cells
    assert (stated["counts"]["rows"], stated["counts"]["unreadable_lines"]) == (1, 1)


def test_the_manifest_names_what_made_the_results_and_no_secret(tmp_path: Path) -> None:
    secret = {"external_api_token": "sk-secret", "external_base_url": "https://u:p@e.example"}
    model = {"model": "m-1", "model_source": "external", "temperature": 0.5, **secret}
    rows = [{"id": n, "q": f"q{n}", "label": "good", "feedback": "f"} for n in range(3)]
    facts = {
        "parameters": {"judge": JUDGE | secret, "model_to_evaluate": model},
        "results": {"usage": {"input_tokens": 5, "output_tokens": 6}},
        "progress": {"done": 3, "total": 4},
    }
    with content(tmp_path, "classify", rows, **facts) as exported:
        written(exported, "csv")
        stated = manifest(exported)
    assert stated["digests"]["dataset"] == dataset_digest({"id": n, "q": f"q{n}"} for n in range(3))
    assert stated["digests"]["rubric"] == rubric_digest("classify", PARAMETERS["classify"])
    assert stated["models"][1] == {
        "role": "model_to_evaluate",
        "model": "m-1",
        "model_source": "external",
        "temperature": 0.5,
        "reported": None,
    }
    assert stated["counts"] == {
        "rows": 3,
        "by_state": {"ok": 3},
        "unreadable_lines": 0,
        "judged": 3,
        "planned": 4,
    }
    assert stated["cost"] == {
        "usd": None,
        "calls": None,
        "input_tokens": 5,
        "output_tokens": 6,
        "estimated_usd": None,
    }
    assert stated["unknown"].keys() == {
        "seed",
        "cost.usd",
        "cost.estimated_usd",
        "models.reported",
    }
    assert stated["unknown"]["cost.usd"] == "no price is known for 'm-1'"
    assert "secret" not in json.dumps(stated)
    assert "e.example" not in json.dumps(stated)


def test_rules_of_the_engine_cost_nothing_and_a_hidden_judge_has_no_digest(tmp_path: Path) -> None:
    for kind, cost, judge in (("classify", 0.0, True), ("benchmark", None, False)):
        results = {"result_file_id": "file-1"}
        with content(tmp_path, kind, [JUDGED[kind]], results=results) as exported:
            written(exported, "jsonl")
            stated = manifest(exported)
        assert stated["cost"]["usd"] == cost
        assert (stated["digests"]["judge"] is not None) == judge
        assert ("digests.judge" in stated["unknown"]) != judge


@given(st.text(max_size=40))
@settings(max_examples=examples(100))
def test_a_markdown_cell_stays_one_cell_of_one_line(text: str) -> None:
    cell = markdown_cell(text)
    assert len(cell.splitlines()) <= 1
    assert not cell.replace(r"\\", "").replace(r"\|", "").count("|")
    assert not cell.replace("<br>", "").replace(r"\\", "").replace(r"\<", "").count("<")
