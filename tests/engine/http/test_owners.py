"""Owners: who gets in, and that another owner's things look like things that do not exist."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.routing import Mount, Route

from evals_engine.app import create_app
from evals_engine.config import EngineConfig, ModelEndpoint
from evals_engine.http.owners import NAMED_OWNER
from tests.engine.model_server import ModelServer, Reply, completion
from tests.engine.running import RULE_JUDGE, EngineClient

LINE = b'{"expected": "a", "answer": "a"}\n'
QUESTIONS = [{"question_num": 1, "question": "Capital of Peru?", "answer": "Lima"}]
TOKENS = {"alice": SecretStr("alice-token"), "bob": SecretStr("bob-token")}
PARAMETERS: dict[str, Any] = {
    "judge": RULE_JUDGE,
    "labels": ["right", "wrong"],
    "pass_labels": ["right"],
    "model_to_evaluate": "answer",
}


@asynccontextmanager
async def serving(config: EngineConfig) -> AsyncGenerator[tuple[Starlette, httpx2.AsyncClient]]:
    app = create_app(config)
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=transport, base_url="http://engine", timeout=60) as http,
    ):
        yield app, http


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        bearer("wrong"),
        bearer(""),
        bearer("alice-token2"),
        bearer("alice-toke"),
        {"Authorization": "alice-token"},
        {"Authorization": "Basic alice-token"},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer \u00e9"},
    ],
)
async def test_whoever_brings_no_owners_token_is_answered_401_in_the_apis_form(
    tmp_path: Path, headers: dict[str, str]
) -> None:
    sent = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    async with serving(EngineConfig(tmp_path, tokens=TOKENS)) as (_, http):
        for path in ("/v1/evaluation", "/v1/files", "/v1/nowhere", "/"):
            answer = await http.get(path, headers=sent)
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"] == "Bearer"
            assert answer.json()["error"]["type"] == "authentication_error"


async def test_two_authorizations_are_none(tmp_path: Path) -> None:
    both = [(b"Authorization", b"Bearer alice-token"), (b"Authorization", b"Bearer bob-token")]
    async with serving(EngineConfig(tmp_path, tokens=TOKENS)) as (_, http):
        assert (await http.get("/v1/evaluation", headers=both)).status_code == 401


async def test_each_token_opens_its_own_owners_part(tmp_path: Path) -> None:
    config = EngineConfig(tmp_path, token=SecretStr("local-token"), tokens=TOKENS)
    async with serving(config) as (_, http):
        for token in ("alice-token", "bob-token", "local-token"):
            sent = {"file": (f"{token}.jsonl", LINE)}
            await http.post("/v1/files/upload", files=sent, headers=bearer(token))
        for token in ("alice-token", "bob-token", "local-token"):
            listed = (await http.get("/v1/files", headers=bearer(token))).json()["data"]
            assert [file["filename"] for file in listed] == [f"{token}.jsonl"]
        kind = {"Authorization": "bearer alice-token"}
        assert (await http.get("/v1/files", headers=kind)).status_code == 200


async def test_the_token_of_a_server_names_the_owner_and_no_other_token_does(
    tmp_path: Path,
) -> None:
    config = EngineConfig(tmp_path, tokens=TOKENS, server_token=SecretStr("server-token"))
    async with serving(config) as (_, http):
        for owner in ("alice", "https%3A%2F%2Fissuer%0Aj%C3%BCrgen"):
            headers = bearer("server-token") | {NAMED_OWNER: owner}
            sent = {"file": ("a.jsonl", LINE)}
            await http.post("/v1/files/upload", files=sent, headers=headers)
            listed = (await http.get("/v1/files", headers=headers)).json()["data"]
            assert len(listed) == 1
        # The owner that a server names is the one with this name and a token.
        listed = (await http.get("/v1/files", headers=bearer("alice-token"))).json()["data"]
        assert len(listed) == 1
        for token, status in (("bob-token", 403), ("wrong", 401)):
            refused = await http.get("/v1/files", headers=bearer(token) | {NAMED_OWNER: "alice"})
            assert refused.status_code == status


@pytest.mark.parametrize(
    "named",
    [[], [b""], [b"a", b"b"], [b"%ff"], [b"\xc3\xbc"], [b"a%00"], [b"a" * 1025]],
)
async def test_a_server_that_does_not_name_one_owner_is_refused(
    tmp_path: Path, named: list[bytes]
) -> None:
    config = EngineConfig(tmp_path, server_token=SecretStr("server-token"))
    headers = [(b"Authorization", b"Bearer server-token")]
    headers += [(NAMED_OWNER.encode(), value) for value in named]
    async with serving(config) as (_, http):
        assert (await http.get("/v1/files", headers=headers)).status_code == 400
        assert (await http.get("/v1/files")).status_code == 401


async def test_without_tokens_nobody_may_name_an_owner(tmp_path: Path) -> None:
    async with serving(EngineConfig(tmp_path)) as (_, http):
        assert (await http.get("/v1/files")).status_code == 200
        refused = await http.get("/v1/files", headers={NAMED_OWNER: "alice"})
        assert refused.status_code == 403


@pytest.mark.parametrize(
    "tokens",
    [
        {"alice": SecretStr("same"), "bob": SecretStr("same")},
        {"alice": SecretStr("of-local")},
        {"local": SecretStr("other")},
        {"alice": SecretStr("")},
    ],
)
def test_tokens_that_do_not_tell_owners_apart_are_refused(
    tmp_path: Path, tokens: dict[str, SecretStr]
) -> None:
    with pytest.raises(ValueError, match="token") as refused:
        create_app(EngineConfig(tmp_path, token=SecretStr("of-local"), tokens=tokens))
    assert "of-local" not in str(refused.value)


# Isolation


class Belongings:
    """What one owner has, by the kind of its id: an id to try and one that does not exist."""

    def __init__(self) -> None:
        self.ids: dict[str, tuple[str, str]] = {}

    def add(self, kind: str, value: str) -> None:
        """Note an id. One that does not exist is as long, and differs at its end."""
        self.ids[kind] = value, value[:-4] + "".join("0" if c != "0" else "1" for c in value[-4:])


def answers(request: Any) -> Reply:
    return completion("Lima")


async def belongings_of_alice(http: httpx2.AsyncClient) -> Belongings:
    """Something of every kind, everything that runs run to its end."""
    http.headers.update(bearer("alice-token"))
    http.base_url = "http://engine/v1"
    engine, has = EngineClient(http), Belongings()
    rows = [{"expected": "a", "answer": "a"}]
    has.add("file", await engine.upload(rows))
    create = {"input_data_file_path": has.ids["file"][0], **PARAMETERS}
    has.add("evaluation", await engine.create("classify", **create))
    job = await engine.finished(has.ids["evaluation"][0])
    has.add("result", job["results"]["result_file_id"])
    announced = await http.post("/files", data={"file_name": "b.jsonl"})
    has.add("announced", announced.headers["x-together-file-id"])
    has.add("key", announced.headers["location"].rpartition("/")[2])
    questions = {"file": ("q.json", json.dumps(QUESTIONS).encode())}
    v3 = "http://engine/api/v3"
    benchmark = await http.post(f"{v3}/benchmark/upload", files=questions, data={"name": "q"})
    assert benchmark.status_code == 200, benchmark.text
    has.add("benchmark", benchmark.json()["benchmark_id"])
    body = {"model_id": "alpha", "benchmark_id": has.ids["benchmark"][0]}
    created = await http.post(f"{v3}/evaluations", json=body)
    assert created.status_code == 200, created.text
    has.add("benchmark evaluation", created.json()["evaluation_id"])
    return has


def requests() -> Iterable[tuple[str, str, str, dict[str, Any]]]:
    """(kind of id, method, path, further arguments); `ID` stands for the id."""
    for kind in ("evaluation", "benchmark evaluation"):
        for method, rest in (
            ("GET", ""),
            ("GET", "/status"),
            ("GET", "/rows"),
            ("POST", "/cancel"),
        ):
            yield kind, method, f"/v1/evaluation/ID{rest}", {}
        yield kind, "DELETE", "/v1/evaluation/ID", {}
        for method, rest in (
            ("GET", "/status"),
            ("GET", "/results"),
            ("GET", "/download"),
            ("POST", "/cancel"),
        ):
            yield kind, method, f"/api/v3/evaluations/ID{rest}", {}
        yield kind, "DELETE", "/api/v3/evaluations/ID", {}
    for kind in ("file", "result", "announced", "benchmark"):
        yield kind, "GET", "/v1/files/ID", {}
        yield kind, "GET", "/v1/files/ID/content", {}
        yield kind, "GET", "/v1/files/ID/content", {"headers": {"Range": "bytes=0-3"}}
        yield kind, "HEAD", "/v1/files/ID/content", {}
        yield kind, "POST", "/v1/files/ID/preprocess", {}
        yield kind, "DELETE", "/v1/files/ID", {}
        yield kind, "PUT", "/v1/files/ID/uploads/guessed", {"content": LINE}
        yield kind, "GET", "/api/v3/benchmark/ID/data", {}
        yield kind, "DELETE", "/api/v3/benchmark/ID", {}
        create = {"type": "classify", "parameters": {"input_data_file_path": "ID", **PARAMETERS}}
        yield kind, "POST", "/v1/evaluation", {"json": create}
        again = {"headers": {"Idempotency-Key": "key-1"}}
        yield kind, "POST", "/v1/evaluation", {"json": create, **again}
        created = {"model_id": "alpha", "benchmark_id": "ID"}
        yield kind, "POST", "/api/v3/evaluations", {"json": created}
    yield "key", "PUT", "/v1/files/ANNOUNCED/uploads/ID", {"content": LINE}


NO_ID = {
    ("POST", "/v1/files/upload"),
    ("POST", "/v1/files"),
    ("GET", "/v1/files"),
    ("GET", "/v1/evaluation"),
    ("GET", "/v1/evaluations"),
    ("GET", "/v1/evaluation/model-list"),
    ("GET", "/v1/models"),
    ("GET", "/v1/autoscale/models"),
    ("GET", "/v1/whoami"),
    ("GET", "/v1/v3/whoami"),
    ("GET", "/v3/whoami"),
    ("GET", "/api/v3/evaluations"),
    ("POST", "/api/v3/benchmark/upload"),
    ("POST", "/api/v3/benchmark/create"),
    ("GET", "/api/v3/benchmark/list"),
    ("GET", "/api/v3/models/base"),
    ("GET", "/api/v3/models/aligned"),
}
"""Operations to which no id can be given; what they list is looked at by itself."""


def operations_of(app: Starlette) -> set[tuple[str, str]]:
    return {
        (method, mount.path + route.path.replace("{id}", "ID").replace("{key}", "guessed"))
        for mount in app.routes
        if isinstance(mount, Mount) and mount.path != "/v1/v1"
        for route in mount.routes
        if isinstance(route, Route)
        for method in (route.methods or set()) - {"HEAD"}
    }


async def said(
    http: httpx2.AsyncClient, method: str, path: str, arguments: dict[str, Any], held: str
) -> tuple[int, list[tuple[str, str]], str]:
    """Status, headers without the date, and body, with the id taken out of each."""
    filled = json.loads(json.dumps(arguments, default=bytes.decode).replace("ID", held))
    answer = await http.request(method, f"http://engine{path.replace('ID', held)}", **filled)
    headers = [(n, v) for n, v in answer.headers.multi_items() if n.lower() != "date"]
    return answer.status_code, headers, answer.text.replace(held, "ID")


async def test_another_owners_id_is_answered_like_one_that_does_not_exist(tmp_path: Path) -> None:
    async with ModelServer(answers, models=["alpha"]) as server:
        config = EngineConfig(tmp_path, serverless=ModelEndpoint(server.base_url), tokens=TOKENS)
        async with serving(config) as (app, http):
            has = await belongings_of_alice(http)
            asked = {(method, path) for _, method, path, _ in requests()}
            assert operations_of(app) <= asked | NO_ID
            http.headers.update(bearer("bob-token"))
            for kind, method, template, arguments in requests():
                path = template.replace("ANNOUNCED", has.ids["announced"][0])
                held, absent = has.ids[kind]
                theirs = await said(http, method, path, arguments, held)
                nobodys = await said(http, method, path, arguments, absent)
                assert theirs == nobodys, (kind, method, path)
                assert 400 <= theirs[0] < 500, (kind, method, path)
            for path in ("/v1/evaluation", "/v1/files", "/api/v3/evaluations"):
                listed = (await http.get(f"http://engine{path}")).text
                assert not any(held in listed for held, _ in has.ids.values())
            listed = (await http.get("http://engine/api/v3/benchmark/list")).text
            assert has.ids["benchmark"][0] not in listed
            await nothing_was_changed(http, has)


async def nothing_was_changed(http: httpx2.AsyncClient, has: Belongings) -> None:
    http.headers.update(bearer("alice-token"))
    for kind in ("file", "result"):
        assert (await http.get(f"/files/{has.ids[kind][0]}/content")).status_code == 200
    job = (await http.get(f"/evaluation/{has.ids['evaluation'][0]}")).json()
    assert job["status"] == "completed"
    place = f"/files/{has.ids['announced'][0]}/uploads/{has.ids['key'][0]}"
    assert (await http.put(place, content=LINE)).status_code == 200


async def test_an_upload_needs_the_key_in_its_path_and_no_token(tmp_path: Path) -> None:
    async with serving(EngineConfig(tmp_path, tokens=TOKENS)) as (_, http):
        alice = bearer("alice-token")
        announced = await http.post("/v1/files", data={"file_name": "a.jsonl"}, headers=alice)
        place = announced.headers["location"]
        assert (await http.put(place, content=LINE, headers=bearer("bob-token"))).status_code == 404
        assert (await http.put(place, content=LINE)).status_code == 200
        listed = (await http.get("/v1/files", headers=alice)).json()["data"]
        assert [file["LineCount"] for file in listed] == [1]


async def test_a_key_for_repeated_creates_is_one_owners_alone(tmp_path: Path) -> None:
    async with serving(EngineConfig(tmp_path, tokens=TOKENS)) as (_, http):
        started: set[str] = set()
        for token in ("alice-token", "bob-token"):
            headers = bearer(token) | {"Idempotency-Key": "key-1"}
            uploaded = await http.post(
                "/v1/files/upload", files={"file": ("a.jsonl", LINE)}, headers=headers
            )
            parameters = {"input_data_file_path": uploaded.json()["id"], **PARAMETERS}
            body = {"type": "classify", "parameters": parameters}
            created = await http.post("/v1/evaluation", json=body, headers=headers)
            assert created.status_code == 200, created.text
            started.add(created.json()["workflow_id"])
        assert len(started) == 2
