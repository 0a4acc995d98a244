"""What `/api/v3` refuses, in which form, and whose things it shows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from pydantic import SecretStr

from evals_engine.config import EngineConfig
from evals_engine.store.records import UserName
from evals_engine.store.store import Store
from tests.engine.benchmark_client import (
    knows_all,
    serving,
    with_models,
)


async def test_neither_contract_shows_what_belongs_to_the_other(tmp_path: Path) -> None:
    async with with_models(tmp_path, knows_all) as client:
        benchmark = await client.upload()
        evaluation = await client.create(model_id="alpha", benchmark_id=benchmark)
        await client.results(evaluation)
        with_store = Store(tmp_path / "engine")
        stored = with_store.get_evaluation(evaluation, UserName("local"))
        with_store.close()
        assert stored is not None
        assert stored.results is not None
        v1 = "http://engine/v1"
        assert (await client.http.get(f"{v1}/files")).json()["data"] == []
        assert (await client.http.get(f"{v1}/evaluation")).json() == []
        for path in (
            f"files/{benchmark}",
            f"files/{benchmark}/content",
            f"files/{stored.results['result_file_id']}/content",
            f"evaluation/{evaluation}",
            f"evaluation/{evaluation}/status",
        ):
            assert (await client.http.get(f"{v1}/{path}")).status_code == 404
        assert (await client.http.delete(f"{v1}/files/{benchmark}")).status_code == 404

        rows = {"file": ("rows.jsonl", b'{"expected": "a", "answer": "a"}\n')}
        file_id = (await client.http.post(f"{v1}/files/upload", files=rows)).json()["id"]
        judge = {"model": "rule/contains", "model_source": "serverless"}
        parameters: dict[str, Any] = {
            "judge": {**judge, "system_template": "{{ expected }}"},
            "labels": ["a", "b"],
            "pass_labels": ["a"],
            "model_to_evaluate": "answer",
        }
        parameters["input_data_file_path"] = file_id
        body = {"type": "classify", "parameters": parameters}
        job = (await client.http.post(f"{v1}/evaluation", json=body)).json()["workflow_id"]
        parameters["input_data_file_path"] = benchmark
        assert (await client.http.post(f"{v1}/evaluation", json=body)).status_code == 400
        await client.detail("GET", f"/evaluations/{job}/status", 404)
        await client.detail("GET", f"/benchmark/{file_id}/data", 404)
        created = {"model_id": "alpha", "benchmark_id": file_id}
        await client.detail("POST", "/evaluations", 404, json=created)
        assert (await client.http.get("/evaluations")).json()["total"] == 1
        assert len((await client.http.get("/benchmark/list")).json()["benchmarks"]) == 1


async def test_what_is_another_owners_looks_like_what_does_not_exist(
    tmp_path: Path,
) -> None:
    tokens = {"ada": SecretStr("token of ada"), "eve": SecretStr("token of eve")}
    async with with_models(tmp_path, knows_all, tokens=tokens) as client:
        client.http.headers["Authorization"] = "Bearer token of ada"
        benchmark = await client.upload()
        evaluation = await client.create(model_id="alpha", benchmark_id=benchmark)
        await client.results(evaluation)
        client.http.headers["Authorization"] = "Bearer token of eve"
        for path in ("status", "results", "download"):
            await client.detail("GET", f"/evaluations/{evaluation}/{path}", 404)
        await client.detail("POST", f"/evaluations/{evaluation}/cancel", 404)
        await client.detail("GET", f"/benchmark/{benchmark}/data", 404)
        created = {"model_id": "alpha", "benchmark_id": benchmark}
        await client.detail("POST", "/evaluations", 404, json=created)
        assert (await client.http.get("/evaluations")).json()["evaluations"] == []
        assert (await client.http.get("/benchmark/list")).json() == {"benchmarks": []}


async def test_a_wrong_token_is_turned_away_in_the_contracts_form(tmp_path: Path) -> None:
    config = EngineConfig(tmp_path, token=SecretStr("right"))
    async with serving(config, {"Authorization": "Bearer wrong"}) as client:
        assert "token" in await client.detail("GET", "/evaluations", 401)
        answer = await client.http.get("http://engine/v1/evaluation")
        assert (answer.status_code, set(answer.json())) == (401, {"error"})
    async with serving(config, {"Authorization": "Bearer right"}) as client:
        assert (await client.http.get("/evaluations")).status_code == 200


async def test_a_create_that_is_sent_again_with_its_key_starts_nothing_new(tmp_path: Path) -> None:
    async with with_models(tmp_path, knows_all) as client:
        benchmark = await client.upload()
        body = {"model_id": "alpha", "benchmark_id": benchmark}
        headers = {"Idempotency-Key": "key-1"}
        first = await client.http.post("/evaluations", json=body, headers=headers)
        again = await client.http.post("/evaluations", json=body, headers=headers)
        assert first.json() == again.json()
        other = body | {"model_id": "beta"}
        await client.detail("POST", "/evaluations", 422, json=other, headers=headers)
        assert (await client.http.get("/evaluations")).json()["total"] == 1


@pytest.mark.parametrize(
    ("change", "status", "said"),
    [
        ({"benchmark_id": f"benchmark-{uuid4()}"}, 404, "No benchmark with id"),
        ({"model_id": "alpa"}, 400, "the closest names are alpha"),
        ({"model_id_2": "zzz"}, 400, "model_id_2: no such model; no model has a similar name"),
        ({"model_id_2": "alpha"}, 400, "the same as model_id"),
        ({"model_id": "rule/contains"}, 400, "A rule judges; it cannot be evaluated"),
        ({"model_id_2": "rule/none"}, 400, "A rule judges; it cannot be evaluated"),
    ],
)
async def test_what_cannot_be_run_is_refused_at_create(
    tmp_path: Path, change: dict[str, str], status: int, said: str
) -> None:
    async with with_models(tmp_path, knows_all) as client:
        body = {"model_id": "alpha", "benchmark_id": await client.upload()} | change
        assert said in await client.detail("POST", "/evaluations", status, json=body)
        assert (await client.http.get("/evaluations")).json()["total"] == 0


@pytest.mark.parametrize(
    ("judge", "said"),
    [
        (
            "rule/nothing",
            'The judge (local.benchmark_judge): There is no rule judge "rule/nothing"',
        ),
        (
            "judge-2",
            "The judge (local.benchmark_judge): no such model; the closest names are judge-1",
        ),
    ],
)
async def test_a_judge_that_cannot_judge_is_named_with_its_setting(
    tmp_path: Path, judge: str, said: str
) -> None:
    async with with_models(tmp_path, knows_all, benchmark_judge=judge) as client:
        body = {"model_id": "alpha", "benchmark_id": await client.upload()}
        assert said in await client.detail("POST", "/evaluations", 400, json=body)


async def test_without_an_endpoint_the_setting_that_is_missing_is_named(tmp_path: Path) -> None:
    async with serving(EngineConfig(tmp_path)) as client:
        body = {"model_id": "alpha", "benchmark_id": await client.upload()}
        assert "local.models.base_url" in await client.detail(
            "POST", "/evaluations", 400, json=body
        )


SECRET = "planted-7391"
UNKNOWN = {"model_id": "alpha", "benchmark_id": "benchmark-1"}


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ([], ["body"]),
        (SECRET, ["body"]),
        ({}, ["body", "model_id"]),
        ({**UNKNOWN, "model_id": 5}, ["body", "model_id"]),
        ({**UNKNOWN, "model_id": ""}, ["body", "model_id"]),
        ({**UNKNOWN, "model_id": {"a": SECRET}}, ["body", "model_id"]),
        ({**UNKNOWN, "model_id": "\ud83d"}, ["body", "model_id"]),
        ({**UNKNOWN, "model_id_2": ""}, ["body", "model_id_2"]),
        ({**UNKNOWN, "surprise": SECRET}, ["body", "surprise"]),
        ({**UNKNOWN, "custom_metrics": ["accuracy", SECRET]}, ["body", "custom_metrics"]),
        ({**UNKNOWN, "custom_metrics": {SECRET: 1}}, ["body", "custom_metrics"]),
    ],
)
async def test_an_invalid_body_is_answered_by_field_and_never_repeated(
    tmp_path: Path, body: Any, where: list[str]
) -> None:
    async with serving(EngineConfig(tmp_path)) as client:
        answer = await client.http.post("/evaluations", content=json.dumps(body).encode())
        assert answer.status_code == 422, answer.text
        assert SECRET not in answer.text
        problem = answer.json()["detail"][0]
        assert set(problem) == {"loc", "msg", "type"}
        assert problem["loc"] == where


async def test_an_unknown_metric_is_answered_with_those_there_are(tmp_path: Path) -> None:
    async with serving(EngineConfig(tmp_path)) as client:
        answer = await client.http.post("/evaluations", json={**UNKNOWN, "custom_metrics": ["x"]})
        assert answer.json() == {
            "detail": [
                {
                    "loc": ["body", "custom_metrics"],
                    "msg": "an unknown metric; this service computes accuracy and relevance",
                    "type": "value_error",
                }
            ]
        }


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=101",
        "limit=x",
        "limit=",
        "offset=-1",
        "offset=9999999999999999999999",
        "status=done",
        "status=%00",
    ],
)
async def test_a_query_that_does_not_fit_is_a_422_for_that_parameter(
    tmp_path: Path, query: str
) -> None:
    async with serving(EngineConfig(tmp_path)) as client:
        answer = await client.http.get(f"/evaluations?{query}")
        assert answer.status_code == 422
        (problem,) = answer.json()["detail"]
        assert problem["loc"] == ["query", query.split("=", maxsplit=1)[0]]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/evaluations", 400),
        ("PUT", "/evaluations", 405),
        ("GET", "/evaluations/nothing/status", 404),
        ("GET", "/evaluations/nothing/results", 404),
        ("GET", "/evaluations/%2e%2e%2f/download", 404),
        ("POST", "/evaluations/%00/cancel", 404),
        ("GET", "/evaluations/nothing", 405),
        ("GET", "/benchmark/nothing/data", 404),
        ("GET", "/benchmark/%ff/data", 404),
        ("GET", "/benchmark/upload", 405),
        ("GET", "/nothing", 404),
        ("GET", "/", 404),
    ],
)
async def test_what_is_not_there_is_told_in_the_contracts_form(
    tmp_path: Path, method: str, path: str, status: int
) -> None:
    async with serving(EngineConfig(tmp_path)) as client:
        answer = await client.http.request(method, f"http://engine/api/v3{path}", content=b"{")
        assert answer.status_code == status
        assert set(answer.json()) == {"detail"}


async def test_a_body_that_is_too_large_is_refused(tmp_path: Path) -> None:
    async with serving(EngineConfig(tmp_path)) as client:
        await client.detail("POST", "/evaluations", 413, content=b" " * (1024 * 1024 + 1))
