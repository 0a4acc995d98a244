"""One evaluation over several nodes of one database, and what none of them does twice."""

from __future__ import annotations

import json
import os
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from pydantic import SecretStr

from evals_engine.config import ModelEndpoint
from tests.engine.model_server import ModelServer, completion
from tests.engine.running import MODEL_JUDGE, RULE_JUDGE, EngineClient, running_engine
from tests.journeys.conversation import conversation
from tests.journeys.served import served_engine
from tests.postgres import URL_VARIABLE, binaries, database_copy
from tests.volume import PROOFS, VOLUME

ROWS = [{"answer": f"{n % 3}ü", "expected": "1ü"} for n in range(600)]
CREATE: dict[str, Any] = {
    "judge": RULE_JUDGE,
    "labels": ["right", "wrong"],
    "pass_labels": ["right"],
    "model_to_evaluate": "answer",
}


@pytest.fixture
def shared(database_url: str) -> dict[str, Any]:
    """The changes that make an engine one of several nodes."""
    return {"database_url": SecretStr(database_url), "lease_seconds": 30.0}


@pytest.fixture
def replica(shared: dict[str, Any]) -> dict[str, Any]:
    """The changes that make an engine a node that runs nothing."""
    return {**shared, "runs_evaluations": False}


async def test_each_step_is_answered_by_another_node_while_the_first_is_dead(
    tmp_path: Path, database_url: str, shared: dict[str, Any], replica: dict[str, Any]
) -> None:
    settings = {"LOCAL__DATABASE_URL": database_url}
    async with (
        running_engine(tmp_path, **replica) as create_at,
        running_engine(tmp_path, **shared) as run_at,
        running_engine(tmp_path, **replica) as read_at,
    ):
        async with served_engine(tmp_path, "--no-runs", **settings) as upload_at:
            async with httpx2.AsyncClient(base_url=upload_at.url, timeout=60) as http:
                file_id = await EngineClient(http).upload(ROWS)
            upload_at.kill()
        request = {**CREATE, "input_data_file_path": file_id}
        evaluation = await create_at.create("classify", **request)
        job = await run_at.finished(evaluation)
        assert job["status"] == "completed", job
        result = f"/files/{job['results']['result_file_id']}/content"
        whole = (await read_at.http.get(result)).content
        rows = [json.loads(line) for line in whole.splitlines()]
        assert [row["answer"] for row in rows] == [row["answer"] for row in ROWS]
        await assert_ranges(read_at, result, whole)
    assert not (tmp_path / "evals.sqlite3").exists()


@pytest.mark.skipif(URL_VARIABLE in os.environ, reason="its version may not be that of pg_dump")
async def test_a_dump_made_while_nodes_run_has_everything(
    tmp_path: Path, postgres_server: str, shared: dict[str, Any]
) -> None:
    url, dump = shared["database_url"].get_secret_value(), tmp_path / "evals.dump"
    async with running_engine(tmp_path, **shared) as engine:
        file_id = await engine.upload(ROWS)
        evaluation = await engine.create("classify", **CREATE, input_data_file_path=file_id)
        job = await engine.finished(evaluation)
        await program("pg_dump", "--format=custom", f"--file={dump}", url)
        rows = await engine.result_rows(job)
    with database_copy(postgres_server) as copy:
        options = ("--exit-on-error", "--no-owner", f"--dbname={copy}")
        await program("pg_restore", *options, str(dump))
        restored: dict[str, Any] = {**shared, "database_url": SecretStr(copy)}
        async with running_engine(tmp_path, **restored) as engine:
            assert await engine.finished(evaluation) == job
            assert await engine.result_rows(job) == rows
            again = await engine.create("classify", **CREATE, input_data_file_path=file_id)
            assert (await engine.finished(again))["status"] == "completed"


async def program(name: str, *arguments: str) -> None:
    """Run a program of PostgreSQL."""
    with anyio.fail_after(60):
        await anyio.run_process([str(binaries() / name), *arguments])


async def assert_ranges(engine: EngineClient, path: str, whole: bytes) -> None:
    """Read a file in every way that a request can want it."""
    size = len(whole)
    for wanted, first, end in (
        ("bytes=0-0", 0, 1),
        ("bytes=5-99", 5, 100),
        (f"bytes={size - 3}-", size - 3, size),
        ("bytes=-7", size - 7, size),
        (f"bytes=9-{size * 2}", 9, size),
    ):
        answer = await engine.http.get(path, headers={"Range": wanted})
        assert (answer.status_code, answer.content) == (206, whole[first:end])
        assert answer.headers["Content-Range"] == f"bytes {first}-{end - 1}/{size}"
    for wanted, status in ((f"bytes={size}-", 416), ("bytes=9-5", 400), ("lines=1-2", 400)):
        answer = await engine.http.get(path, headers={"Range": wanted})
        assert answer.status_code == status
        assert answer.json()["error"]["param"] == "Range"
    several = await engine.http.get(path, headers={"Range": "bytes=0-1,4-5"})
    assert (several.status_code, several.content) == (200, whole)
    tag = several.headers["ETag"]
    for wanted, status in ((tag, 206), ('"another"', 200)):
        headers = {"Range": "bytes=0-1", "If-Range": wanted}
        assert (await engine.http.get(path, headers=headers)).status_code == status
    head = await engine.http.head(path)
    assert (head.content, head.headers["Content-Length"]) == (b"", str(size))


@pytest.mark.skipif(VOLUME != PROOFS, reason="starts two servers; run by make proofs")
async def test_an_assistant_over_the_database_reads_what_another_server_has_started(
    tmp_path: Path, database_url: str
) -> None:
    settings = {"LOCAL__DATABASE_URL": database_url}
    rows = [{"answer": row["answer"], "expected": row["expected"]} for row in ROWS[:9]]
    judge = {"model": "rule/exact-match", "system_template": "{{expected}}"}
    async with conversation(tmp_path / "first", tmp_path, **settings) as talk:
        stored = await talk.answer("upload_dataset", rows=rows)
        created = await talk.answer(
            "create_evaluation",
            type="classify",
            judge=judge,
            labels=["right", "wrong"],
            pass_labels=["right"],
            response_column="answer",
            input_data_file_path=stored["file_id"],
        )
    evaluation = {"evaluation_id": created["evaluation_id"]}
    async with conversation(tmp_path / "second", tmp_path, **settings) as talk:
        status = await talk.answer("get_status", **evaluation, wait_seconds=45)
        assert status["status"] == "completed", status
        page = await talk.answer("read_results", **evaluation, show="all")
        assert len(page["rows"]) == 9
    assert not list(tmp_path.rglob("evals.sqlite3"))


async def test_a_key_that_comes_to_many_nodes_at_once_starts_one_evaluation(
    tmp_path: Path, replica: dict[str, Any]
) -> None:
    created: list[str] = []

    async def send(engine: EngineClient, body: dict[str, Any]) -> None:
        answer = await engine.http.post("/evaluation", json=body, headers={"Idempotency-Key": "k"})
        created.append(answer.json()["workflow_id"])

    async with AsyncExitStack() as stack:
        nodes = [
            await stack.enter_async_context(running_engine(tmp_path, **replica)) for _ in range(2)
        ]
        parameters = {**CREATE, "input_data_file_path": await nodes[0].upload(ROWS)}
        async with anyio.create_task_group() as tasks:
            for node in nodes * 4:
                tasks.start_soon(send, node, {"type": "classify", "parameters": parameters})
        assert len(created) == 8
        assert len(set(created)) == 1
        listed = (await nodes[1].http.get("/evaluation")).json()
        assert [job["workflow_id"] for job in listed] == created[:1]


async def test_a_cancel_at_one_node_ends_what_no_other_has_begun(
    tmp_path: Path, replica: dict[str, Any]
) -> None:
    async with (
        running_engine(tmp_path, **replica) as first,
        running_engine(tmp_path, **replica) as second,
    ):
        file_id = await first.upload(ROWS)
        evaluation = await first.create("classify", **CREATE, input_data_file_path=file_id)
        refused = await second.http.delete(f"/files/{file_id}")
        assert refused.status_code == 409
        assert (await second.http.post(f"/evaluation/{evaluation}/cancel")).status_code == 200
        job = await first.finished(evaluation)
        assert job["status"] == "user_error"
        assert (await first.http.delete(f"/evaluation/{evaluation}")).status_code == 200
        assert (await second.http.delete(f"/files/{file_id}")).status_code == 200
        assert (await first.http.get(f"/files/{file_id}/content")).status_code == 404


async def test_a_key_of_a_model_in_a_request_is_refused_and_nothing_is_stored(
    tmp_path: Path, replica: dict[str, Any]
) -> None:
    url = "https://models.example/v1"
    judge = {
        **MODEL_JUDGE,
        "model_source": "external",
        "external_base_url": url,
        "external_api_token": "a secret key",
    }
    external = (ModelEndpoint(url),)
    async with running_engine(tmp_path, external=external, **replica) as engine:
        file_id = await engine.upload(ROWS)
        parameters = {**CREATE, "judge": judge, "input_data_file_path": file_id}
        body = {"type": "classify", "parameters": parameters}
        answer = await engine.http.post("/evaluation", json=body)
        assert answer.status_code == 400
        assert "leave the key out to use that one" in answer.json()["error"]["message"]
        assert "a secret key" not in answer.text
        assert (await engine.http.get("/evaluation")).json() == []


async def test_an_assistant_names_a_credential_of_a_server_that_embeds_a_node(
    tmp_path: Path, database_url: str
) -> None:
    async with ModelServer(lambda _: completion('{"feedback": "", "label": "right"}')) as models:
        settings = {
            "LOCAL__DATABASE_URL": database_url,
            "CREDENTIALS__OURS__BASE_URL": models.base_url,
            "CREDENTIALS__OURS__TOKEN": "key-of-ours",
        }
        async with conversation(tmp_path / "first", tmp_path, **settings) as talk:
            stored = await talk.answer("upload_dataset", rows=ROWS[:3])
            external = {"model_source": "external", "external_credential": "ours"}
            rubric = {"model": "judge-1", "system_template": "Is it right? {{answer}} {{expected}}"}
            created = await talk.answer(
                "create_evaluation",
                type="classify",
                judge=rubric | external,
                labels=["right", "wrong"],
                pass_labels=["right"],
                response_column="answer",
                input_data_file_path=stored["file_id"],
            )
            ended = {"evaluation_id": created["evaluation_id"], "wait_seconds": 45}
            status = await talk.answer("get_status", **ended)
            assert status["status"] == "completed", status
        assert {each.headers["authorization"] for each in models.requests} == {"Bearer key-of-ours"}
