"""What one request, and one owner, may take of the service."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from pydantic import SecretStr

from evals_engine.config import EngineConfig, ModelEndpoint, Quotas
from tests.clocks import skip_time
from tests.engine.model_server import ChatRequest, ModelServer, Reply, completion
from tests.engine.running import MODEL_JUDGE, RULE_JUDGE, running_engine
from tests.journeys.served import served_engine

GOOD = json.dumps({"feedback": "", "label": "right"})
LABELS: dict[str, Any] = {
    "labels": ["right", "wrong"],
    "pass_labels": ["right"],
    "model_to_evaluate": "answer",
}
ROWS = [{"expected": "a", "answer": "a"}]
JSON = {"Content-Type": "application/json"}
PATHS = ["/v1/evaluation", "/api/v3/evaluations"]


def wanted(file_id: str = "file-1", **changes: Any) -> dict[str, Any]:
    parameters = {"judge": RULE_JUDGE, "input_data_file_path": file_id, **LABELS, **changes}
    return {"type": "classify", "parameters": parameters}


def message_of(answer: httpx2.Response) -> str:
    """The message of an error, which must be in the form of its contract."""
    body = answer.json()
    return body["detail"] if "detail" in body else body["error"]["message"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b'{"a": 1, "a": 2}', "same key twice"),
        (b'{"a": {"b": [{"c": 1, "c": 1}]}}', "same key twice"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": -Infinity}', "NaN"),
        (b'{"a": 1e999}', "too large"),
        (b'{"a": ' + b"9" * 5000 + b"}", "too large"),
        (b"[" * 33 + b"]" * 33, "nested"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "nested"),
        (b"[" * 500_000, "nested"),
    ],
    ids=range(12),
)
async def test_json_that_readers_differ_about_is_refused(
    tmp_path: Path, path: str, body: bytes, says: str
) -> None:
    async with running_engine(tmp_path) as engine:
        answer = await engine.http.post(f"http://engine{path}", content=body, headers=JSON)
        assert answer.status_code == 400
        assert says in message_of(answer)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "x", "json"])
async def test_a_body_of_another_type_is_refused(tmp_path: Path, path: str, kind: str) -> None:
    async with running_engine(tmp_path) as engine:
        headers = {"Content-Type": kind}
        answer = await engine.http.post(f"http://engine{path}", content=b"{}", headers=headers)
        assert answer.status_code == 415
        assert "application/json" in message_of(answer)


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "Application/JSON", None])
async def test_json_is_taken_under_each_of_its_names(tmp_path: Path, kind: str | None) -> None:
    async with running_engine(tmp_path) as engine:
        body = json.dumps(wanted(await engine.upload(ROWS))).encode()
        headers = {"Content-Type": kind} if kind else {}
        answer = await engine.http.post("/evaluation", content=body, headers=headers)
        assert answer.status_code == 200


class Trickle:
    """A body that brings a byte and then nothing, or a byte now and then."""

    def __init__(self, again: bool, start: bytes = b" ") -> None:
        self.again = again
        self.start = start
        self.sent = 0

    async def __aiter__(self) -> AsyncGenerator[bytes]:
        yield self.start
        while True:
            yield b" "
            self.sent += 1
            await anyio.sleep(0.02 if self.again else 3600)


@pytest.mark.parametrize("again", [True, False])
@pytest.mark.parametrize("path", [*PATHS, "/v1/files", "/v1/files/upload", "PUT"])
async def test_a_body_that_trickles_is_given_up(tmp_path: Path, path: str, again: bool) -> None:
    async with running_engine(tmp_path, body_seconds=0.2) as engine:
        method, headers, start = "POST", dict[str, str](), b" "
        if path == "PUT":
            announced = await engine.http.post("/files", data={"file_name": "a.jsonl"})
            method, path = "PUT", announced.headers["location"].removeprefix("http://engine")
        elif "files" in path:
            headers = {"Content-Type": "multipart/form-data; boundary=X"}
            start = b'--X\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        with anyio.fail_after(60):
            answer = await engine.http.request(
                method, f"http://engine{path}", content=Trickle(again, start), headers=headers
            )
        assert answer.status_code == 408
        assert "too slowly" in message_of(answer)
        assert list((tmp_path / "files").iterdir()) == []


async def test_a_long_body_has_the_time_that_its_length_needs(tmp_path: Path) -> None:
    async def steady() -> AsyncGenerator[bytes]:
        for _ in range(200):
            yield b" " * 1000
            skip_time(0.9)
        yield json.dumps(wanted()).encode()

    async with running_engine(tmp_path, body_seconds=60) as engine:
        answer = await engine.http.post("/evaluation", content=steady(), headers=JSON)
        assert "No uploaded data set" in message_of(answer)


@pytest.mark.parametrize("path", PATHS)
async def test_a_body_that_announces_too_much_is_refused_unread(tmp_path: Path, path: str) -> None:
    body = Trickle(again=True)
    async with running_engine(tmp_path) as engine:
        headers = JSON | {"Content-Length": "9" * 30}
        answer = await engine.http.post(f"http://engine{path}", content=body, headers=headers)
        assert answer.status_code == 413
    assert body.sent <= 1


@pytest.mark.parametrize(
    "changes",
    [
        {"judge": RULE_JUDGE | {"model": "m" * 501}},
        {"judge": RULE_JUDGE | {"external_base_url": "https://" + "a" * 2_000}},
        {"judge": RULE_JUDGE | {"system_template": "{{" + "9" * 5_000 + "}}"}},
        {"judge": RULE_JUDGE | {"system_template": "{{a}}" * 100_000}},
        {"labels": [f"l{n}" for n in range(1_001)]},
        {"pass_labels": ["x" * 100_000]},
        {"y" * 100_000: 1},
    ],
)
async def test_what_is_too_long_is_refused_and_not_repeated(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    async with running_engine(tmp_path) as engine:
        body = wanted(await engine.upload(ROWS), **changes)
        with anyio.fail_after(60):
            answer = await engine.http.post("/evaluation", json=body)
        assert answer.status_code == 400
        assert len(answer.content) < 2_000


async def test_too_many_evaluations_of_an_owner_are_refused_until_some_have_ended(
    tmp_path: Path,
) -> None:
    released = anyio.Event()

    def reply(_: ChatRequest) -> Reply:
        return completion(GOOD, delay=0 if released.is_set() else 3600)

    async with ModelServer(reply) as server:
        config = EngineConfig(
            tmp_path / "engine",
            serverless=ModelEndpoint(server.base_url),
            quotas=Quotas(unfinished=2),
            token=SecretStr("one"),
            tokens={"other": SecretStr("two")},
        )
        async with running_engine(config) as engine:
            engine.http.headers["Authorization"] = "Bearer one"
            body = wanted(await engine.upload(ROWS), judge=MODEL_JUDGE)
            started = [await engine.http.post("/evaluation", json=body) for _ in range(3)]
            assert [answer.status_code for answer in started] == [200, 200, 429]
            assert started[2].headers["retry-after"] == "30"
            assert "wait for some to end, or cancel some" in message_of(started[2])
            assert started[2].json()["error"]["type"] == "rate_limit_error"
            engine.http.headers["Authorization"] = "Bearer two"
            assert len((await engine.http.get("/evaluation")).json()) == 0
            body = wanted(await engine.upload(ROWS))
            assert (await engine.http.post("/evaluation", json=body)).status_code == 200


async def test_one_owners_runs_leave_room_for_anothers(tmp_path: Path) -> None:
    running: Counter[str] = Counter()

    def reply(request: ChatRequest) -> Reply:
        running[str(request.system)] += 1
        return completion(GOOD, delay=0 if "quick" in request.system else 3600)

    async with ModelServer(reply) as server:
        config = EngineConfig(
            tmp_path / "engine",
            serverless=ModelEndpoint(server.base_url),
            tokens={"one": SecretStr("one"), "two": SecretStr("two")},
        )
        async with running_engine(config) as engine:
            engine.http.headers["Authorization"] = "Bearer one"
            file_id = await engine.upload(ROWS)
            for _ in range(6):
                await engine.create(
                    "classify", judge=MODEL_JUDGE, input_data_file_path=file_id, **LABELS
                )
            engine.http.headers["Authorization"] = "Bearer two"
            quick = MODEL_JUDGE | {"system_template": "quick {{ expected }}"}
            created = await engine.create(
                "classify", judge=quick, input_data_file_path=await engine.upload(ROWS), **LABELS
            )
            job = await engine.finished(created, seconds=60)
            assert job["status"] == "completed"
            engine.http.headers["Authorization"] = "Bearer one"
            listed = (await engine.http.get("/evaluation")).json()
            assert sum(job["status"] == "pending" for job in listed) >= 4


async def test_a_wrong_method_is_told_the_right_ones(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as engine:
        answer = await engine.http.delete("/models")
        assert answer.status_code == 405
        assert "GET" in answer.headers["allow"]
        assert message_of(answer)


async def test_headers_without_end_are_refused(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as engine:
        long = "a" * 40_000
        for headers, path in (({"X-Long": long}, ""), ({}, f"?status={long}")):
            answer = await engine.http.get(f"/evaluation{path}", headers=headers)
            assert answer.status_code == 431
            assert "headers are longer" in message_of(answer)


async def test_the_rest_of_a_refused_body_is_not_waited_for(tmp_path: Path) -> None:
    head = (
        "POST /v1/evaluation HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 999999999999\r\n\r\n{"
    )
    async with served_engine(tmp_path) as served:
        host, _, port = served.url.split("/")[2].partition(":")
        with anyio.fail_after(60):
            async with await anyio.connect_tcp(host, int(port)) as connection:
                await connection.send(head.encode())
                answer = b"".join([piece async for piece in connection])
        assert answer.startswith(b"HTTP/1.1 413 ")
        assert b"connection: close" in answer.lower()
