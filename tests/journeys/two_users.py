"""A server over HTTP with two users, in the modes `header` and `oauth`."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx2

from evals_mcp.compose import open_providers
from evals_mcp.http.serve import http_app, services_of
from evals_mcp.lifetime import open_services
from evals_mcp.services import SERVICES
from evals_mcp.settings.loading import load_settings
from evals_mcp.settings.schema import Settings
from tests.engine.model_server import ChatRequest, ModelServer, Reply, completion, verdict
from tests.journeys.caller import Caller
from tests.journeys.issuer import AUDIENCE, QUARTER_HOUR, Issuer
from tests.journeys.served import served_engine
from tests.server.http.serving import listening

ALICE, BOB = "alice-key-0123456789", "bob-key-0123456789"
MODELS = ["fast", "slow"]
ROWS = [{"question": f"What is {n} + 1?", "expected": str(n + 1)} for n in range(3)]
RULE = {
    "model": "rule/exact-match",
    "system_template": "{{expected}}{% if not question %}{{question}}{% endif %}",
}
LABELS: dict[str, Any] = {
    "type": "classify",
    "labels": ["good", "bad"],
    "pass_labels": ["good"],
    "response_column": "expected",
}


def says(request: ChatRequest) -> Reply:
    """Answer after an hour as the slow model, else at once."""
    if request.body["model"] == "slow":
        return completion("late", delay=3600)
    judging = "Is it right?" in request.system
    return verdict(feedback="", label="good") if judging else completion("1")


def configured(folder: Path, **settings: str) -> Settings:
    """Return settings that store everything below one folder."""
    usual = {
        "LOCAL__DATA_DIR": str(folder / "engine"),
        "LOCAL__STOP_SECONDS": "1",
        "RESULTS__CACHE_DIR": str(folder / "results"),
        "BUDGET__KEY_FILE": str(folder / "confirm.key"),
        "STATE__FOLDER": str(folder / "state"),
        "BUDGET__CONFIRM_ABOVE_CALLS": "0",
        "HTTP__CALLS_PER_MINUTE": "100000",
    }
    environ = {f"EVALS_MCP_{name}": value for name, value in (usual | settings).items()}
    empty = folder / "empty.toml"
    empty.touch()
    return load_settings(empty, environ, folder, SERVICES)


@asynccontextmanager
async def serving(
    settings: Settings, issuer: Issuer | None = None, seconds: float = 600
) -> AsyncGenerator[str]:
    """Run a server over HTTP with these settings, for so long at most, and yield its URL."""
    opening = partial(open_services, settings, partial(open_providers, names=services_of(settings)))
    client = issuer.client() if issuer else None
    app = http_app(settings, "0.0", opening, issuer_client=client)
    async with listening(app, seconds) as url:
        yield url


@asynccontextmanager
async def callers(url: str, *headers: dict[str, str]) -> AsyncGenerator[list[Caller]]:
    async with httpx2.AsyncClient(base_url=url, trust_env=False, timeout=300) as http:
        yield [Caller(http, own) for own in headers]


KEYS = {"together": "X-Together-Api-Key", "nugen": "X-Nugen-Api-Key"}


def by_header(service: str, key: str) -> dict[str, str]:
    named = KEYS if service == "both" else {service: KEYS[service]}
    return dict.fromkeys(named.values(), key)


@asynccontextmanager
async def by_keys(folder: Path, service: str) -> AsyncGenerator[list[Caller]]:
    """Yield two users with different keys for one engine on the network."""
    async with (
        ModelServer(says, MODELS) as models,
        served_engine(
            folder / "served",
            LOCAL__MODELS__BASE_URL=models.base_url,
            ENGINE__OWNERS__ALICE__TOKEN=ALICE,
            ENGINE__OWNERS__BOB__TOKEN=BOB,
        ) as engine,
    ):
        settings = configured(
            folder,
            HTTP__MODE="header",
            TOGETHER__BASE_URL=engine.url,
            NUGEN__BASE_URL=engine.url.removesuffix("/v1"),
            **({} if service == "both" else {"SERVER__PROVIDER": service}),
        )
        keys = [by_header(service, key) for key in (ALICE, BOB)]
        async with serving(settings) as url, callers(url, *keys) as both:
            yield both


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def of_issuer(folder: Path, issuer: Issuer, **settings: str) -> Settings:
    return configured(
        folder,
        HTTP__MODE="oauth",
        OAUTH__ISSUER=issuer.url,
        OAUTH__RESOURCE=AUDIENCE,
        **settings,
    )


@asynccontextmanager
async def by_tokens(folder: Path, seconds: float = 100) -> AsyncGenerator[list[Caller]]:
    """Yield two subjects of one issuer who share the embedded engine, for so long at most."""
    issuer = Issuer()
    valid = max(seconds, QUARTER_HOUR)
    tokens = [bearer(issuer.token(subject, seconds=valid)) for subject in ("alice", "bob")]
    async with ModelServer(says, MODELS) as models:
        settings = of_issuer(
            folder, issuer, SERVER__PROVIDER="local", LOCAL__MODELS__BASE_URL=models.base_url
        )
        async with serving(settings, issuer, seconds) as url, callers(url, *tokens) as both:
            yield both


def of_served_engine(folder: Path, issuer: Issuer, url: str, token: str) -> Settings:
    """Return settings of a server whose users are owners at an engine that runs elsewhere."""
    return of_issuer(
        folder,
        issuer,
        SERVER__PROVIDER="local",
        LOCAL__URL=url,
        LOCAL__TOKEN=token,
        LOCAL__DATA_DIR="",
        LOCAL__STOP_SECONDS="",
    )


@asynccontextmanager
async def by_tokens_elsewhere(folder: Path, seconds: float = 600) -> AsyncGenerator[list[Caller]]:
    """Yield two subjects of one issuer whose engine is a process of its own."""
    issuer, token = Issuer(), "of-the-mcp-server-0123456789"
    valid = max(seconds, QUARTER_HOUR)
    tokens = [bearer(issuer.token(subject, seconds=valid)) for subject in ("alice", "bob")]
    async with (
        ModelServer(says, MODELS) as models,
        served_engine(
            folder / "served",
            LOCAL__MODELS__BASE_URL=models.base_url,
            ENGINE__SERVER__TOKEN=token,
        ) as engine,
    ):
        settings = of_served_engine(folder, issuer, engine.url, token)
        async with serving(settings, issuer, seconds) as url, callers(url, *tokens) as both:
            yield both
