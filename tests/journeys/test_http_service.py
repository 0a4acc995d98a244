"""The server over HTTP, started and stopped by an operator."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from mcp import Client

from tests.engine.model_server import ModelServer, Reply, verdict
from tests.journeys.conversation import Conversation
from tests.journeys.served_http import ServedOverHttp, served_over_http
from tests.server.serving import MODES, Mode

ROWS = [{"question": f"q{number}", "answer": "a"} for number in range(40)]


@asynccontextmanager
async def talking(served: ServedOverHttp, mode: Mode) -> AsyncGenerator[Conversation]:
    async with Client(served.url, mode=mode) as client:
        yield Conversation(client)


async def started(talk: Conversation) -> str:
    file_id = (await talk.answer("upload_dataset", rows=ROWS))["file_id"]
    created = await talk.answer(
        "create_evaluation",
        type="classify",
        input_data_file_path=file_id,
        judge={
            "model": "judge-1",
            "system_template": "{{question}} {{answer}}",
            "num_workers": 2,
        },
        labels=["good", "bad"],
        pass_labels=["good"],
    )
    return created["evaluation_id"]


def slow(_: Any) -> Reply:
    return verdict(delay=0.1, feedback="", label="good")


@pytest.mark.parametrize("mode", MODES)
async def test_a_stop_ends_a_waiting_call_and_the_next_start_finishes_the_evaluation(
    tmp_path: Path, mode: Mode
) -> None:
    answers: list[dict[str, Any]] = []
    waiting = anyio.Event()

    async def told(progress: float, total: float | None, message: str | None) -> None:
        waiting.set()

    async def wait(talk: Conversation, evaluation: str) -> None:
        arguments = {"evaluation_id": evaluation, "wait_seconds": 45}
        answer = await talk.client.call_tool("get_status", arguments, progress_callback=told)
        answers.append(answer.structured_content)

    async with ModelServer(slow, ["judge-1"]) as models:
        settings = {"LOCAL__MODELS__BASE_URL": models.base_url, "SERVER__PROVIDER": "local"}
        with anyio.fail_after(300):
            async with (
                served_over_http(tmp_path, **settings) as served,
                talking(served, mode) as talk,
            ):
                evaluation = await started(talk)
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(wait, talk, evaluation)
                    await waiting.wait()
                    served.process.terminate()
                assert await anyio.to_thread.run_sync(served.process.wait, 60) == 0
            async with (
                served_over_http(tmp_path, **settings) as served,
                talking(served, mode) as talk,
            ):
                status = await talk.answer("get_status", evaluation_id=evaluation, wait_seconds=40)
    assert answers[0]["status"] == "running"
    assert status["status"] == "completed"
    assert status["progress"]["done"] == status["progress"]["total"] == 40


async def test_what_was_planned_at_one_server_is_confirmed_at_another(tmp_path: Path) -> None:
    async with ModelServer(slow, ["judge-1"]) as models:
        settings = {
            "LOCAL__MODELS__BASE_URL": models.base_url,
            "SERVER__PROVIDER": "local",
            "BUDGET__CONFIRM_ABOVE_CALLS": "0",
        }
        request: dict[str, Any] = {
            "type": "classify",
            "judge": {"model": "judge-1", "system_template": "{{question}} {{answer}}"},
            "labels": ["good", "bad"],
            "pass_labels": ["good"],
        }
        with anyio.fail_after(300):
            async with (
                served_over_http(tmp_path, **settings) as one,
                served_over_http(tmp_path, **settings) as other,
                talking(one, "2026-07-28") as first,
                talking(other, "legacy") as second,
            ):
                uploaded = await first.answer("upload_dataset", rows=ROWS)
                request["input_data_file_path"] = uploaded["file_id"]
                asked = await first.answer("create_evaluation", **request)
                agreed = {**request, "confirm": asked["confirm"]}
                begun = await second.answer("create_evaluation", **agreed)
                again = await first.answer("create_evaluation", **agreed)

    assert (asked["outcome"], begun["outcome"], again["outcome"]) == (
        "confirm",
        "started",
        "exists",
    )
    assert again["evaluation_id"] == begun["evaluation_id"]


async def test_the_log_has_a_line_a_request_and_a_line_a_call_and_nothing_of_what_was_said(
    tmp_path: Path,
) -> None:
    async with served_over_http(tmp_path, SERVER__PROVIDER="local") as served:
        async with talking(served, "2026-07-28") as talk:
            await talk.answer("upload_dataset", rows=[{"question": "a-secret-question"}])
            await talk.refusal("get_status", evaluation_id="eval-no-such")
        async with httpx2.AsyncClient() as client:
            assert (await client.get(f"{served.root}/healthz")).json() == {"alive": True}
        lines = [json.loads(line) for line in served.logged().splitlines()]

    calls = [(one["tool"], one["outcome"]) for one in lines if one.get("event") == "tool"]
    assert calls == [("upload_dataset", "ok"), ("get_status", "NotFoundError")]
    requests = [one for one in lines if one.get("event") == "request"]
    assert {one["request_id"] for one in lines if one.get("event") == "tool"} <= {
        one["request_id"] for one in requests
    }
    assert "a-secret-question" not in json.dumps(lines)
    assert "eval-no-such" not in json.dumps(lines)
