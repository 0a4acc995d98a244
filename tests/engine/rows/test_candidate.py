"""Candidates: what they are asked, and how many calls they have in flight."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

from evals_engine.config import EngineConfig, ModelEndpoint
from evals_engine.faults import ModelCallError, RequestError
from evals_engine.models.access import ModelAccess
from evals_engine.models.client import ModelClient
from evals_engine.models.completions import Completion
from evals_engine.rows.candidate import Candidate, open_candidate
from evals_schemas.evaluation_api.evaluations import ModelRequest
from tests.engine.model_server import ChatRequest, ModelServer, Reply, completion
from tests.engine.pools import owner_pool

PIXEL = "data:image/png;base64,iVBORw0KGgo="


@asynccontextmanager
async def candidate(
    answer: Callable[[ChatRequest], Reply] = lambda _: completion("Paris"), **fields: Any
) -> AsyncGenerator[tuple[Candidate, ModelServer]]:
    request = ModelRequest.model_validate(
        {
            "model": "m",
            "model_source": "serverless",
            "system_template": "Be {{ manner }}.",
            "input_template": "{{ question }}",
        }
        | fields
    )
    with anyio.fail_after(60):
        async with (
            ModelServer(answer) as server,
            ModelClient(0, 5) as client,
            owner_pool() as pool,
        ):
            endpoint = ModelEndpoint(server.base_url)
            yield (
                await open_candidate(
                    request, endpoint, ModelAccess(EngineConfig(Path()), client), pool
                ),
                server,
            )


async def answered(model: Candidate, row: dict[str, Any]) -> Completion:
    return await model.answer(row, await model.prompt(row))


ROW = {"manner": "brief", "question": "Capital of France?"}


async def test_a_row_is_asked_with_both_prompts_and_the_defaults() -> None:
    async with candidate() as (model, server):
        assert (await answered(model, ROW)).text == "Paris"
        assert await model.prompt(ROW) == "Capital of France?"
        assert model.columns == {"manner", "question"}
    assert server.bodies == [
        {
            "model": "m",
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "Capital of France?"},
            ],
            "max_tokens": 1024,
            "temperature": 0.05,
        }
    ]


async def test_given_limits_are_used_and_an_empty_system_prompt_is_not_sent() -> None:
    async with candidate(system_template="", max_tokens=7, temperature=0) as (model, server):
        await answered(model, ROW)
    assert (server.bodies[0]["max_tokens"], server.bodies[0]["temperature"]) == (7, 0)
    assert [message["role"] for message in server.bodies[0]["messages"]] == ["user"]


@pytest.mark.parametrize("images", [PIXEL, [PIXEL], f'["{PIXEL}"]'])
async def test_pictures_of_the_row_go_with_the_prompt(images: object) -> None:
    async with candidate() as (model, server):
        await answered(model, ROW | {"image_data_urls": images})
    assert server.requests[0].user == [
        {"type": "text", "text": "Capital of France?"},
        {"type": "image_url", "image_url": {"url": PIXEL}},
    ]


@pytest.mark.parametrize("images", [None, "", []])
async def test_a_row_without_pictures_is_plain_text(images: object) -> None:
    async with candidate() as (model, server):
        await answered(model, ROW | {"image_data_urls": images})
    assert server.requests[0].user == "Capital of France?"


@pytest.mark.parametrize(
    "images",
    ["http://127.0.0.1/x.png", [PIXEL, "file:///etc/passwd"], "[", 5, ["data:text/html,x"]],
)
async def test_a_picture_that_would_have_to_be_fetched_is_refused(images: object) -> None:
    async with candidate() as (model, server):
        with pytest.raises(RequestError, match="data:image") as caught:
            await answered(model, ROW | {"image_data_urls": images})
    assert caught.value.param == "image_data_urls"
    assert server.requests == []


async def test_an_answer_that_is_all_reasoning_is_a_failure_that_names_the_limit() -> None:
    cut = completion(None, reasoning_content="hm", finish_reason="length")
    async with candidate(lambda _: cut) as (model, _):
        with pytest.raises(ModelCallError, match=r"its 1024 tokens.*raise max_tokens"):
            await answered(model, ROW)


async def test_calls_in_flight_never_exceed_the_workers() -> None:
    def slow(_: ChatRequest) -> Reply:
        return completion("x", delay=0.02)

    async with candidate(slow, num_workers=3) as (model, server):
        async with anyio.create_task_group() as rows:
            for _ in range(12):
                rows.start_soon(answered, model, ROW)
        assert server.most_in_flight == 3


async def test_a_template_error_names_the_field_it_came_in() -> None:
    request = ModelRequest(
        model="m", model_source="serverless", system_template="{{", input_template=""
    )
    async with owner_pool() as pool:
        with pytest.raises(RequestError, match=r"model_a\.system_template, line 1"):
            await open_candidate(
                request,
                ModelEndpoint(""),
                ModelAccess(EngineConfig(Path()), ModelClient(0, 1)),
                pool,
                field="model_a",
            )
