from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS, MODERN_PROTOCOL_VERSIONS

from evals_mcp.stdio.early_answers import (
    HANDSHAKE_VERSIONS,
    MODERN_VERSION,
    EarlyAnswer,
    EarlyAnswers,
)
from evals_mcp.views.app import EXTENSION, MIME_TYPE
from tests.server.stdio.exchanges import (
    INITIALIZED,
    VERSION,
    Message,
    initialize,
    line,
    modern,
    request,
    sdk_answers,
)


def early(*, read_only: bool = False) -> EarlyAnswers:
    return EarlyAnswers(VERSION, read_only=read_only)


def answered(answers: EarlyAnswers, message: object) -> Message:
    answer = answers.answer(line(message))
    assert isinstance(answer, EarlyAnswer), message
    return json.loads(answer.line)


@pytest.mark.parametrize("read_only", [False, True])
@pytest.mark.parametrize("version", HANDSHAKE_VERSIONS)
async def test_a_handshake_is_answered_as_the_sdk_answers_it(version: str, read_only: bool) -> None:
    lists = [request("b", "tools/list"), request("c", "prompts/list")]
    messages = [initialize(version), *lists, request(3, "ping")]
    said = [messages[0], INITIALIZED, *messages[1:]]

    answers = early(read_only=read_only)

    assert [answered(answers, message) for message in messages] == await sdk_answers(
        *said, read_only=read_only
    )


@pytest.mark.parametrize("read_only", [False, True])
async def test_the_modern_era_is_answered_as_the_sdk_answers_it(read_only: bool) -> None:
    lists = [modern("b", "tools/list"), modern("c", "prompts/list")]
    messages = [modern(1, "server/discover"), *lists]

    answers = early(read_only=read_only)

    assert [answered(answers, message) for message in messages] == await sdk_answers(
        *messages, read_only=read_only
    )


RENDERS_PAGES = {"extensions": {EXTENSION: {"mimeTypes": [MIME_TYPE]}}}


@pytest.mark.parametrize("read_only", [False, True])
async def test_a_client_that_renders_pages_is_answered_as_the_sdk_answers_it(
    read_only: bool,
) -> None:
    opening = initialize(capabilities=RENDERS_PAGES)
    listing = modern(2, "tools/list", clientCapabilities=RENDERS_PAGES)
    plain = modern(3, "tools/list")
    for said in (
        [opening, request(2, "tools/list")],
        [modern(1, "server/discover"), listing, plain],
    ):
        answers = early(read_only=read_only)

        assert [answered(answers, message) for message in said] == await sdk_answers(
            said[0], *([INITIALIZED] if said[0] is opening else []), *said[1:], read_only=read_only
        )


def test_every_version_that_the_sdk_speaks_is_known() -> None:
    assert HANDSHAKE_PROTOCOL_VERSIONS == HANDSHAKE_VERSIONS
    assert MODERN_VERSION in MODERN_PROTOCOL_VERSIONS


@pytest.mark.parametrize("opening", [initialize(), modern(1, "server/discover")])
def test_only_the_opening_request_is_for_the_server_too(opening: Message) -> None:
    answers = early()
    first = answers.answer(line(opening))
    envelope: Message = opening["params"] if opening["method"] == "server/discover" else {}
    second = answers.answer(line(request(2, "tools/list", **envelope)))

    assert first is not None
    assert second is not None
    assert first.opens == 1
    assert second.opens is None


LEFT_AT_FIRST: dict[str, Any] = {
    "a list before the handshake": request(1, "tools/list"),
    "a ping before the handshake": request(1, "ping"),
    "a version that is not known": initialize("2099-01-01"),
    "a version of the modern era": initialize("2026-07-28"),
    "a version that is not a text": initialize(protocolVersion=["2025-11-25"]),
    "no capabilities": initialize(capabilities=None),
    "capabilities that are no objects": initialize(capabilities={"roots": True}),
    "extensions that are no objects": initialize(capabilities={"extensions": {"a": True}}),
    "a client without a version": initialize(clientInfo={"name": "test"}),
    "no id": {key: value for key, value in initialize().items() if key != "id"},
    "an id that is a truth value": {**initialize(), "id": True},
    "no JSON-RPC": {**initialize(), "jsonrpc": "1.0"},
    "parameters by place": {**initialize(), "params": ["2025-11-25"]},
    "a batch": [initialize()],
    "a discovery without an envelope": request(1, "server/discover"),
    "an envelope of another version": modern(1, "server/discover", protocolVersion="2099-01-01"),
    "an envelope without a client": modern(1, "server/discover", clientInfo=None),
    "a text": "initialize",
}


@pytest.mark.parametrize("message", LEFT_AT_FIRST.values(), ids=LEFT_AT_FIRST.keys())
def test_what_opens_nothing_here_is_left_to_the_server(message: object) -> None:
    assert early().answer(line(message)) is None


LEFT_LATER: dict[str, Message] = {
    "a call": request(2, "tools/call", name="list_datasets", arguments={}),
    "a page of the list": request(2, "tools/list", cursor="x"),
    "another list": request(2, "roots/list"),
    "a second handshake": initialize(number=2),
    "a request of the other era": modern(2, "tools/list"),
    "an answer": {"jsonrpc": "2.0", "id": 2, "result": {}},
    "a notification": INITIALIZED,
}


@pytest.mark.parametrize("message", LEFT_LATER.values(), ids=LEFT_LATER.keys())
def test_within_a_handshake_everything_else_is_left_to_the_server(message: Message) -> None:
    answers = early()
    answered(answers, initialize())

    assert answers.answer(line(message)) is None


@pytest.mark.parametrize(
    "message", [request(2, "tools/list"), request(2, "ping"), initialize(number=2)]
)
def test_within_the_modern_era_requests_of_the_other_are_left_to_the_server(
    message: Message,
) -> None:
    answers = early()
    answered(answers, modern(1, "server/discover"))

    assert answers.answer(line(message)) is None


def test_a_list_that_brings_a_progress_token_is_answered() -> None:
    answers = early()
    answered(answers, initialize())

    listed = answered(answers, request(2, "tools/list", _meta={"progressToken": 1}))

    assert listed["result"]["tools"]


def test_a_line_that_is_nested_without_end_is_left_to_the_server() -> None:
    assert early().answer(b"[" * 100_000) is None


def test_an_id_that_is_no_whole_text_comes_back_as_it_was() -> None:
    answer = early().answer(line(initialize(number="\ud800")))

    assert answer is not None
    assert json.loads(answer.line)["id"] == "\ud800"


@given(st.binary())
def test_a_line_of_any_bytes_is_left_to_the_server(noise: bytes) -> None:
    assert early().answer(noise) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(method=st.sampled_from(["initialize", "server/discover", "tools/list", "ping"]), value=JSON)
def test_odd_parameters_are_left_to_the_server(method: str, value: Any) -> None:
    message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": value}

    assert early().answer(line(message)) is None
