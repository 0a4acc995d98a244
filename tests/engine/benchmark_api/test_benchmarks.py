"""Benchmarks and models under `/api/v3`: what is uploaded, listed and read again."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from evals_engine.config import EngineConfig
from evals_schemas.benchmark_api.benchmarks import BenchmarkList
from tests.engine.benchmark_client import (
    MODELS,
    TIME,
    knows_all,
    serving,
    with_models,
)


async def test_models_are_those_of_the_endpoint_and_none_is_aligned(tmp_path: Path) -> None:
    async with with_models(tmp_path, knows_all) as client:
        base = (await client.http.get("/models/base")).json()["models"]
        assert [model["model_id"] for model in base] == list(MODELS)
        aligned = await client.http.get("/models/aligned")
        assert aligned.json() == {"domain_aligned_models": []}


async def test_an_uploaded_benchmark_is_answered_listed_and_read_again(tmp_path: Path) -> None:
    questions = [
        {"question_num": "a", "question": "Wie heißt „Äpfel“?", "answer": "apples 🍏"},
        {"question_num": 7, "question": "2 + 2?", "answer": 4},
        {"question": "Is it?", "answer": True, "category": "dropped"},
    ]
    kept = [
        {"question_num": "a", "question": "Wie heißt „Äpfel“?", "answer": "apples 🍏"},
        {"question_num": 7, "question": "2 + 2?", "answer": "4"},
        {"question_num": 3, "question": "Is it?", "answer": "true"},
    ]
    async with serving(EngineConfig(tmp_path)) as client:
        answer = await client.upload_bytes(
            json.dumps(questions).encode(), name="Mixed", document_id="doc-1", description="d"
        )
        benchmark = answer.json()["benchmark_id"]
        assert re.fullmatch(r"benchmark-[0-9a-f-]{36}", benchmark)
        assert answer.json() == {
            "benchmark_id": benchmark,
            "id": benchmark,
            "benchmark_name": "Mixed",
            "name": "Mixed",
            "status": "completed",
            "questions": kept,
            "num_questions": 3,
        }
        line: dict[str, Any] = {
            "id": benchmark,
            "benchmark_name": "Mixed",
            "status": "completed",
            "documents": [],
            "num_questions": 3,
            "bytes": sum(len(json.dumps(question)) + 1 for question in kept),
            "created_at": TIME,
            "updated_at": TIME,
        }
        listing = (await client.http.get("/benchmark/list")).json()
        BenchmarkList.model_validate(listing)
        assert listing == {"benchmarks": [line]}
        data = (await client.http.get(f"/benchmark/{benchmark}/data")).json()
        assert data == {
            "benchmark_id": benchmark,
            **line,
            "questions": kept,
            "source": "database",
        }


async def test_json_lines_and_a_byte_order_mark_are_taken_and_a_name_is_found(
    tmp_path: Path,
) -> None:
    lines = b'{"question": "q1", "answer": "a1"}\n\n{"question": "q2", "answer": "a2"}\n'
    async with serving(EngineConfig(tmp_path)) as client:
        for data in (
            lines,
            b"\xef\xbb\xbf" + lines,
            b'\xef\xbb\xbf [{"question":"q","answer":"a"}]',
        ):
            answer = await client.upload_bytes(data)
            assert answer.status_code == 200, answer.text
            assert answer.json()["name"] == "capitals"
            assert answer.json()["questions"][0]["question_num"] == 1


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "no questions"),
        (b"[]", "no questions"),
        (b"[1]", "question 1: not an object"),
        (b'[{"question": "q"}]', "question 1: answer must be a text"),
        (b'[{"question": " ", "answer": "a"}]', "question 1: question must be a text"),
        (b'[{"question": "q", "answer": ["a"]}]', "question 1: answer must be a text"),
        (b'[{"question": "q", "answer": NaN}]', "not JSON"),
        (b'[{"question_num": 1.5, "question": "q", "answer": "a"}]', "question_num must be"),
        (b'[{"question_num": true, "question": "q", "answer": "a"}]', "question_num must be"),
        (
            b'[{"question_num":1,"question":"q","answer":"a"},{"question_num":"1","question":"q","answer":"a"}]',
            "question 2: question_num occurs twice",
        ),
        (b'[{"question": "\\ud83d", "answer": "a"}]', "half of a surrogate pair"),
        (b'[{"question": "q", "answer": "a"}', "not JSON"),
        (b"[" * 100_000, "nested too deeply"),
        (b"[\xff]", "not UTF-8"),
        (b'{"question": "q"', "not JSON"),
        (b"[" + b"9" * 5_000 + b"]", "not JSON"),
    ],
)
async def test_a_file_that_is_no_benchmark_is_refused_and_nothing_of_it_kept(
    tmp_path: Path, data: bytes, said: str
) -> None:
    async with serving(EngineConfig(tmp_path)) as client:
        answer = await client.upload_bytes(data)
        assert answer.status_code == 400, answer.text
        assert said in answer.json()["detail"]
        assert list((tmp_path / "files").iterdir()) == []


async def test_a_form_without_a_file_and_one_that_is_too_large_are_refused(
    tmp_path: Path,
) -> None:
    async with serving(EngineConfig(tmp_path, max_upload_bytes=100)) as client:
        upload = "/benchmark/upload"
        await client.detail("POST", upload, 400, content=b"no form")
        await client.detail("POST", upload, 400, files={"other": ("x", b"[]")})
        await client.detail("POST", upload, 413, files={"file": ("x", b" " * 101)})
        await client.detail("POST", upload, 413, files={"file": ("x", b" " * 10**6)})


async def test_generating_questions_is_refused_with_what_to_do_instead(tmp_path: Path) -> None:
    async with serving(EngineConfig(tmp_path)) as client:
        detail = await client.detail("POST", "/benchmark/create", 400, json={"documents": ["d"]})
        assert "/api/v3/benchmark/upload" in detail


async def test_questions_whose_bytes_are_gone_are_a_404_and_not_a_defect(tmp_path: Path) -> None:
    async with serving(EngineConfig(tmp_path)) as client:
        benchmark = await client.upload()
        (tmp_path / "files" / benchmark).unlink()
        detail = await client.detail("GET", f"/benchmark/{benchmark}/data", 404)
        assert "gone" in detail
