"""Lost, repeated and replayed creates against a real service start one evaluation and report it."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from mcp import Client

from evals_mcp.compose import open_providers
from evals_mcp.lifetime import open_services
from evals_mcp.local_engine.service import LOCAL
from evals_mcp.providers.rest.client import RestClient
from evals_mcp.providers.rest.service import Service
from evals_mcp.providers.together.provider import TogetherProvider
from evals_mcp.server import build_server
from evals_mcp.tools.calls.session import Clock
from evals_schemas.evaluation_api.evaluations import parse_evaluation_request
from tests.engine.running import RULE_JUDGE, EngineClient
from tests.journeys.lossy_proxy import Fate, LossyProxy, lossy_proxy
from tests.journeys.served import served_engine
from tests.server.serving import Served, settings, text_of

pytestmark = pytest.mark.usefixtures("lines_not_counted")

ROWS = [{"expected": f"answer {n}", "answer": f"answer {n}"} for n in range(100)]


class World:
    """A service with a proxy before it, and the requests and evaluations of both."""

    def __init__(self, folder: Path, engine: EngineClient, proxy: LossyProxy, file_id: str) -> None:
        self.folder, self.engine, self.proxy = folder, engine, proxy
        self.late = timedelta()
        self.wanted: dict[str, Any] = {
            "type": "classify",
            "input_data_file_path": file_id,
            "judge": {"model": "rule/exact-match", "system_template": "{{ expected }}"},
            "labels": ["right", "wrong"],
            "pass_labels": ["right"],
            "response_column": "answer",
        }

    async def jobs(self) -> list[str]:
        """Return the ids of all evaluations of the service."""
        return [job["workflow_id"] for job in (await self.engine.http.get("/evaluation")).json()]

    @asynccontextmanager
    async def server(self, token: str = "token-1") -> AsyncGenerator[Served]:
        """Run an MCP server whose vendor is the proxy; yield a client."""
        configured = settings(
            self.folder,
            server={"provider": "together"},
            together={"base_url": self.proxy.url, "token": token},
        )
        clock = Clock(now=lambda: datetime.now(UTC) + self.late)
        opening = partial(open_services, configured, open_providers, clock)
        async with Client(build_server("0.0", opening)) as client:
            yield Served(client)


@asynccontextmanager
async def world(folder: Path, *fates: Fate) -> AsyncGenerator[World]:
    with anyio.fail_after(300):
        async with (
            served_engine(folder / "engine") as engine,
            httpx2.AsyncClient(base_url=engine.url, timeout=60) as http,
            lossy_proxy(engine.url, *fates) as proxy,
        ):
            client = EngineClient(http)
            yield World(folder, client, proxy, await client.upload(ROWS))


AFTER: list[Fate] = ["500 after", "dropped after"]
BEFORE: list[Fate] = ["dropped before", "dropped before its body"]


@pytest.mark.parametrize("fate", AFTER)
async def test_an_answer_that_is_lost_after_the_start_says_which_evaluation_it_was(
    fate: Fate, tmp_path: Path
) -> None:
    async with world(tmp_path, fate) as here, here.server() as server:
        answer = await server.answer("create_evaluation", **here.wanted)
        assert answer["outcome"] == "started"
        assert await here.jobs() == [answer["evaluation_id"]]

        again = await server.answer("create_evaluation", **here.wanted)
        assert (again["outcome"], again["evaluation_id"]) == ("exists", answer["evaluation_id"])
        assert here.proxy.creates == 1
        assert here.proxy.keys == [None]


@pytest.mark.parametrize("fate", BEFORE)
async def test_a_request_that_is_lost_on_the_way_starts_one_evaluation_in_the_end(
    fate: Fate, tmp_path: Path
) -> None:
    async with world(tmp_path, fate) as here, here.server() as server:
        text = await server.refusal("create_evaluation", **here.wanted)
        assert "No such evaluation was found in the list; it may still appear" in text

        soon = await server.refusal("create_evaluation", **here.wanted)
        assert re.search(r"Call create_evaluation again in \d+ s", soon)
        assert (await here.jobs(), here.proxy.creates) == ([], 1)

        here.late = timedelta(seconds=61)
        answer = await server.answer("create_evaluation", **here.wanted)
        assert answer["outcome"] == "started"
        assert await here.jobs() == [answer["evaluation_id"]]


@pytest.mark.parametrize("fate", [*AFTER, *BEFORE])
async def test_three_retries_of_a_client_end_with_one_evaluation_at_the_most(
    fate: Fate, tmp_path: Path
) -> None:
    async with world(tmp_path, fate, fate, fate) as here, here.server() as server:
        told = [text_of(await server.call("create_evaluation", **here.wanted)) for _ in range(4)]
        jobs = await here.jobs()

    assert here.proxy.creates == 1
    assert len(jobs) == (1 if fate in AFTER else 0)
    assert all(job in text for job in jobs for text in told)


async def test_creates_at_once_over_two_calls_and_two_servers_start_one(tmp_path: Path) -> None:
    async with world(tmp_path) as here, here.server() as one, here.server() as two:
        answers: list[dict[str, Any]] = []

        async def create(server: Served) -> None:
            answers.append(await server.answer("create_evaluation", **here.wanted))

        async with anyio.create_task_group() as tasks:
            for server in (one, two) * 5:
                tasks.start_soon(create, server)

        assert sorted(answer["outcome"] for answer in answers) == ["exists"] * 9 + ["started"]
        assert [*{answer["evaluation_id"] for answer in answers}] == await here.jobs()
        assert (here.proxy.creates, here.proxy.keys) == (1, [None])


async def test_one_that_is_started_on_purpose_is_a_second_one(tmp_path: Path) -> None:
    async with world(tmp_path) as here, here.server() as server:
        await server.answer("create_evaluation", **here.wanted)
        answer = await server.answer("create_evaluation", **here.wanted, again=True)

        assert answer["outcome"] == "started"
        assert len(set(await here.jobs())) == 2


@pytest.mark.parametrize("fates", [[fate] * 2 for fate in (*AFTER, *BEFORE)])
async def test_a_service_that_takes_keys_is_sent_the_same_create_until_it_answers(
    fates: list[Fate], tmp_path: Path
) -> None:
    async with world(tmp_path, *fates) as here, httpx2.AsyncClient() as client:
        service = Service("local", here.proxy.url, None, "local.data_dir", "engine.token")
        provider = TogetherProvider(
            "local",
            RestClient(client, service),
            LOCAL.capabilities,
            clock=lambda: datetime.now(UTC),
        )
        parameters = {
            "judge": RULE_JUDGE,
            "input_data_file_path": here.wanted["input_data_file_path"],
            "labels": ["right", "wrong"],
            "pass_labels": ["right"],
            "model_to_evaluate": "answer",
        }
        request = parse_evaluation_request({"type": "classify", "parameters": parameters})
        created = await provider.create_evaluation(request, "key-1")

        assert await here.jobs() == [created.workflow_id]
        assert here.proxy.keys == ["key-1"] * 3
