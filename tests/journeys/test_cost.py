"""What evaluations have really cost, and a limit for a day that creates at once cannot exceed."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import anyio
from aiohttp import web
from mcp import Client

from evals_mcp.compose import open_providers
from evals_mcp.exchange.new_files import manifest_path
from evals_mcp.lifetime import open_services
from evals_mcp.server import build_server
from evals_mcp.tools.calls.session import Clock
from tests.engine.model_server import ChatRequest, ModelServer, Reply, completion, verdict
from tests.server.serving import Served, settings, text_of

ROWS = [{"question": f"What is {n} + 1?", "answer": str(n + 1)} for n in range(10)]
PRICED = {"id": "judge-1", "pricing": {"input": 1_000, "output": 5_000}}
USD = 10 * (40 * 1_000 + 20 * 5_000) / 1e6
"""What ten verdicts cost by the tokens that the endpoint reports."""


Judge = Callable[[ChatRequest], Reply]


def good(_: ChatRequest) -> Reply:
    return verdict(label="good")


class Endpoint(ModelServer):
    """An endpoint whose answers can be held back."""

    def __init__(self, judge: Judge) -> None:
        super().__init__(judge, models=[PRICED, "candidate-1"])
        self.answering = anyio.Event()
        self.answering.set()

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        await self.answering.wait()
        return await super()._chat(request)


class Home:
    """A folder of one user, an endpoint with prices, and a clock that can be set forward."""

    def __init__(self, folder: Path, endpoint: Endpoint) -> None:
        self.folder, self.endpoint = folder, endpoint
        self.later = timedelta()

    @asynccontextmanager
    async def server(self, **budget: Any) -> AsyncGenerator[Served]:
        configured = settings(
            self.folder,
            local={
                "data_dir": self.folder / "engine",
                "models": {"base_url": self.endpoint.base_url},
            },
            budget={"confirm_above_usd": 1e6, "repeat_seconds": 0, **budget},
        )
        clock = Clock(now=lambda: datetime.now(UTC) + self.later)
        opening = partial(open_services, configured, open_providers, clock)
        async with Client(build_server("0.0", opening)) as client:
            yield Served(client)


@asynccontextmanager
async def home(folder: Path, judge: Judge = good) -> AsyncGenerator[Home]:
    with anyio.fail_after(300):
        async with Endpoint(judge) as endpoint:
            yield Home(folder, endpoint)


async def wanted(server: Served, **changes: Any) -> dict[str, Any]:
    stored = await server.answer("upload_dataset", rows=ROWS)
    return {
        "type": "classify",
        "input_data_file_path": stored["file_id"],
        "judge": {"model": "judge-1", "system_template": "Is it right? {{question}}"},
        "labels": ["good", "bad"],
        "pass_labels": ["good"],
        "response_column": "answer",
        **changes,
    }


async def ended(server: Served, started: dict[str, Any]) -> dict[str, Any]:
    evaluation_id = started["evaluation_id"]
    while not (await server.answer("get_status", evaluation_id=evaluation_id, wait_seconds=5))[
        "finished"
    ]:
        pass
    return await server.answer("get_evaluation", evaluation_id=evaluation_id)


async def test_the_cost_of_what_ran_is_in_its_answer_and_in_its_manifest(tmp_path: Path) -> None:
    def reply(request: ChatRequest) -> Reply:
        if request.body["model"] == "candidate-1":
            return completion("42")
        # The first verdict cannot be read, so the judge is asked twice.
        again = "What is 0 +" in request.system and len(asked) == 0
        asked.append(request.system)
        return completion("Hm.") if again else verdict(label="good")

    asked: list[Any] = []
    async with home(tmp_path, reply) as user, user.server() as server:
        request = await wanted(server)
        planned = await server.answer("create_evaluation", **request, dry_run=True)
        started = await server.answer("create_evaluation", **request)
        found = await ended(server, started)
        exported = await server.answer(
            "export_results", evaluation_id=found["evaluation_id"], format="csv"
        )
        text = await server.text("get_evaluation", evaluation_id=found["evaluation_id"])
        candidate = {
            "model": "candidate-1",
            "system_template": "Be short.",
            "input_template": "{{question}} {{answer}}",
        }
        unpriced = await wanted(server, response_column=None, model_to_evaluate=candidate)
        second = await ended(server, await server.answer("create_evaluation", **unpriced))

        status = await server.answer("get_status", evaluation_id=found["evaluation_id"])
        both = f"{found['evaluation_id']},{second['evaluation_id']}"
        several = await server.answer("get_evaluation", evaluation_id=both)
        listed = await server.answer("list_evaluations")
        texts = [
            await server.text("get_status", evaluation_id=found["evaluation_id"]),
            await server.text("get_evaluation", evaluation_id=both),
            await server.text("list_evaluations"),
        ]

    assert status["cost_usd"] == USD * 1.1
    assert [line.get("cost_usd") for line in several["evaluations"]] == [USD * 1.1, None]
    assert [line.get("cost_usd") for line in listed["evaluations"]] == [None, USD * 1.1]
    assert all(text.count("$1.54") == 1 for text in texts), texts
    estimate = planned["cost_usd"]
    assert found["cost"] == {
        "usd": USD * 1.1,
        "calls": 11,
        "input_tokens": 440,
        "output_tokens": 220,
        "estimated_usd": [estimate["low"], estimate["high"]],
    }
    assert "Cost: $1.54; 11 calls, 440 tokens in and 220 out; the estimate was $" in text
    manifest = json.loads(manifest_path(Path(exported["path"])).read_text())
    assert manifest["cost"] == found["cost"]
    assert "cost.usd" not in manifest["unknown"]
    assert second["cost"]["calls"] == 20
    assert "usd" not in second["cost"]
    assert second["cost"]["unknown"] == "no price is known for 'candidate-1'"


async def test_what_runs_and_what_has_ended_stay_below_the_limit_of_a_day(tmp_path: Path) -> None:
    async with home(tmp_path) as user:
        async with user.server() as server:
            request = await wanted(server)
            started = [await server.answer("create_evaluation", **request)]
            await ended(server, started[0])
            plan = await server.answer("create_evaluation", **request, dry_run=True)
            assert not any("per_day" in note for note in plan["plan"]["notes"])
        # The estimate is above the cost: two at once would exceed the limit, and in a row not.
        high = plan["cost_usd"]["high"]
        limit = USD + 1.5 * high
        async with (
            user.server(max_usd_per_day=limit) as server,
            user.server(max_usd_per_day=limit) as other_process,
        ):
            plan = await server.answer("create_evaluation", **request, dry_run=True)
            assert plan["plan"]["notes"][0].endswith(" $1.40 was spent in the last 24 hours.")
            refusals: list[str] = []

            async def create(process: Served) -> None:
                result = await process.call("create_evaluation", **request, again=True)
                if result.is_error:
                    refusals.append(text_of(result))
                else:
                    started.append(result.structured_content)

            # Each of the two fits, and both together do not while the first runs.
            user.endpoint.answering = anyio.Event()
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(create, server)
                tasks.start_soon(create, other_process)
            user.endpoint.answering.set()
            assert (len(started), len(refusals)) == (2, 1)
            assert "is held for what runs" in refusals[0]
            assert "Nothing was started." in refusals[0]
            # What has ended counts with its cost, although nobody has looked at it.
            while len(refusals) < 2:
                await other_process.answer(
                    "get_status", evaluation_id=started[-1]["evaluation_id"], wait_seconds=45
                )
                await create(server)
            spent = USD * len(started)
            assert limit - high < spent <= limit
            assert f"${spent:.2f} was spent in the last 24 hours." in refusals[-1]
            assert "There is room for it from 20" in refusals[-1]
            dry = await server.answer("create_evaluation", **request, dry_run=True)
            assert "A create would be refused." in dry["next_step"]
            # A deleted evaluation has been paid for.
            evaluation_id = started[-1]["evaluation_id"]
            await server.answer("delete_data", id=evaluation_id, confirm=True)
            assert (await server.answer("create_evaluation", **request, dry_run=True))[
                "next_step"
            ] == dry["next_step"]
            user.later = timedelta(hours=25)
            await create(server)
            assert len(refusals) == 2


async def test_a_price_that_is_unknown_is_asked_about_if_a_day_has_a_limit(tmp_path: Path) -> None:
    async with home(tmp_path) as user, user.server(max_usd_per_day=5) as server:
        judge = {"model": "candidate-1", "system_template": "Is it right? {{question}}"}
        request = await wanted(server, judge=judge)
        asked = await server.answer("create_evaluation", **request)
        assert asked["outcome"] == "confirm"
        reason = "Without a price, budget.max_usd_per_day ($5.00) cannot be enforced."
        assert reason in asked["next_step"]
        agreed = await server.answer("create_evaluation", **request, confirm=asked["confirm"])
        await ended(server, agreed)
        planned = await server.answer("create_evaluation", **request, dry_run=True, again=True)
    assert planned["plan"]["notes"][0].endswith(
        "is left. 1 evaluation is not counted, without a known price."
    )
