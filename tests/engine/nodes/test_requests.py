"""Requests with characters and numbers that only one database might refuse."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from tests.engine.running import RULE_JUDGE, EngineClient, running_engine

ROWS = [{"a": "1", "expected": "1"}]
BENCHMARKS = "http://engine/api/v3/evaluations"
PATHS = (
    "/files/a%00b",
    "/files/%ff%fe",
    "/evaluation/%ed%a0%80",
    "/evaluation?status=%00",
    "/evaluation?limit=99999999999999999999",
    f"{BENCHMARKS}?offset=9223372036854775807&limit=5",
    f"{BENCHMARKS}?model_id=%00",
    "/files",
)


async def statuses(engine: EngineClient) -> list[int]:
    """Send requests that no client should; return the statuses of the answers."""
    file_id = await engine.upload(ROWS)

    def create(**changes: Any) -> Mapping[str, Any]:
        parameters = {
            "judge": RULE_JUDGE,
            "labels": ["right", "wrong"],
            "pass_labels": ["right"],
            "model_to_evaluate": "a",
            "input_data_file_path": file_id,
        }
        body = {"type": "classify", "parameters": parameters | changes}
        return {"content": json.dumps(body), "headers": {"Idempotency-Key": "a'\"%s:id"}}

    answers = [
        await engine.http.post("/evaluation", **create(input_data_file_path="\ud800")),
        await engine.http.post("/evaluation", **create(input_data_file_path="a\0")),
        await engine.http.post("/evaluation", **create(labels=["r\0", "w"], pass_labels=["r\0"])),
        await engine.http.post("/evaluation", **create()),
        await engine.http.post("/files/upload", files={"file": ("a\0b.jsonl", b'{"a":1}\n')}),
        *[await engine.http.get(path) for path in PATHS],
    ]
    return [answer.status_code for answer in answers]


async def test_both_databases_answer_hostile_requests_alike(
    tmp_path: Path, database_url: str
) -> None:
    async with running_engine(tmp_path, runs_evaluations=False) as engine:
        expected = await statuses(engine)
    url = SecretStr(database_url)
    async with running_engine(tmp_path, runs_evaluations=False, database_url=url) as engine:
        assert await statuses(engine) == expected
    assert max(expected) < 500
