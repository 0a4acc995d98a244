"""The service around its handlers: what a defect in one of them lets out."""

import logging
from pathlib import Path

import anyio
import httpx2
import pytest
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope, Send

from evals_engine.app import create_app
from evals_engine.config import EngineConfig
from evals_engine.http.middleware import InternalErrors
from evals_engine.store.errors import UnavailableError
from evals_engine.store.store import Store
from tests.engine.running import running_engine

SECRET = "ssn 123-45-6789"
SCOPE: Scope = {"type": "http", "method": "GET", "path": "/v1/files"}


async def nothing() -> Message:
    return {"type": "http.disconnect"}


async def test_a_defect_is_answered_with_500_logged_without_its_text_and_not_raised_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError(SECRET)

    monkeypatch.setattr(Store, "list_files", broken)
    app = create_app(EngineConfig(data_dir=tmp_path))
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=True)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=transport, base_url="http://engine/v1") as http,
    ):
        answer = await http.get("/files")
    assert answer.status_code == 500
    assert answer.json()["error"]["type"] == "server_error"
    logged = [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]
    assert len(logged) == 1
    assert "internal error in GET /v1/files: RuntimeError" in logged[0]
    assert SECRET not in caplog.text + answer.text


async def test_an_answer_that_has_begun_is_not_followed_by_another(
    caplog: pytest.LogCaptureFixture,
) -> None:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def half(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError(SECRET)

    with anyio.fail_after(60):
        await InternalErrors(half)(SCOPE, nothing, send)
    assert [message["type"] for message in sent] == ["http.response.start"]
    assert SECRET not in caplog.text


async def test_a_client_that_hangs_up_is_no_defect(caplog: pytest.LogCaptureFixture) -> None:
    async def send(message: Message) -> None:
        raise AssertionError(message)

    async def deserted(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise ClientDisconnect

    with anyio.fail_after(60):
        await InternalErrors(deserted)(SCOPE, nothing, send)
    assert caplog.records == []


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "127.0.0.1:8123"}, 200),
        ({"Host": "[::1]:8123"}, 200),
        ({"Host": "localhost", "Origin": "http://localhost:3000"}, 200),
        ({"Host": "evil.example"}, 403),
        ({"Host": "127.0.0.1", "Origin": "http://evil.example"}, 403),
        ({"Host": "127.0.0.1", "Origin": "null"}, 403),
        ({"Host": "127.0.0.1.evil.example"}, 403),
        ({"Host": "[bad"}, 403),
    ],
)
async def test_without_a_token_only_this_machine_is_answered(
    tmp_path: Path, headers: dict[str, str], status: int
) -> None:
    async with running_engine(tmp_path) as engine:
        assert (await engine.http.get("/evaluation", headers=headers)).status_code == status


async def test_a_database_that_is_away_is_answered_with_503_and_when_to_try_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise UnavailableError("PostgreSQL does not answer.")

    monkeypatch.setattr(Store, "list_files", away)
    async with running_engine(tmp_path) as engine:
        answer = await engine.http.get("/files")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert answer.json()["error"]["code"] == "storage_unavailable"
    assert answer.json()["error"]["message"] == "PostgreSQL does not answer."
