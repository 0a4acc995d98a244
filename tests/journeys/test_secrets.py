"""Secrets are planted in every setting and call, and appear in no answer, log or file."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from evals_mcp.compose import open_providers
from evals_mcp.http.logs import JsonLines
from evals_mcp.http.serve import http_app
from evals_mcp.lifetime import open_services
from evals_mcp.local_engine.configuration import engine_config
from evals_mcp.principals import LOCAL, Principal
from evals_mcp.providers.rest.service import Service
from evals_mcp.services import SERVICES
from evals_mcp.settings.loading import load_settings
from evals_mcp.settings.schema import Settings
from evals_mcp.tools.catalog import BY_NAME
from evals_mcp.views.app.tools import APP_TOOLS_BY_NAME
from tests.engine.model_server import ModelServer
from tests.journeys.caller import Caller, tool_call
from tests.journeys.hostile import FAILURES, Repeating, repeating_model
from tests.journeys.issuer import Issuer
from tests.journeys.planted import BROUGHT, CONFIGURED, configuration, planted, process
from tests.server.fake_provider import FakeProvider
from tests.server.http.serving import listening
from tests.server.serving import everyones, settings

pytestmark = pytest.mark.usefixtures("lines_not_counted")

FORBIDDEN = [planted(name) for name in (*CONFIGURED, *BROUGHT, "key-in-argument", "bug")]
"""Secrets that no answer may hold."""

PASTED = planted("pasted")
"""Secrets that a user has put into rows, templates and names: data of that user."""

ROWS = [{"question": f"{word} {PASTED}", "answer": "good"} for word in ("echo", *FAILURES[:6])]


class Seen:
    """All answers and texts of the servers."""

    def __init__(self) -> None:
        self.answers: list[tuple[str, str]] = []
        """The caller of each answer, and the answer with its headers."""
        self.logs: list[str] = []
        self.texts: list[str] = []
        """Texts of representations and errors."""
        self.tokens: list[str] = []
        """Access tokens that were valid."""

    def note(self, who: str, caller: Caller) -> None:
        self.answers += [(who, f"{one.status} {one.headers} {one.text}") for one in caller.answers]


# The calls


def calls(prefix: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield tools with arguments: each failure of a service, and a secret in each text field."""
    for word in ("echo", *FAILURES):
        evaluation_id = f"{prefix}eval-{word}"
        for tool in ("get_evaluation", "get_status", "read_results", "cancel_evaluation"):
            yield tool, {"evaluation_id": evaluation_id}
        yield "create_evaluation", request(f"{prefix}file-{word}", word)
        yield "upload_dataset", {"rows": ROWS, "name": word}
    for name, definition in (BY_NAME | APP_TOOLS_BY_NAME).items():
        for field, schema in definition.tool.input_schema["properties"].items():
            if schema.get("type") == "string" and "enum" not in schema:
                yield name, {field: PASTED}
                yield name, {field: f"{PASTED} \x00\ud800".encode("utf-8", "replace").decode()}
        yield name, {"nothing-of-that-name": PASTED, PASTED: PASTED}
        yield name, {"external_api_token": planted("key-in-argument")}
    for tool in ("list_evaluations", "list_datasets", "list_models"):
        yield tool, {}


def request(file_id: str, judge: str = "rule/exact-match", **more: Any) -> dict[str, Any]:
    return {
        "type": "classify",
        "input_data_file_path": file_id,
        "judge": {"model": judge, "system_template": "{{question}} {{answer}}", **more},
        "labels": ["good", "bad"],
        "pass_labels": ["good"],
        "response_column": "answer",
    }


BODIES = [
    f'{{"{PASTED}'.encode(),
    f'["{PASTED}"]'.encode(),
    json.dumps({"jsonrpc": "2.0", "id": PASTED, "method": PASTED, "params": PASTED}).encode(),
    json.dumps({"jsonrpc": "2.0", "method": PASTED, "params": {PASTED: PASTED}}).encode(),
    json.dumps(tool_call(PASTED, a=PASTED)).encode(),
    json.dumps(tool_call("get_status") | {"params": {"name": [PASTED], "a": PASTED}}).encode(),
]


async def provoke(user: Caller, prefix: str = "") -> None:
    """Make all calls, a few at a time, because failing reads are retried with pauses."""
    limit = anyio.CapacityLimiter(40)

    async def one(tool: str, arguments: dict[str, Any]) -> None:
        async with limit:
            await user.call(tool, **arguments)

    async with anyio.create_task_group() as tasks:
        for tool, arguments in calls(prefix):
            tasks.start_soon(one, tool, arguments)
    for body in BODIES:
        await user.post(body)
        await user.post(body)


async def judge_with_every_key(user: Caller) -> None:
    """Let the engine call models with each of its keys, and read the results."""
    stored = await user.answer("upload_dataset", rows=ROWS, name=PASTED)
    for more in (
        {},
        {"model_source": "dedicated"},
        {"model_source": "external", "external_credential": "vendor"},
        {"model_source": "external", "external_api_token": planted("key-in-argument")},
        {"external_credential": planted("key-in-argument")},
    ):
        wanted = request(stored["file_id"], "mine", **more)
        if (await user.call("create_evaluation", **wanted, dry_run=True)).is_error:
            continue
        evaluation_id = await user.started(**wanted)
        await user.call("get_status", evaluation_id=evaluation_id, wait_seconds=45)
        await user.call("get_evaluation", evaluation_id=evaluation_id)
        for show in ("all", "failed", "invalid"):
            await user.call("read_results", evaluation_id=evaluation_id, show=show, max_chars=4000)


# The whole journey


@asynccontextmanager
async def issuer_on_the_network() -> AsyncGenerator[Issuer]:
    async def keys(_: Request) -> Response:
        return JSONResponse(issuer.published)

    issuer = Issuer()
    async with listening(Starlette(routes=[Route("/keys", keys)]), seconds=600) as url:
        issuer.url = url
        yield issuer


@asynccontextmanager
async def user_of(url: str, seen: Seen, who: str, **headers: str) -> AsyncGenerator[Caller]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with httpx2.AsyncClient(base_url=url, trust_env=False, timeout=300) as http:
        user = Caller(http, named)
        yield user
        seen.note(who, user)


async def use_keys_of_requests(url: str, seen: Seen) -> None:
    keys = {
        "X_Together_Api_Key": planted("header-together"),
        "X_Nugen_Api_Key": planted("header-nugen"),
        "Authorization": f"Bearer {planted('other-header')}",
    }
    async with user_of(url, seen, "alice", **keys) as alice:
        for prefix in ("together:", "nugen:"):
            await provoke(alice, prefix)
        alice.headers["X-Nugen-Api-Key"] = f"{planted('header-nugen')} and more"
        await alice.call("list_evaluations")
        await alice.http.get(f"/{PASTED}?key={PASTED}")


async def use_tokens(url: str, seen: Seen, issuer: Issuer) -> None:
    tokens = seen.tokens = [issuer.token(subject) for subject in ("alice", "bob")]
    alices, bobs = [{"Authorization": f"Bearer {token}"} for token in tokens]
    async with user_of(url, seen, "alice", **alices) as alice:
        for prefix in ("local:", "together:", "nugen:"):
            await provoke(alice, prefix)
        await judge_with_every_key(alice)
        alice.headers["Authorization"] += "x"
        await alice.call("list_evaluations")
    async with user_of(url, seen, "bob", **bobs) as bob:
        for tool in ("list_evaluations", "list_datasets", "list_models"):
            await bob.answer(tool)


async def use_configured_keys(url: str, seen: Seen) -> None:
    async with user_of(url, seen, "alice") as user:
        for prefix in ("together:", "nugen:"):
            await provoke(user, prefix)


async def use_engine(url: str, seen: Seen) -> None:
    async with user_of(url, seen, "alice") as user:
        for token in (planted("engine"), planted("owner"), planted("key-in-argument")):
            headers = {"Authorization": f"Bearer {token}"}
            for path in ("/v1/files", "/v1/evaluation/x", "/api/v3/evaluations", f"/{PASTED}"):
                got = await user.http.get(path, headers=headers)
                seen.answers.append(("alice", f"{got.status_code} {got.headers} {got.text}"))


@contextmanager
def logging_as_json() -> Generator[io.StringIO]:
    """Collect what the server writes to stderr."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        yield stream
    finally:
        root.removeHandler(handler)


async def meet_bugs(folder: Path, seen: Seen) -> None:
    """Run a provider with a bug, and one that cannot be opened; their errors quote a secret."""
    bug = RuntimeError(planted("bug"))

    @asynccontextmanager
    async def unopened(_: Settings) -> AsyncGenerator[Callable[[Principal], FakeProvider]]:
        raise bug
        yield lambda _: FakeProvider()

    configured = settings(folder / "bugs")
    for opening in (everyones(FakeProvider(error=bug)), unopened):
        app = http_app(configured, "0.0", partial(open_services, configured, opening))
        with logging_as_json() as log:
            async with listening(app) as url, user_of(url, seen, "alice") as user:
                assert "Internal error" in await user.refusal("list_evaluations")
        assert "RuntimeError" in log.getvalue()
        seen.logs.append(log.getvalue())


async def represent(folder: Path, seen: Seen) -> None:
    found = load_settings(folder / "config.toml", {}, folder, SERVICES)
    key = SecretStr(planted("header-together"))
    principal = Principal("id", {"together": key, "nugen": key})
    service = Service("together", "https://a.example", key, "a", "b", owner="id")
    things: list[object] = [found, principal, service, engine_config(found), found.model_dump()]
    things.append(engine_config(found, as_service=True))
    async with open_providers(found, ("together", "nugen", "local")) as provider_of:
        for one in (LOCAL, principal):
            things += [provider_of(one), vars(provider_of(one))]
        seen.texts += [f"{thing!r} {thing}" for thing in things]


async def everything(folder: Path, seen: Seen) -> None:
    upstream = Repeating()
    async with (
        listening(upstream.app, seconds=600) as vendor,
        ModelServer(repeating_model, ["mine"]) as models,
        issuer_on_the_network() as issuer,
    ):
        configuration(folder, vendor, models.base_url, issuer.url)
        serve = ("serve", "--http")
        oauth = {"HTTP__MODE": "oauth", "SERVER__PROVIDER": "local"}
        async with (
            process(folder, "header", *serve, HTTP__MODE="header") as by_key,
            process(folder, "oauth", *serve, **oauth) as by_token,
            process(folder, "local", *serve, SERVER__PROVIDER="together") as here,
            process(folder, "engine", "engine") as engine,
            anyio.create_task_group() as tasks,
        ):
            tasks.start_soon(use_keys_of_requests, by_key, seen)
            tasks.start_soon(use_tokens, by_token, seen, issuer)
            tasks.start_soon(use_configured_keys, here, seen)
            tasks.start_soon(use_engine, engine, seen)
        await represent(folder, seen)
        await meet_bugs(folder, seen)
        asked = "".join(upstream.sent) + "".join(str(one.headers) for one in models.requests)
    of_services = {planted(name) for name in (*CONFIGURED, *BROUGHT[:2])}
    of_services -= {
        planted(name) for name in ("engine", "engine-server", "engine-metrics", "owner")
    }
    others = {*FORBIDDEN, *seen.tokens} - of_services
    assert {secret for secret in of_services if secret not in asked} == set()
    assert {secret for secret in others if secret in asked} == set()


async def test_secrets_turn_up_nowhere_and_pasted_ones_with_their_user_only(tmp_path: Path) -> None:
    seen = Seen()
    with anyio.fail_after(600):
        await everything(tmp_path, seen)
    seen.logs += [path.read_text() for path in tmp_path.glob("*.log")]
    kept = {
        path: path.read_bytes()
        for folder in ("data", "cache", "keys", "bugs")
        for path in (tmp_path / folder).rglob("*")
        if path.is_file()
    }
    assert any("evals.sqlite3" in path.name for path in kept)
    found = {
        secret: [
            *(answer for _, answer in seen.answers if secret in answer),
            *(log for log in seen.logs if secret in log),
            *(text for text in seen.texts if secret in text),
            *(str(path) for path, content in kept.items() if secret.encode() in content),
        ]
        for secret in (*FORBIDDEN, *seen.tokens)
    }
    assert not {secret: places for secret, places in found.items() if places}
    strangers = [answer for who, answer in seen.answers if who == "bob"]
    logs_and_keys = seen.logs + [str(kept[path]) for path in kept if path.parent.name == "keys"]
    assert strangers
    assert not [text for text in strangers + logs_and_keys if PASTED in text]
