"""A node judges as the engine on SQLite does: the same rows, files, failures and refusals."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from evals_engine.config import EngineConfig, ModelEndpoint
from evals_engine.node_runs.context import MAX_CLAIMS
from tests.engine.benchmark_client import beta_knows_half, with_models
from tests.engine.model_server import ChatRequest, ModelServer, Reply, completion, failure
from tests.engine.nodes.shard_tables import query
from tests.engine.running import MODEL_JUDGE, RULE_JUDGE, EngineClient, running_engine

GENERATED = {
    "model": "candidate-1",
    "model_source": "serverless",
    "system_template": "",
    "input_template": "{{ question }}",
}
LABELS = {"labels": ["good", "bad"], "pass_labels": ["good"]}
SCORES = {"min_score": 0.0, "max_score": 10.0, "pass_threshold": 5.0}
VERDICT = {"feedback": "", "label": "good", "score": 7, "choice": "A"}


def model(request: ChatRequest) -> Reply:
    """Answer a question, or judge an answer, by the text alone."""
    if request.body["model"] == "candidate-1":
        return completion(f"answer to {request.user}")
    return completion(json.dumps(VERDICT))


@asynccontextmanager
async def one_node(url: str, server: ModelServer) -> AsyncGenerator[EngineClient]:
    config = EngineConfig(
        data_dir=Path("unused"),
        database_url=SecretStr(url),
        serverless=ModelEndpoint(server.base_url),
    )
    async with running_engine(config) as client:
        yield client


def rows(count: int, *columns: str) -> list[dict[str, str]]:
    return [
        {name: f'{name} "{number % 7}",\nof row {number}' for name in columns}
        for number in range(count)
    ]


def as_csv(lines: list[dict[str, str]]) -> bytes:
    quoted = ['"' + '","'.join(lines[0]) + '"']
    quoted += [
        '"' + '","'.join(cell.replace('"', '""') for cell in line.values()) + '"' for line in lines
    ]
    return "\n".join(quoted).encode()


async def outcome(client: EngineClient, kind: str, data: bytes, name: str, fields: Any) -> Any:
    """Run an evaluation; return its status, its results and the bytes of its result file."""
    file = (await client.upload_bytes(data, name))["id"]
    created = await client.create(kind, input_data_file_path=file, **fields)
    job = await client.finished(created)
    results = dict(job["results"])
    content = b""
    if result_id := results.pop("result_file_id", None):
        content = (await client.http.get(f"/files/{result_id}/content")).content
    return job["status"], results, job["progress"], content


def as_lines(lines: list[dict[str, str]]) -> bytes:
    return "".join(json.dumps(line) + "\n" for line in lines).encode()


CASES = {
    "classify, a rule, CSV with quoted lines": (
        "classify",
        as_csv(rows(620, "expected", "answer")),
        "data.csv",
        {"judge": RULE_JUDGE, "model_to_evaluate": "answer", **LABELS},
    ),
    "score, a generated answer": (
        "score",
        as_lines(rows(230, "expected", "question")),
        "data.jsonl",
        {"judge": MODEL_JUDGE, "model_to_evaluate": GENERATED, **SCORES},
    ),
    "compare, both orders": (
        "compare",
        as_lines(rows(120, "expected", "a", "b")),
        "data.jsonl",
        {"judge": MODEL_JUDGE, "model_a": "a", "model_b": "b"},
    ),
    "a template with an unknown column": (
        "classify",
        as_lines(rows(3, "answer")),
        "data.jsonl",
        {"judge": RULE_JUDGE, "model_to_evaluate": "answer", **LABELS},
    ),
}


@pytest.mark.parametrize("case", CASES)
async def test_a_node_leads_to_what_the_engine_on_sqlite_does(
    tmp_path: Path, database_url: str, case: str
) -> None:
    async with ModelServer(model) as server:
        config = EngineConfig(data_dir=tmp_path, serverless=ModelEndpoint(server.base_url))
        async with running_engine(config) as client:
            expected = await outcome(client, *CASES[case])
        async with one_node(database_url, server) as client:
            assert await outcome(client, *CASES[case]) == expected


async def test_a_node_goes_on_with_the_next_shard_without_a_ticket(database_url: str) -> None:
    judge = MODEL_JUDGE | {"num_workers": 6}
    async with ModelServer(model) as server, one_node(database_url, server) as client:
        file = await client.upload(rows(900, "expected", "answer"))
        fields = {"input_data_file_path": file, "model_to_evaluate": "answer", **LABELS}
        job = await client.finished(await client.create("classify", judge=judge, **fields))
        most = server.most_in_flight
    assert job["status"] == "completed", job
    assert job["progress"] == {"done": 900, "total": 900}
    assert most <= 6
    # The preparation, two shares of the calls, the conclusion.
    made = query(database_url, "SELECT last_value FROM procrastinate_jobs_id_seq")
    assert made == [{"last_value": 4}]


async def test_a_node_runs_benchmarks_for_two_models(tmp_path: Path, database_url: str) -> None:
    compared = list[Any]()
    for url in (None, SecretStr(database_url)):
        async with with_models(tmp_path, beta_knows_half, database_url=url) as client:
            benchmark = await client.upload()
            evaluation = await client.create(
                model_id="alpha", model_id_2="beta", benchmark_id=benchmark
            )
            results = await client.results(evaluation)
            compared.append((results["comparison"], await client.rows(evaluation)))
    assert compared[0] == compared[1]


async def test_an_evaluation_takes_the_answers_of_another_one(database_url: str) -> None:
    async with ModelServer(model) as server, one_node(database_url, server) as client:
        file = await client.upload(rows(130, "expected", "question"))
        fields = {"input_data_file_path": file, "model_to_evaluate": GENERATED, **LABELS}
        first = await client.create("classify", judge=MODEL_JUDGE, **fields)
        body = {"type": "classify", "parameters": {"judge": RULE_JUDGE, **fields}}
        answer = await client.http.post("/evaluation", json=body | {"answers_from": first})
        assert answer.status_code == 200, answer.text
        await client.finished(first)
        job = await client.finished(answer.json()["workflow_id"])
        asked = [each for each in server.requests if each.body["model"] == "candidate-1"]
    assert job["status"] == "completed", job
    assert len(asked) == 130


async def test_an_evaluation_of_which_too_many_rows_fail_ends_with_the_reason(
    database_url: str,
) -> None:
    async with (
        ModelServer(lambda _: failure(400)) as server,
        one_node(database_url, server) as client,
    ):
        file = await client.upload(rows(1_200, "expected", "answer"))
        created = await client.create(
            "classify",
            input_data_file_path=file,
            judge=MODEL_JUDGE,
            model_to_evaluate="answer",
            **LABELS,
        )
        job = await client.finished(created)
    assert job["status"] == "error"
    assert "rows failed, more than 30%" in job["results"]["error"]
    assert job["progress"]["done"] < 1_200


@pytest.mark.parametrize(
    ("begun", "status"), [(MAX_CLAIMS - 1, "completed"), (MAX_CLAIMS, "error")]
)
async def test_a_shard_that_ends_its_processes_again_and_again_is_given_up(
    database_url: str, begun: int, status: str
) -> None:
    async with ModelServer(model) as server:
        config = EngineConfig(
            data_dir=Path("unused"),
            database_url=SecretStr(database_url),
            serverless=ModelEndpoint(server.base_url),
        )
        async with running_engine(config, runs_evaluations=False) as client:
            file = await client.upload(rows(2, "expected", "answer"))
            fields = {"input_data_file_path": file, "model_to_evaluate": "answer", **LABELS}
            evaluation = await client.create("classify", judge=MODEL_JUDGE, **fields)
        query(database_url, "UPDATE shards SET claims = %s RETURNING 1", begun)
        async with running_engine(config) as client:
            job = await client.finished(evaluation)
    assert job["status"] == status, job
    if status == "error":
        assert f"have ended {MAX_CLAIMS} times" in job["results"]["error"]


async def test_a_key_in_a_request_that_all_nodes_have_is_used_and_no_other(
    database_url: str,
) -> None:
    async with ModelServer(model) as server, ModelServer(model) as other:
        keys = {server.base_url: "first", other.base_url: "of another"}
        known = tuple(ModelEndpoint(url, SecretStr(key)) for url, key in keys.items())
        # Of two credentials with one base URL a run uses the first, so only its key is the same.
        known += (ModelEndpoint(server.base_url, SecretStr("second")),)
        config = EngineConfig(
            data_dir=Path("unused"), database_url=SecretStr(database_url), external=known
        )
        async with running_engine(config) as client:
            file = await client.upload(rows(2, "question", "expected"))

            def with_keys(judge: str, candidate: str) -> dict[str, Any]:
                external = {"model_source": "external", "external_base_url": server.base_url + "/"}
                return {
                    "judge": MODEL_JUDGE | external | {"external_api_token": judge},
                    "model_to_evaluate": GENERATED | external | {"external_api_token": candidate},
                    "input_data_file_path": file,
                    **LABELS,
                }

            job = await client.finished(
                await client.create("classify", **with_keys(*["first"] * 2))
            )
            assert job["status"] == "completed", job
            assert "external_api_token" not in json.dumps(job)
            for wrong in ("second", "of another", "firs", "first ", "\ud800", "\u00e9"):
                for judge, candidate in (("first", wrong), (wrong, "first")):
                    body = {"type": "classify", "parameters": with_keys(judge, candidate)}
                    refused = await client.http.post("/evaluation", content=json.dumps(body))
                    assert refused.status_code == 400, wrong
                    assert "first configured credential" in refused.json()["error"]["message"]
        sent = {request.headers["authorization"] for request in server.requests}
        assert sent == {"Bearer first"}
        assert not other.requests


async def test_what_one_process_alone_would_know_is_refused(database_url: str) -> None:
    external = MODEL_JUDGE | {
        "model_source": "external",
        "external_api_token": "secret",
        "external_base_url": "http://127.0.0.1:9/v1",
    }
    async with ModelServer(model) as server, one_node(database_url, server) as client:
        file = await client.upload(rows(2, "expected", "answer"))
        fields = {"input_data_file_path": file, "model_to_evaluate": "answer", **LABELS}
        body = {"type": "classify", "parameters": {"judge": external, **fields}}
        refused = await client.http.post("/evaluation", json=body)
    assert refused.status_code == 400
