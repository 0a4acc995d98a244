"""`export_results` through the server: a file to keep, or a sentence that says why not."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path
from typing import Any

import pytest
from tests.server.fake_provider import FakeProvider, jsonl
from tests.server.serving import MODES, Mode, served, settings
from tests.server.tokens import tokens

from evals_schemas.evaluation_api.evaluations import EvaluationJob


def provider(status: str = "completed", kind: str = "classify", **facts: Any) -> FakeProvider:
    job = {
        "workflow_id": "eval-1",
        "type": kind,
        "status": status,
        "results": {"result_file_id": "file-r"},
        "parameters": {"labels": ["good", "bad"], "pass_labels": ["good"]},
    }
    rows = [{"id": n, "q": f"q{n}", "label": "good" if n else "bad"} for n in range(3)]
    content = facts.pop("content", jsonl(*rows))
    return FakeProvider(
        jobs=[EvaluationJob.model_validate(job | facts)], contents={"file-r": content}
    )


@pytest.mark.parametrize("mode", MODES)
async def test_all_rows_and_their_manifest_are_new_private_files(
    tmp_path: Path, mode: Mode
) -> None:
    async with served(provider(), mode, settings(tmp_path)) as server:
        answer = await server.answer("export_results", evaluation_id="eval-1")
        text = await server.text("export_results", evaluation_id="eval-1")
        shown = await server.answer("get_evaluation", evaluation_id="eval-1")
    path = Path(answer["path"])
    assert path == tmp_path / "exports" / "eval-1.csv"
    assert [row["id"] for row in csv.DictReader(path.read_text().splitlines())] == ["0", "1", "2"]
    manifest = json.loads(path.with_name("eval-1.csv.manifest.json").read_text())
    assert manifest["headline"] == answer["headline"] == shown["summary"]["headline"]
    assert (answer["rows"], answer["bytes"]) == (3, path.stat().st_size)
    if os.name == "posix":
        assert {each.stat().st_mode & 0o777 for each in path.parent.iterdir()} == {0o600}
    assert str(path.with_name("eval-1-2.csv")) in text
    assert answer["headline"] in text
    assert max(tokens(answer), tokens(text)) < 300


@pytest.mark.parametrize(("name", "ending"), [("jsonl", ".jsonl"), ("markdown", ".md")])
async def test_the_other_formats_have_their_own_endings(
    tmp_path: Path, name: str, ending: str
) -> None:
    async with served(provider(), configured=settings(tmp_path)) as server:
        answer = await server.answer("export_results", evaluation_id="eval-1", format=name)
    assert Path(answer["path"]).suffix == ending
    has_manifest = Path(f"{answer['path']}.manifest.json").exists()
    assert has_manifest == (name == "jsonl")


async def test_a_server_that_only_reads_exports_because_nothing_changes_at_the_service(
    tmp_path: Path,
) -> None:
    configured = settings(tmp_path, server={"provider": "local", "read_only": True})
    async with served(provider(), configured=configured) as server:
        assert (await server.answer("export_results", evaluation_id="eval-1"))["rows"] == 3


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        ({"status": "running"}, "eval-1 is running and has no result file yet: call get_status"),
        ({"status": "error", "results": {}}, "ended as error without a result file"),
        ({"content": b"<html>"}, "has no readable row"),
    ],
)
async def test_what_cannot_be_exported_is_one_sentence_and_leaves_no_file(
    tmp_path: Path, facts: dict[str, Any], sentence: str
) -> None:
    async with served(provider(**facts), configured=settings(tmp_path)) as server:
        assert sentence in await server.refusal("export_results", evaluation_id="eval-1")
    assert not (tmp_path / "exports").exists()


async def test_rows_that_are_missing_from_the_file_are_said(tmp_path: Path) -> None:
    content = jsonl({"id": 1, "label": "good"}) + b"no row\n"
    async with served(
        provider("user_error", content=content), configured=settings(tmp_path)
    ) as server:
        answer = await server.answer("export_results", evaluation_id="eval-1")
    assert answer["notes"] == [
        "1 line of the result file cannot be read: not exported.",
        "Partial: the evaluation ended as user_error before every row was judged.",
    ]


async def test_a_folder_that_cannot_be_written_is_named_with_its_setting(tmp_path: Path) -> None:
    configured = settings(tmp_path, export={"folder": tmp_path / "file" / "exports"})
    (tmp_path / "file").touch()
    async with served(provider(), configured=configured) as server:
        refusal = await server.refusal("export_results", evaluation_id="eval-1")
    assert "sets export.folder to another folder" in refusal
