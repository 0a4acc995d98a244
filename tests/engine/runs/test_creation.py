"""Creates that are sent again with the same `Idempotency-Key`."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from pydantic import SecretStr

from evals_engine.config import EngineConfig, ModelEndpoint
from evals_engine.store.records import CreationKey, UserName
from evals_engine.store.store import Store
from tests.engine.running import MODEL_JUDGE, RULE_JUDGE, EngineClient, running_engine
from tests.engine.store.samples import an_evaluation

ROWS = [{"expected": "Paris", "answer": "paris "}]


async def body_of(engine: EngineClient, **parameters: Any) -> dict[str, Any]:
    return {
        "type": "classify",
        "parameters": {
            "judge": RULE_JUDGE,
            "input_data_file_path": await engine.upload(ROWS),
            "model_to_evaluate": "answer",
            "labels": ["right", "wrong"],
            "pass_labels": ["right"],
            **parameters,
        },
    }


async def post(
    engine: EngineClient, body: dict[str, Any], key: str | bytes | None = "key-1"
) -> httpx2.Response:
    headers = (
        {} if key is None else {b"Idempotency-Key": key.encode() if isinstance(key, str) else key}
    )
    return await engine.http.post("/evaluation", json=body, headers=headers)


async def ids(engine: EngineClient) -> list[str]:
    return [job["workflow_id"] for job in (await engine.http.get("/evaluation")).json()]


async def test_the_same_request_with_the_same_key_is_one_evaluation(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as engine:
        body = await body_of(engine)
        first = await post(engine, body)
        await engine.finished(first.json()["workflow_id"])
        reordered = {"parameters": body["parameters"], "type": body["type"]}
        second = await post(engine, reordered)

        assert (first.status_code, second.status_code) == (200, 200)
        assert second.json()["workflow_id"] == first.json()["workflow_id"]
        assert await ids(engine) == [first.json()["workflow_id"]]


async def test_a_key_outlives_the_process_and_the_data_set(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as engine:
        body = await body_of(engine)
        first = (await post(engine, body)).json()["workflow_id"]
        await engine.finished(first)
        await engine.http.delete(f"/files/{body['parameters']['input_data_file_path']}")
    async with running_engine(tmp_path) as engine:
        again = await post(engine, body)

    assert again.json()["workflow_id"] == first


async def test_another_request_with_the_same_key_is_refused(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as engine:
        body = await body_of(engine)
        first = (await post(engine, body)).json()["workflow_id"]
        answer = await post(engine, await body_of(engine, labels=["right", "wrong", "other"]))

        assert answer.status_code == 422
        assert "send a new key with a new request" in answer.json()["error"]["message"]
        assert await ids(engine) == [first]


@pytest.mark.parametrize("keys", [("a", "b"), (None, None)])
async def test_without_the_same_key_two_requests_are_two_evaluations(
    keys: tuple[str | None, str | None], tmp_path: Path
) -> None:
    async with running_engine(tmp_path) as engine:
        body = await body_of(engine)
        for key in keys:
            await post(engine, body, key)
        assert len(set(await ids(engine))) == 2


@pytest.mark.parametrize("key", ["", "k" * 256, "a\tb", "käse".encode(), b"\x7f"])
async def test_a_key_that_is_none_is_refused(key: str | bytes, tmp_path: Path) -> None:
    async with running_engine(tmp_path) as engine:
        answer = await post(engine, await body_of(engine), key)

        assert answer.status_code == 400
        assert "1 to 255 printable" in answer.json()["error"]["message"]
        assert not await ids(engine)


async def test_the_longest_key_is_taken(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as engine:
        answer = await post(engine, await body_of(engine), "k" * 255)
    assert answer.status_code == 200


async def test_two_processes_given_one_key_at_once_start_one_evaluation(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as one, running_engine(tmp_path) as other:
        body = await body_of(one)
        answers: list[str] = []

        async def create(engine: EngineClient) -> None:
            answers.append((await post(engine, body)).json()["workflow_id"])

        with anyio.fail_after(60):
            async with anyio.create_task_group() as tasks:
                for engine in (one, other) * 4:
                    tasks.start_soon(create, engine)
        assert await ids(one) == [answers[0]]
        assert len(set(answers)) == 1


def test_the_index_decides_where_both_have_looked_before_either_has_written(
    tmp_path: Path,
) -> None:
    one, other, key = Store(tmp_path), Store(tmp_path), CreationKey("digest", "request")
    added = [
        store.add_evaluation(an_evaluation(name, UserName(owner)), "", None, key)
        for store, name, owner in (
            (one, "eval-1", "me"),
            (other, "eval-2", "me"),
            (other, "eval-3", "somebody else"),
        )
    ]
    found = other.created_with(UserName("me"), "digest")
    one.close()
    other.close()

    assert added == [True, False, True]
    assert found == ("eval-1", "request")


async def test_neither_the_key_nor_the_body_is_stored(tmp_path: Path) -> None:
    url = "http://127.0.0.1:9/v1"
    config = EngineConfig(tmp_path, external=(ModelEndpoint(url, SecretStr("configured")),))
    judge = {
        **MODEL_JUDGE,
        "model_source": "external",
        "external_base_url": url,
        "external_api_token": "sk-private",
    }
    async with running_engine(config, max_retries=0) as engine:
        answer = await post(engine, await body_of(engine, judge=judge), "key-private")
        assert answer.status_code == 200, answer.text
        await engine.finished(answer.json()["workflow_id"])

    with closing(sqlite3.connect(tmp_path / "evals.sqlite3")) as database:
        dumped = "\n".join(database.iterdump())
    assert "sk-private" not in dumped
    assert "key-private" not in dumped
