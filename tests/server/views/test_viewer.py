"""The viewer answers who has its address, with a fixed set of calls, and nobody else."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from evals_mcp.local_engine.in_process import InProcessTransport
from evals_mcp.views.pace import Paces
from evals_mcp.views.viewer import MOST_BODY_BYTES, Access, OpenSession, Viewer
from evals_schemas.evaluation_api.evaluations import EvaluationJob
from evals_schemas.tools.outputs import ProgressOutput, StatusOutput
from evals_schemas.tools.page import StatusPage
from tests.server.fake_provider import FakeProvider, jsonl
from tests.server.views.sessions import session_of
from tests.server.views.test_report import ROWS, job, provider

ADDRESS = "http://127.0.0.1:4000"
TOKEN = "token-of-this-viewer"
HEADERS = {"Authorization": f"Bearer {TOKEN}"}


class Client:
    """A page of the viewer."""

    def __init__(self, http: httpx2.AsyncClient, viewer: Viewer) -> None:
        self.http = http
        self.viewer = viewer

    async def call(self, name: object, **arguments: Any) -> httpx2.Response:
        body = {"name": name, "arguments": arguments}
        return await self.http.post("/call", json=body, headers=HEADERS)

    async def answer(self, name: str, **arguments: Any) -> dict[str, Any]:
        response = await self.call(name, **arguments)
        assert response.status_code == 200, response.text
        return response.json()

    async def refusal(self, name: object, **arguments: Any) -> tuple[int, str]:
        response = await self.call(name, **arguments)
        return response.status_code, response.json()["error"]


@asynccontextmanager
async def viewing(service: FakeProvider, folder: Path, **sections: Any) -> AsyncGenerator[Client]:
    """Open a viewer over a provider, and a client that has its token."""

    async with session_of(service, folder, **sections) as session:

        @asynccontextmanager
        async def opened() -> AsyncGenerator[OpenSession]:
            async def same() -> Any:
                return session

            yield same

        seconds = iter(range(1_000_000))
        viewer = Viewer(Access(TOKEN, 4000), opened, lambda: float(next(seconds)))
        async with (
            viewer.app.router.lifespan_context(viewer.app),
            httpx2.AsyncClient(transport=InProcessTransport(viewer.app), base_url=ADDRESS) as http,
        ):
            yield Client(http, viewer)


def running(**facts: Any) -> EvaluationJob:
    progress = {"done": 10, "total": 40}
    return job(3, status="running", results=None, progress=progress, **facts)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": TOKEN}, 401),
        ({**HEADERS, "Host": "evil.example:4000"}, 421),
        ({**HEADERS, "Host": "127.0.0.1:4001"}, 421),
        ({**HEADERS, "Origin": "http://evil.example"}, 403),
        ({**HEADERS, "Origin": "null"}, 403),
    ],
)
async def test_strangers_get_nothing(tmp_path: Path, headers: dict[str, str], status: int) -> None:
    async with viewing(provider(job()), tmp_path) as client:
        body: dict[str, Any] = {"name": "list", "arguments": {}}
        response = await client.http.post("/call", json=body, headers=headers)
        page = await client.http.get("/", headers=headers)
    assert response.status_code == status
    assert list(response.json()) == ["error"]
    assert page.status_code == (200 if status == 401 else status)
    assert "eval-1" not in response.text + page.text


async def test_the_page_connects_to_its_own_origin_only_and_stands_in_no_frame(
    tmp_path: Path,
) -> None:
    async with viewing(provider(), tmp_path) as client:
        page = await client.http.get("/?evaluation=eval-1")
    policy = page.headers["content-security-policy"]
    assert "connect-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe-inline" not in policy
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"


async def test_what_is_no_call_is_refused_with_a_sentence(tmp_path: Path) -> None:
    service = provider(job(), job(2), running(), file_1=jsonl(*ROWS), file_2=jsonl(*ROWS))
    async with viewing(service, tmp_path) as client:
        for name in ("create_evaluation", "delete_data", None, ["list"], "__class__"):
            status, sentence = await client.refusal(name)
            assert (status, sentence[:29]) == (404, "The page has no such call; it")
            assert sentence.endswith(
                "list, evaluation, status, rows, comparison, flips, mark, label, stop."
            )
        assert (await client.refusal("evaluation", evaluation_id="eval-9"))[0] == 404
        assert await client.refusal("rows", evaluation_id="eval-1", more=1) == (
            400,
            "The page's `options` do not fit: 'more': Extra inputs are not permitted.",
        )
        ids = {"evaluation_id_a": "eval-1", "evaluation_id_b": "eval-1"}
        assert "are the same evaluation" in (await client.refusal("comparison", **ids))[1]
        ids["evaluation_id_b"] = "eval-3"
        assert "eval-3 is running" in (await client.refusal("comparison", **ids))[1]
        for body in (b"no json", b"[]", b"{" * 100_000, b" " * (MOST_BODY_BYTES + 1)):
            response = await client.http.post("/call", content=body, headers=HEADERS)
            assert response.status_code == 400
        assert (await client.http.get("/call", headers=HEADERS)).status_code == 405
        assert (await client.http.get("/other", headers=HEADERS)).status_code == 404


async def test_the_calls_answer_what_the_page_shows(tmp_path: Path) -> None:
    other = [{**row, "label": "bad"} for row in ROWS]
    service = provider(job(), job(2), file_1=jsonl(*ROWS), file_2=jsonl(*other))
    async with viewing(service, tmp_path) as client:
        listed = await client.answer("list")
        page = await client.answer("evaluation", evaluation_id="eval-1", by="topic")
        first = await client.answer("rows", evaluation_id="eval-1", query={"show": "passing"})
        rest = (
            await client.answer(
                "rows",
                evaluation_id="eval-1",
                query={"show": "passing"},
                cursor=first["next_cursor"],
            )
            if "next_cursor" in first
            else None
        )
        every = await client.answer("rows", evaluation_id="eval-1")
        last = await client.answer("rows", evaluation_id="eval-1", cursor=every["next_cursor"])
        found = await client.answer("rows", evaluation_id="eval-1", query={"text": "MUCH IS 7?"})
        ids = {"evaluation_id_a": "eval-1", "evaluation_id_b": "eval-2"}
        comparison = await client.answer("comparison", **ids)
        lost = await client.answer("flips", **ids, query={"change": "lost"})
        gained = await client.answer("flips", **ids, query={"change": "gained"})
        by_name = {"verdict_a": "good", "verdict_b": "bad"}
        named = await client.answer("flips", **ids, query=by_name)
        both = await client.answer("flips", **ids, query={"change": "lost", "text": "MUCH IS 7?"})
        neither = await client.answer("flips", **ids, query={"change": "gained", "text": "much"})
        status, refused = await client.refusal("flips", **ids, query={"text": ""})
    assert {line["evaluation_id"] for line in listed["answer"]["evaluations"]} == {
        "eval-1",
        "eval-2",
    }
    assert page["answer"]["by"]["column"] == "'topic'"
    assert page["by_columns"] == ["topic"]
    assert (first["matching"], rest) == (20, None)
    numbers = [row["row"] for row in every["rows"] + last["rows"]]
    assert numbers == list(range(1, 31))
    assert [row["row"] for row in found["rows"]] == [8]
    assert (comparison["gained"], comparison["lost"]) == (0, 20)
    assert comparison["answer"]["flips"] == []
    assert (lost["matching"], gained["matching"], named["matching"]) == (20, 0, 20)
    assert len(lost["pairs"]) == 20
    assert [pair["a"]["row"] for pair in both["pairs"]] == [8]
    assert (both["matching"], both["total"], neither["matching"]) == (1, 20, 0)
    assert (status, "query.text" in refused) == (400, True)


async def test_a_running_evaluation_has_its_speed_and_only_some_may_stop_it(
    tmp_path: Path,
) -> None:
    service = provider(running())
    async with viewing(service, tmp_path) as client:
        page = await client.answer("evaluation", evaluation_id="eval-3")
        status = await client.answer("status", evaluation_id="eval-3")
    assert page["may_stop"]
    assert "summary" not in page["answer"]
    assert (status["percent"], status["may_stop"]) == (25.0, True)
    only_reads = {"provider": "local", "read_only": True}
    async with viewing(service, tmp_path, server=only_reads) as client:
        status = await client.answer("status", evaluation_id="eval-3")
        assert not status["may_stop"]
        refused = await client.refusal("stop", evaluation_id="eval-3")
    assert refused[0] == 400
    assert "server.read_only" in refused[1]


async def test_a_call_with_the_token_is_what_keeps_it_open(tmp_path: Path) -> None:
    async with viewing(provider(), tmp_path) as client:
        before = client.viewer.idle_seconds
        await client.http.get("/")
        await client.http.post("/call", json={})
        later = client.viewer.idle_seconds
        await client.answer("list")
        assert before < later > client.viewer.idle_seconds


def test_a_speed_is_that_of_late_and_needs_time() -> None:
    clock = [0.0]
    paces = Paces(lambda: clock[0])
    pages: list[StatusPage] = []
    for seconds, done in ((0.0, 10), (1.0, 12), (10.0, 30), (60.0, 40), (70.0, 60)):
        clock[0] = seconds
        progress = ProgressOutput(done=done, total=100)
        answer = StatusOutput(
            evaluation_id="eval-1",
            status="running",
            finished=False,
            progress=progress,
            next_step="Wait.",
        )
        pages.append(paces.page(answer, may_stop=False))
    assert [page.per_second for page in pages] == [None, None, 2.0, 0.2, 2.0]
    assert [page.seconds_left for page in pages] == [None, None, 35.0, 300.0, 20.0]
    assert [page.percent for page in pages] == [10.0, 12.0, 30.0, 40.0, 60.0]
