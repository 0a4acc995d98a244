"""The client for model endpoints: what is retried, what is not, and what each failure says."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import anyio
import pytest
from pydantic import SecretStr

from evals_engine.config import ModelEndpoint
from evals_engine.faults import ModelCallError
from evals_engine.models.client import MAX_BODY, Completion, ModelClient
from evals_engine.models.completions import MAX_RETRY_AFTER
from tests.engine.model_server import (
    ChatRequest,
    ModelServer,
    Reply,
    as_json,
    completion,
    failure,
)

Answers = Callable[[ChatRequest], Reply] | Iterable[Reply]
TOKEN = "sk-not-to-be-told"


class Scene:
    """A client and the endpoint it talks to; waits are noted, not waited."""

    def __init__(self, server: ModelServer, client: ModelClient, waits: list[float]) -> None:
        self.server = server
        self.client = client
        self.waits = waits
        self.endpoint = ModelEndpoint(server.base_url, SecretStr(TOKEN))

    async def chat(self, **extra: Any) -> Completion:
        messages = [{"role": "user", "content": "Hello"}]
        return await self.client.chat(
            self.endpoint, "m", messages, max_tokens=9, temperature=0.5, extra=extra
        )

    async def failure(self) -> ModelCallError:
        with pytest.raises(ModelCallError) as caught:
            await self.chat()
        assert TOKEN not in str(caught.value)
        return caught.value


@asynccontextmanager
async def scene(
    answers: Answers, retries: int = 5, call_timeout: float = 60
) -> AsyncGenerator[Scene]:
    waits: list[float] = []

    async def note(seconds: float) -> None:
        waits.append(seconds)

    with anyio.fail_after(60):
        async with (
            ModelServer(answers) as server,
            ModelClient(retries, call_timeout, sleep=note, jitter=lambda: 0.0) as client,
        ):
            yield Scene(server, client, waits)


async def test_a_completion_carries_the_text_and_the_tokens() -> None:
    async with scene([completion("Hi")]) as s:
        assert await s.chat(response_format={"type": "json_object"}) == Completion(
            "Hi", truncated=False, input_tokens=40, output_tokens=20
        )
        request = s.server.requests[0]
    assert request.headers["authorization"] == f"Bearer {TOKEN}"
    assert request.body == {
        "model": "m",
        "messages": [{"role": "user", "content": "Hello"}],
        "max_tokens": 9,
        "temperature": 0.5,
        "response_format": {"type": "json_object"},
    }


async def test_no_token_sends_no_authorization() -> None:
    async with scene([completion("Hi")]) as s:
        s.endpoint = ModelEndpoint(s.server.base_url + "/")
        await s.chat()
        assert "authorization" not in s.server.requests[0].headers


CALL = {"function": {"name": "verdict", "arguments": '{"label": "good"}'}}


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        (completion(None, tool_calls=[CALL]), '{"label": "good"}'),
        (completion(None, reasoning_content='{"label": "good"}'), '{"label": "good"}'),
        (completion(None, refusal="I will not."), "I will not."),
        (completion("", reasoning_content="hm"), ""),
        (as_json({"choices": [{"message": {"content": [{"text": "a"}, {"text": "b"}]}}]}), "ab"),
    ],
)
async def test_the_text_is_found_wherever_an_api_puts_it(reply: Reply, text: str) -> None:
    async with scene([reply]) as s:
        assert (await s.chat()).text == text


async def test_reasoning_that_was_cut_is_no_answer() -> None:
    reply = completion(None, reasoning_content="hm, so", finish_reason="length", usage=None)
    async with scene([reply]) as s:
        assert await s.chat() == Completion("", True, None, None)


async def test_text_that_utf8_cannot_carry_is_mended() -> None:
    async with scene([completion("a\ud800b")]) as s:
        assert (await s.chat()).text == "a?b"


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504, 529])
async def test_a_failure_that_time_heals_is_tried_again(status: int) -> None:
    async with scene([failure(status), failure(status), completion("Hi")]) as s:
        assert (await s.chat()).text == "Hi"
        assert len(s.waits) == 2


async def test_ten_seconds_of_429_are_outlived_with_the_default_retries() -> None:
    waits: list[float] = []

    def answer(_: ChatRequest) -> Reply:
        recovered = sum(waits) > 10
        return completion("Hi") if recovered else failure(429, Retry_After="1")

    async with scene(answer) as s:
        waits = s.waits
        assert (await s.chat()).text == "Hi"
        assert len(s.waits) == 5


async def test_the_wait_is_no_shorter_than_the_endpoint_asks_and_bounded() -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=40), usegmt=True)
    no_date = "Fri, 31 Dec 9999 23:59:59 -1200"
    asked = ["3", soon, "86400", "-1", "nan", "whenever", no_date]
    async with scene([failure(429, Retry_After=each) for each in asked], retries=7) as s:
        await s.failure()
        waits = s.waits
    assert waits[0] == 3
    assert 35 < waits[1] <= 40
    assert waits[2] == MAX_RETRY_AFTER
    assert waits[3:] == [3.0, 6.0, 12.0, 15.0]


async def test_what_never_heals_is_given_up_with_the_number_of_tries() -> None:
    async with scene(lambda _: failure(429, "secret vendor text"), retries=2) as s:
        error = await s.failure()
        host = s.server.base_url.split("/")[2]
    assert (str(error), error.status) == (f"429 after 3 tries ({host})", 429)


@pytest.mark.parametrize(
    ("status", "says", "reason"),
    [
        (400, "400: scripted", None),
        (401, "401: the token of this endpoint is missing or wrong", "endpoint_refused"),
        (402, "no credit left", "endpoint_refused"),
        (403, "may not use this model", "endpoint_refused"),
        (404, "no such model, or the base URL is wrong (does it end in /v1?) scripted",
         "model_missing"),
        (422, "422: scripted", None),
        (418, "418: scripted", None),
    ],
)  # fmt: skip
async def test_a_refusal_is_not_repeated_and_says_who_acts(
    status: int, says: str, reason: str | None
) -> None:
    async with scene(lambda _: failure(status)) as s:
        error = await s.failure()
        assert len(s.server.requests) == 1
    assert says in str(error)
    assert (error.status, error.reason) == (status, reason)


async def test_vendor_text_is_cleaned_and_cut_and_holds_no_token() -> None:
    async with scene(lambda _: failure(400, f"Key {TOKEN}\n\x1b[31m{'x' * 5000}")) as s:
        message = str(await s.failure())
    assert message.startswith("400: Key [token] [31mxxx")
    assert len(message) < 300


async def test_a_redirect_is_not_followed() -> None:
    async with scene([Reply(302, headers={"Location": "http://127.0.0.1:1/v1"})]) as s:
        assert "redirect" in str(await s.failure())


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (Reply(200, b"<!doctype html><p>Hello"), "HTML, not JSON (check that the base URL ends"),
        (Reply(200, b"hello"), "something else, not JSON"),
        (Reply(200, b"[" * 100_000), "not JSON"),
        (as_json([]), "not JSON"),
        (as_json({}), "without a completion"),
        (as_json({"choices": []}), "without a completion"),
        (as_json({"choices": None, "error": {"message": "overheated"}}), "completion overheated"),
        (as_json({"choices": [{"message": None}]}), "without a completion"),
        (completion(None), "no content"),
        (Reply(200, b" " * (MAX_BODY + 1)), "more than 16 MiB"),
    ],
)
async def test_an_answer_that_is_no_completion_says_what_it_was(reply: Reply, says: str) -> None:
    async with scene([reply]) as s:
        assert says in str(await s.failure())


async def test_a_lost_connection_is_tried_again() -> None:
    async with scene([Reply(dropped=True), completion("Hi")]) as s:
        assert (await s.chat()).text == "Hi"


async def test_an_endpoint_that_never_answers_is_given_up() -> None:
    async with scene(lambda _: completion("late", delay=3600), retries=1, call_timeout=0.1) as s:
        assert "no answer within 0.1 s after 2 tries" in str(await s.failure())
        assert len(s.server.requests) == 2


async def test_nobody_listening_is_told_as_a_refused_connection() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    async with scene([], retries=1) as s:
        s.endpoint = ModelEndpoint(f"http://127.0.0.1:{port}/v1")
        error = await s.failure()
    assert str(error) == f"connection refused after 2 tries (127.0.0.1:{port})"
    assert (error.status, error.reason) == (None, "endpoint_unreachable")


@pytest.mark.parametrize("base_url", ["nonsense", "http://[", "ftp://127.0.0.1/v1"])
async def test_a_base_url_that_is_none_is_a_failed_call(base_url: str) -> None:
    async with scene([], retries=0) as s:
        s.endpoint = ModelEndpoint(base_url)
        assert "malformed" in str(await s.failure())


async def test_https_to_an_endpoint_without_tls_says_so() -> None:
    async with scene([], retries=0) as s:
        s.endpoint = ModelEndpoint(s.server.base_url.replace("http:", "https:"))
        assert "the endpoint offers no TLS (is it http" in str(await s.failure())


async def test_parameters_that_a_model_does_not_know_are_left_out_from_then_on() -> None:
    def answer(request: ChatRequest) -> Reply:
        if "max_tokens" in request.body:
            return failure(
                400,
                "Unsupported parameter: 'max_tokens' is not supported with this model. "
                "Use 'max_completion_tokens' instead.",
            )
        if "temperature" in request.body:
            return failure(400, "Unsupported value: 'temperature' does not support 0.5")
        return completion("Hi")

    async with scene(answer) as s:
        assert (await s.chat()).text == "Hi"
        assert (await s.chat()).text == "Hi"
        assert len(s.server.requests) == 4
        assert s.server.bodies[-1]["max_completion_tokens"] == 9
        assert s.waits == []


async def test_an_endpoint_lists_its_models() -> None:
    async with scene([]) as s:
        assert [model.id for model in await s.client.list_models(s.endpoint)] == ["scripted"]


async def test_an_endpoint_that_lists_nothing_says_why_and_is_asked_once() -> None:
    async with scene([]) as s:
        elsewhere = ModelEndpoint(s.server.base_url.removesuffix("/v1"))
        with pytest.raises(ModelCallError, match="404: no such model, or the base URL is wrong"):
            await s.client.list_models(elsewhere)
        assert s.waits == []


async def test_a_hundred_calls_are_in_flight_at_once() -> None:
    async def call(s: Scene) -> None:
        assert (await s.chat()).text == "Hi"

    async with scene(lambda _: completion("Hi", delay=0.5)) as s:
        async with anyio.create_task_group() as calls:
            for _ in range(100):
                calls.start_soon(call, s)
        assert s.server.most_in_flight == 100


def test_importing_the_client_imports_no_http_library() -> None:
    code = "import sys, evals_engine.models.client; sys.exit('aiohttp' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
