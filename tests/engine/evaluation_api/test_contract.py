"""Every answer to an evaluation request fits the vendor's own description of the API."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from evals_engine.config import ModelEndpoint
from tests.engine.contract import assert_answer, assert_create
from tests.engine.model_server import ModelServer, completion
from tests.engine.running import MODEL_JUDGE, RULE_JUDGE, running_engine

ROWS = [{"expected": "Paris", "answer": "paris"}, {"expected": "Rome", "answer": "Milan"}]
PARAMETERS: dict[str, dict[str, Any]] = {
    "classify": {
        "labels": ["right", "wrong"],
        "pass_labels": ["right"],
        "model_to_evaluate": "answer",
    },
    "score": {"min_score": 0, "max_score": 1, "pass_threshold": 1, "model_to_evaluate": "answer"},
    "compare": {"model_a": "answer", "model_b": "answer"},
}


@pytest.mark.parametrize("kind", PARAMETERS)
async def test_a_finished_evaluation_is_answered_as_the_contract_says(
    kind: str, tmp_path: Path
) -> None:
    async with running_engine(tmp_path) as engine:
        file_id = await engine.upload(ROWS)
        parameters = {"judge": RULE_JUDGE, "input_data_file_path": file_id, **PARAMETERS[kind]}
        assert_create({"type": kind, "parameters": parameters})
        created = await engine.create(kind, **parameters)
        job = await engine.finished(created)
        listed = (await engine.http.get("/evaluation")).json()
        status = (await engine.http.get(f"/evaluation/{created}/status")).json()

    assert job["results"]["result_file_id"]
    assert_answer("GET /evaluation/{id} 200", job)
    assert_answer("GET /evaluation 200", listed)
    assert_answer("GET /evaluation/{id}/status 200", status)
    assert "status_updates" not in listed[0]


async def test_a_running_evaluation_has_no_nulls(tmp_path: Path) -> None:
    async with ModelServer(lambda _: completion("late", delay=3600)) as models:
        endpoint = ModelEndpoint(models.base_url)
        async with running_engine(tmp_path, serverless=endpoint, stop_seconds=0) as engine:
            file_id = await engine.upload(ROWS)
            parameters = PARAMETERS["classify"] | {"input_data_file_path": file_id}
            answer = await engine.http.post(
                "/evaluation",
                json={"type": "classify", "parameters": {"judge": MODEL_JUDGE, **parameters}},
            )
            created = answer.json()["workflow_id"]
            job = await engine.until(created, lambda job: job["status"] == "running")
            listed = (await engine.http.get("/evaluation")).json()
            status = (await engine.http.get(f"/evaluation/{created}/status")).json()
            cancelled = (await engine.http.post(f"/evaluation/{created}/cancel")).json()

    assert_answer("POST /evaluation 200", answer.json())
    assert_answer("GET /evaluation 200", listed)
    assert_answer("GET /evaluation/{id} 200", job)
    assert_answer("GET /evaluation/{id}/status 200", status)
    assert not [name for body in (job, listed[0], status, cancelled) for name in nulls(body)]


def nulls(body: dict[str, Any]) -> list[str]:
    return [name for name, value in body.items() if value is None]


async def test_refusals_are_answered_as_the_contract_says(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as engine:
        missing = await engine.http.get("/evaluation/eval-0000-1")
        unlisted = await engine.http.get("/evaluation/eval-0000-1/status")
        limit = await engine.http.get("/evaluation?limit=0")
        body = await engine.http.post("/evaluation", json={"type": "classify", "parameters": {}})

    assert [missing.status_code, unlisted.status_code, limit.status_code, body.status_code] == [
        404,
        404,
        400,
        400,
    ]
    assert_answer("GET /evaluation/{id} 404", missing.json())
    assert_answer("GET /evaluation/{id}/status 404", unlisted.json())
    assert_answer("GET /evaluation 400", limit.json())
    assert_answer("POST /evaluation 400", body.json())


RETRY = {"X-Stainless-Retry-Count": "1"}


async def test_what_an_sdk_sends_again_starts_one_evaluation(tmp_path: Path) -> None:
    seconds = [1_764_000_000.0]
    async with running_engine(tmp_path, clock=lambda: seconds[0]) as engine:
        parameters = PARAMETERS["classify"] | {"judge": RULE_JUDGE}
        parameters["input_data_file_path"] = await engine.upload(ROWS)

        async def create(headers: dict[str, str], **changes: Any) -> tuple[str, str | None]:
            body = {"type": "classify", "parameters": parameters | changes}
            answer = await engine.http.post("/evaluation", json=body, headers=headers)
            assert answer.status_code == 200, answer.text
            return answer.json()["workflow_id"], answer.headers.get("idempotent-replayed")

        first, _ = await create({"X-Stainless-Retry-Count": "0"})
        assert await create(RETRY) == (first, "true")
        assert await create({"X-Stainless-Retry-Count": "2"}) == (first, "true")
        other, replayed = await create(RETRY, labels=["right", "wrong", "unclear"])
        assert (other != first, replayed) == (True, None)
        keyed, replayed = await create(RETRY | {"Idempotency-Key": "asks for another one"})
        assert (keyed != first, replayed) == (True, None)
        again, replayed = await create({"X-Stainless-Retry-Count": "0"})
        assert (again != first, replayed) == (True, None)
        seconds[0] += 901
        late, replayed = await create(RETRY)
        assert (late not in {first, again}, replayed) == (True, None)
        first_sdk = {"User-Agent": "Together/v1 PythonBindings/1.5.35"}
        uncounted, replayed = await create(first_sdk)
        assert (uncounted != late, replayed) == (True, None)
        assert await create(first_sdk) == (uncounted, "true")
        seconds[0] += 31
        assert (await create(first_sdk))[0] != uncounted
        # A client that is not known to retry starts what it sends.
        assert len({(await create({}))[0] for _ in range(2)}) == 2


async def test_the_command_line_learns_whose_its_token_is(tmp_path: Path) -> None:
    async with running_engine(tmp_path, token=SecretStr("open sesame")) as engine:
        right = {"Authorization": "Bearer open sesame"}
        urls = ["http://engine/v3/whoami", "http://engine/v1/v3/whoami"]
        answers = [await engine.http.get(url, headers=right) for url in urls]
        refused = await engine.http.get(urls[0])

    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() == {
        "type": "org_api_key",
        "api_key": {"id": "local"},
        "organization": {"id": "local", "name": "local"},
    }
    assert refused.status_code == 401


async def test_a_slash_at_the_end_of_a_path_changes_nothing(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as engine:
        listed = await engine.http.get("/evaluation/")
        created = await engine.http.post("/evaluation/", json={"type": "classify"})

    assert (listed.status_code, listed.json()) == (200, [])
    assert created.status_code == 400


async def test_a_parquet_file_is_named_as_such(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as engine:
        body = await engine.upload_bytes(b"PAR1\x15\x04\x15PAR1", "rows.parquet")

    assert body["error"]["message"].startswith("rows.parquet: a Parquet file; this service reads")
    assert body["error"]["param"] == "file"
