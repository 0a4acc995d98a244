"""Secrets stay where they belong: planted everywhere, they turn up in no log, answer or file."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr

from evals_engine.app import create_app
from evals_engine.config import EngineConfig, ModelEndpoint
from evals_engine.store.store import Store
from tests.engine.model_server import ChatRequest, ModelServer, Reply, completion, failure
from tests.engine.running import MODEL_JUDGE, RULE_JUDGE, EngineClient

OWNER, OTHER, SERVERLESS, DEDICATED, EXTERNAL, IN_BODY, REPEATABLE, WRONG = SECRETS = [
    f"planted-{name}-5f1c"
    for name in (
        "owner",
        "other",
        "serverless",
        "dedicated",
        "external",
        "in-body",
        "repeatable",
        "wrong",
    )
]
LABELS: dict[str, Any] = {
    "labels": ["right", "wrong"],
    "pass_labels": ["right"],
    "model_to_evaluate": "answer",
}
GOOD = json.dumps({"feedback": "", "label": "right"})


class Seen:
    """Everything that came out of the engine."""

    def __init__(self) -> None:
        self.answers: list[str] = []

    async def note(self, answer: httpx2.Response) -> None:
        """Keep an answer with its headers."""
        await answer.aread()
        self.answers.append(f"{answer.status_code} {answer.headers} {answer.text}")


def repeats_everything(request: ChatRequest) -> Reply:
    """An endpoint that quotes what it was sent, in each way to fail."""
    sent = f"{request.headers} {request.body}"
    place = f"http://127.0.0.1:9/{request.headers['authorization']}"
    replies = {
        "refuse": failure(400, sent),
        "forbid": failure(403, sent),
        "fail": failure(500, sent),
        "html": Reply(200, b"<html>" + sent.encode()),
        "drop": Reply(dropped=True),
        "redirect": failure(302, sent, Location=place),
    }
    text = str(request.user)
    return next((reply for word, reply in replies.items() if word in text), completion(GOOD))


def config_for(folder: Path, url: str) -> EngineConfig:
    return EngineConfig(
        folder,
        serverless=ModelEndpoint(url, SecretStr(SERVERLESS)),
        dedicated={"mine": ModelEndpoint(url, SecretStr(DEDICATED))},
        external=(ModelEndpoint(url, SecretStr(EXTERNAL)),),
        token=SecretStr(OWNER),
        tokens={"other": SecretStr(OTHER)},
        max_retries=0,
    )


def judges(url: str) -> list[dict[str, Any]]:
    """A judge of each source, with and without a key in the request."""
    external = {"model_source": "external", "external_base_url": url}
    return [
        MODEL_JUDGE,
        MODEL_JUDGE | {"model": "mine", "model_source": "dedicated"},
        MODEL_JUDGE | external,
        MODEL_JUDGE | external | {"external_api_token": IN_BODY},
        RULE_JUDGE | {"external_api_token": IN_BODY},
    ]


def bad_bodies(url: str, file_id: str) -> list[bytes]:
    """Creates that are refused, each for another reason, each with a secret in it."""
    keyed = MODEL_JUDGE | {"external_api_token": IN_BODY}
    base = {"judge": keyed, "input_data_file_path": file_id, **LABELS}
    changes: list[dict[str, Any]] = [
        {"judge": keyed | {"model_source": "external", "external_base_url": f"{url}x"}},
        {"judge": keyed | {"model": "nobody", "model_source": "dedicated"}},
        {"judge": keyed | {"max_tokens": -1}},
        {"judge": keyed | {"external_api_token": [IN_BODY]}},
        {"judge": keyed | {"external_api_token": {"a": IN_BODY}}},
        {"judge": keyed | {"num_workers": IN_BODY}},
        {"judge": IN_BODY},
        {"labels": [IN_BODY]},
        {"labels": {"a": IN_BODY}},
        {"input_data_file_path": "file-0"},
        {"model_to_evaluate": keyed},
    ]
    bodies = [json.dumps({"type": "classify", "parameters": base | one}) for one in changes]
    bodies += [json.dumps({"type": "none", "parameters": base}), json.dumps(IN_BODY)]
    bodies += [f'{{"a": "{IN_BODY}", "a": 1}}', f'{{"a": "{IN_BODY}"', f'[NaN, "{IN_BODY}"]']
    return [body.encode() for body in bodies]


async def provoke(engine: EngineClient, url: str) -> None:
    """Everything that can go wrong, with secrets in every place."""
    http = engine.http
    http.headers["Authorization"] = f"Bearer {OWNER}"
    words = ("refuse", "forbid", "fail", "html", "drop", "redirect", "go")
    file_id = await engine.upload([{"expected": word, "answer": word} for word in words])
    for number, judge in enumerate(judges(url)):
        body = {"judge": judge, "input_data_file_path": file_id, **LABELS}
        created = await http.post(
            "/evaluation",
            json={"type": "classify", "parameters": body},
            headers={"Idempotency-Key": f"{REPEATABLE}{number}"},
        )
        job = await engine.finished(created.json()["workflow_id"])
        await http.get(f"/evaluation/{job['workflow_id']}/status")
        if file := job["results"].get("result_file_id"):
            await http.get(f"/files/{file}/content")
    for body in bad_bodies(url, file_id):
        headers = {"Content-Type": "application/json"}
        answer = await http.post("/evaluation", content=body, headers=headers)
        assert 400 <= answer.status_code < 500, body
    again = {"Idempotency-Key": f"{REPEATABLE}0"}
    body = {"judge": RULE_JUDGE, "input_data_file_path": file_id, **LABELS}
    parameters = {"type": "classify", "parameters": body}
    assert (await http.post("/evaluation", json=parameters, headers=again)).status_code == 422
    for header in (f"Bearer {WRONG}", WRONG, f"Basic {WRONG}", f"Bearer {OWNER}{WRONG}"):
        wrong = await http.get("/evaluation", headers={"Authorization": header})
        assert wrong.status_code == 401
    await http.get("/models")
    await http.get("/evaluation")


async def test_planted_secrets_turn_up_nowhere(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG, logger="evals_engine")
    seen = Seen()
    async with ModelServer(repeats_everything) as server:
        config = config_for(tmp_path, server.base_url)
        assert not any(secret in repr(config) for secret in SECRETS)
        async with noting_engine(config, seen) as engine:
            await provoke(engine, server.base_url)

            def broken(*_: object) -> None:
                raise RuntimeError(" ".join(SECRETS))

            monkeypatch.setattr(Store, "list_files", broken)
            assert (await engine.http.get("/files")).status_code == 500
        used = " ".join(str(request.headers) for request in server.requests)
    assert all(secret in used for secret in (SERVERLESS, DEDICATED, EXTERNAL, IN_BODY))
    logged = caplog.text + "".join(
        "".join(traceback.format_exception(*record.exc_info))
        for record in caplog.records
        if record.exc_info
    )
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    for secret in SECRETS:
        assert secret not in logged
        assert secret not in "\n".join(seen.answers)
        assert secret.encode() not in kept
    assert len(seen.answers) > 40


@asynccontextmanager
async def noting_engine(config: EngineConfig, seen: Seen) -> AsyncGenerator[EngineClient]:
    """One engine, all of whose answers are noted."""
    app = create_app(config)
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(
            transport=transport,
            base_url="http://engine/v1",
            timeout=60,
            event_hooks={"response": [seen.note]},
        ) as http,
    ):
        yield EngineClient(http)
