from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from evals_mcp.errors import (
    BadAnswerError,
    DatasetFaultError,
    EvalsMCPError,
    InvalidRequestError,
    NotFoundError,
    OperatorError,
    TokenRefusedError,
    UnavailableError,
    UnsupportedError,
)
from evals_mcp.providers.rest.client import LostAnswerError, RestClient
from evals_mcp.providers.rest.ids import path_of
from evals_mcp.providers.rest.retrying import (
    BUDGET_SECONDS,
    Patience,
    pause_after,
    retry_after_seconds,
)
from evals_schemas.contract import Operation
from evals_schemas.evaluation_api import operations
from tests.server.scripted_service import (
    NOON,
    SERVICE,
    TOKEN,
    Step,
    answer,
    assert_nothing_leads_to,
    json_of,
    scripted,
)

JOB_ID = "eval-de4c-1751308922"
STATUS: dict[str, Any] = {"status": "running", "results": None}


async def error_of(
    *steps: Step, operation: Operation = operations.GET_STATUS, json: object = None
) -> EvalsMCPError:
    """What a call raises, with the token nowhere behind it."""
    async with scripted(*steps) as (rest, _):
        item_id = JOB_ID if "{id}" in operation.path else None
        with pytest.raises(EvalsMCPError) as caught:
            await rest.call(operation, item_id=item_id, json=json)
    assert_nothing_leads_to(TOKEN, caught.value)
    return caught.value


# Requests


async def test_a_call_carries_token_path_and_parameters() -> None:
    async with scripted(answer([])) as (rest, script):
        assert await rest.call(operations.LIST_EVALUATIONS, params={"limit": 5}) == []

    (request,) = script.requests
    assert str(request.url) == "https://api.together.ai/v1/evaluation?limit=5"
    assert request.headers["authorization"] == f"Bearer {TOKEN}"
    assert request.headers["user-agent"] == f"evals-mcp/{version('evals-mcp')}"


async def test_only_an_answer_with_success_shows_that_the_token_is_accepted() -> None:
    accepted: list[bool] = []
    service = replace(SERVICE, token_accepted=lambda: accepted.append(True))
    async with scripted(answer({}, 401), answer({}, 404), answer([]), service=service) as (rest, _):
        for _ in range(2):
            with pytest.raises(EvalsMCPError):
                await rest.call(operations.LIST_EVALUATIONS)
        assert not accepted
        await rest.call(operations.LIST_EVALUATIONS)

    assert accepted


async def test_without_a_token_no_authorization_is_sent() -> None:
    async with scripted(answer([]), service=replace(SERVICE, token=None)) as (rest, script):
        await rest.call(operations.LIST_EVALUATIONS)

    assert "authorization" not in script.requests[0].headers


async def test_an_id_is_percent_encoded() -> None:
    async with scripted(answer(STATUS)) as (rest, script):
        await rest.call(operations.GET_STATUS, item_id="a:b.c_d-e")

    assert script.requests[0].url.raw_path == b"/v1/evaluation/a%3Ab.c_d-e/status"


@pytest.mark.parametrize(
    "item_id",
    ["", ".", "..", "../x", "a/b", "a?b", "a b", "a\nb", "ä", "%2e%2e", "x" * 201, "-rf"],
)
async def test_what_cannot_be_an_id_is_refused_before_anything_is_sent(item_id: str) -> None:
    async with scripted(answer(STATUS)) as (rest, script):
        with pytest.raises(NotFoundError, match=r"looks like eval-.* Call list_evaluations"):
            await rest.call(operations.GET_EVALUATION, item_id=item_id)
        with pytest.raises(NotFoundError, match=r"looks like file-.* Call list_datasets"):
            await rest.call(operations.GET_FILE, item_id=item_id)

    assert script.requests == []


@given(st.text(max_size=250))
def test_no_id_leads_out_of_its_place_in_the_path(item_id: str) -> None:
    try:
        path = path_of(operations.GET_STATUS, item_id)
    except NotFoundError:
        return
    base, status = path.removeprefix("/evaluation/").rsplit("/", 1)
    assert status == "status"
    assert "/" not in base
    assert set(base) != {"."}


async def test_a_redirect_takes_the_token_nowhere() -> None:
    async with scripted(answer(b"", 302, location="https://evil.example/")) as (rest, script):
        with pytest.raises(BadAnswerError, match=r"302.*not followed.*together\.base_url"):
            await rest.call(operations.LIST_EVALUATIONS)

    assert [request.url.host for request in script.requests] == ["api.together.ai"]


# Answers


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"<html><body>Sign in</body></html>", id="page without its type"),
        pytest.param(b'[{"workflow_id": "eval-1", "sta', id="truncated"),
        pytest.param(b"", id="empty"),
        pytest.param(b"\xff\xfe\x00", id="not text"),
        pytest.param(b"[" * 100_000, id="nested too deeply"),
        pytest.param(b'{"data": []}', id="an object for a list"),
        pytest.param(b'[{"status": "running"}]', id="a field missing"),
        pytest.param(b'[{"workflow_id": "eval-1", "status": 7}]', id="status of another kind"),
        pytest.param(b'[{"workflow_id": "eval-1", "status": "error", "results": 5}]', id="type"),
        pytest.param(b"[null]", id="nothing in a list"),
    ],
)
async def test_an_answer_that_is_not_the_contract_names_the_setting(body: bytes) -> None:
    error = await error_of(answer(body), operation=operations.LIST_EVALUATIONS)

    assert isinstance(error, BadAnswerError)
    assert "together (api.together.ai)" in str(error)
    assert "together.base_url" in str(error)
    assert len(str(error)) < 500


async def test_a_web_page_is_called_one() -> None:
    page = httpx2.Response(200, html="<p>Sign in</p>")
    assert "web page" in str(await error_of(page))


async def test_a_wrong_shape_names_the_field_and_not_the_value() -> None:
    body = [{"workflow_id": "eval-1", "status": {"at": "ran-some-where"}}]
    message = str(await error_of(answer(body), operation=operations.LIST_EVALUATIONS))

    assert "(0.status is not a text)" in message
    assert "ran-some-where" not in message


async def test_a_status_of_a_later_version_is_read_as_it_stands() -> None:
    async with scripted(answer([{"workflow_id": "eval-1", "status": "verifying"}])) as (rest, _):
        (job,) = await rest.call(operations.LIST_EVALUATIONS)
    assert job.status == "verifying"


async def test_nulls_unknown_fields_and_constants_are_read_as_absences() -> None:
    body = (
        b'[{"workflow_id": "eval-1", "status": "completed", "parameters": null, "new": {"a": 1},'
        b' "results": {"aggregated_scores": {"mean_score": 1.5, "std_score": NaN}}}]'
    )
    async with scripted(answer(body)) as (rest, _):
        (job,) = await rest.call(operations.LIST_EVALUATIONS)

    assert job.parameters == {}
    assert job.results == {"aggregated_scores": {"mean_score": 1.5}}


async def test_a_body_over_the_limit_is_not_read_to_its_end() -> None:
    given_out = 0

    async def endless() -> AsyncGenerator[bytes]:
        nonlocal given_out
        while True:
            given_out += 100
            yield b" " * 100

    transport = httpx2.MockTransport(lambda _: httpx2.Response(200, content=endless()))
    async with httpx2.AsyncClient(transport=transport) as client:
        rest = RestClient(client, SERVICE, patience=Patience(body_bytes=1000))
        with anyio.fail_after(60), pytest.raises(UnavailableError, match="cannot be read"):
            await rest.call(operations.LIST_MODELS)

    assert given_out < 2000


# Refusals


@pytest.mark.parametrize(
    ("status", "kind", "parts"),
    [
        pytest.param(401, TokenRefusedError, ["TOGETHER_API_KEY", "(401)"], id="401"),
        pytest.param(403, TokenRefusedError, ["TOGETHER_API_KEY", "(403)"], id="403"),
        pytest.param(402, OperatorError, ["credit", "(402)"], id="402"),
        pytest.param(404, NotFoundError, [JOB_ID, "list_evaluations"], id="404"),
        pytest.param(405, UnsupportedError, ["GET /evaluation/{id}/status"], id="405"),
        pytest.param(
            400,
            InvalidRequestError,
            ["refused to read the evaluation's status (400): no reason given."],
            id="400",
        ),
        pytest.param(409, InvalidRequestError, ["(409)"], id="409"),
        pytest.param(413, InvalidRequestError, ["(413)"], id="413"),
        pytest.param(422, InvalidRequestError, ["(422)"], id="422"),
        pytest.param(418, InvalidRequestError, ["(418)"], id="418"),
        pytest.param(500, UnavailableError, ["500", "tried once"], id="500"),
        pytest.param(507, OperatorError, ["local.data_dir", "get_status again"], id="507"),
        pytest.param(304, BadAnswerError, ["304"], id="304"),
    ],
)
async def test_a_status_says_who_must_act(
    status: int, kind: type[EvalsMCPError], parts: list[str]
) -> None:
    error = await error_of(answer({}, status))

    assert type(error) is kind
    for part in parts:
        assert part in str(error)


async def test_a_service_that_requires_a_token_differs_from_one_that_refuses_it() -> None:
    async with scripted(answer({}, 401), service=replace(SERVICE, token=None)) as (rest, _):
        with pytest.raises(TokenRefusedError, match="none is configured"):
            await rest.call(operations.LIST_MODELS)


async def test_a_collection_that_is_not_there_is_no_missing_id() -> None:
    error = await error_of(answer({}, 404), operation=operations.LIST_EVALUATIONS)
    assert isinstance(error, UnsupportedError)
    assert "together.base_url" in str(error)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(
            {"error": {"message": "bad \x1b[31mvalue\u202e", "param": "labels", "code": 7}},
            "refused to read the evaluation's status (400): `labels`: 'bad value'.",
            id="contract",
        ),
        pytest.param({"error": {"message": "m", "param": None}}, "(400): 'm'", id="null param"),
        pytest.param({"error": "m"}, "(400): 'm'", id="text"),
        pytest.param({"error": "parameters.labels: no"}, "(400): 'labels: no'.", id="API's path"),
        pytest.param({"detail": "m"}, "(400): 'm'", id="detail"),
        pytest.param({"detail": [{"loc": 1}]}, "(400): no reason given", id="list"),
        pytest.param(
            {
                "detail": [
                    {"loc": ["body", "parameters", "judge", "model"], "msg": "Field required"},
                    {"loc": ["body", "type"], "msg": "unknown"},
                ]
            },
            "(400): `judge.model`: 'Field required'.",
            id="list of details",
        ),
        pytest.param(
            {
                "error": {
                    "message": "judge.system_template, line 1: No such filter.",
                    "param": "parameters.judge.system_template",
                }
            },
            "(400): `judge.system_template`: 'line 1: No such filter'.",
            id="field named twice",
        ),
        pytest.param([], "(400): no reason given", id="array"),
        pytest.param(b"plain words", "(400): 'plain words'", id="no JSON"),
        pytest.param(b"<html>x</html>", "(400): no reason given", id="page"),
        pytest.param(
            {"error": {"message": f"key {TOKEN} at https://u:p@a.example/f?sig=abc#x is bad"}},
            "(400): 'key [removed] at https: //a.example/f is bad'",
            id="secrets",
        ),
        pytest.param(
            {"error": {"message": f"{TOKEN[:6]}\u200b{TOKEN[6:]}"}}, "[removed]", id="hidden secret"
        ),
    ],
)
async def test_a_vendors_reason_is_cleaned(body: object, expected: str) -> None:
    assert expected in str(await error_of(answer(body, 400)))


async def test_a_vendors_reason_is_cut_to_300_characters() -> None:
    message = str(await error_of(answer({"error": {"message": "x" * 10_000}}, 400)))
    assert "x" * 299 + "…" in message
    assert len(message) < 400


async def test_a_vendors_reason_repeats_no_key_of_an_external_model() -> None:
    body = {"parameters": {"judge": {"external_api_token": "k3y-0f-judge"}}}
    error = await error_of(
        answer({"error": {"message": "k3y-0f-judge is wrong"}}, 400),
        operation=operations.CREATE_EVALUATION,
        json=body,
    )
    assert "[removed] is wrong" in str(error)


@pytest.mark.parametrize(
    ("param", "body", "field"),
    [
        ("parameters.model_to_evaluate", {"model_to_evaluate": "answer"}, "response_column"),
        ("parameters.model_a", {"model_a": "answer"}, "response_column_a"),
        ("model_b.model", {"model_b": {"model": "m"}}, "model_b.model"),
        ("parameters.judge.external_base_url", {}, "judge.external_credential"),
        ("parameters.labels", {}, "labels"),
    ],
)
async def test_a_refusal_names_the_field_as_the_tool_does(
    param: str, body: dict[str, object], field: str
) -> None:
    error = await error_of(
        answer({"error": {"message": f"{param}: no.", "param": param}}, 400),
        operation=operations.CREATE_EVALUATION,
        json={"parameters": body},
    )
    assert str(error).endswith(f"refused to start the evaluation (400): `{field}`: 'no'.")


@pytest.mark.parametrize("operation", operations.OPERATIONS)
@pytest.mark.parametrize("status", [400, 429, 500, 302])
async def test_no_message_has_the_name_of_an_operation(operation: Operation, status: int) -> None:
    message = str(await error_of(answer({}, status), operation=operation))
    assert operation.name not in message


async def test_an_unknown_id_is_unknown_for_a_token_only_where_there_is_one() -> None:
    local = replace(SERVICE, name="local", token=None)
    for service, expected in ((SERVICE, "exists for this token."), (local, "exists.")):
        async with scripted(answer({}, 404), service=service) as (rest, _):
            with pytest.raises(NotFoundError) as caught:
                await rest.call(operations.GET_EVALUATION, item_id=JOB_ID)
        assert expected in str(caught.value)


async def test_another_object_is_no_list_of_data_sets() -> None:
    error = await error_of(answer({"hello": [1, 2]}), operation=operations.LIST_FILES)
    assert isinstance(error, BadAnswerError)
    assert "was asked to list the data sets" in str(error)
    assert "(data is missing)" in str(error)


# Reads are tried again


@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param(answer({}, 429), id="429"),
        pytest.param(answer({}, 502), id="502"),
        pytest.param(answer({}, 503), id="503"),
        pytest.param(answer({}, 504), id="504"),
        pytest.param(httpx2.ConnectError("refused"), id="no connection"),
        pytest.param(httpx2.ConnectTimeout(""), id="connect timeout"),
        pytest.param(httpx2.ReadTimeout(""), id="read timeout"),
        pytest.param(httpx2.RemoteProtocolError("peer closed"), id="lost connection"),
        pytest.param(httpx2.ReadError(""), id="broken connection"),
    ],
)
async def test_a_read_is_tried_again(trouble: Step) -> None:
    async with scripted(trouble, trouble, answer(STATUS)) as (rest, script):
        status = await rest.call(operations.GET_STATUS, item_id=JOB_ID)

    assert status.status == "running"
    assert script.pauses == [0.5, 1.0]


async def test_a_read_is_given_up_after_four_tries() -> None:
    async with scripted(answer({}, 503)) as (rest, script):
        with pytest.raises(UnavailableError) as caught:
            await rest.call(operations.GET_STATUS, item_id=JOB_ID)

    assert len(script.requests) == 4
    assert str(caught.value) == (
        "together (api.together.ai) was asked to read the evaluation's status and answered 503 "
        "(overloaded); it was tried 4 times in 4 s. Try again in about a minute."
    )


@pytest.mark.parametrize("header", ["3", "3.0", "Fri, 20 Nov 2026 12:00:03 GMT"])
async def test_a_retry_after_is_honoured(header: str) -> None:
    limited = answer({}, 429, **{"retry-after": header})
    async with scripted(limited, answer(STATUS)) as (rest, script):
        await rest.call(operations.GET_STATUS, item_id=JOB_ID)

    assert script.pauses == [3.0]


async def test_a_retry_after_beyond_the_budget_is_passed_on() -> None:
    async with scripted(answer({}, 429, **{"retry-after": "120"})) as (rest, script):
        with pytest.raises(UnavailableError, match=r"too many requests.*Try again in 120 s\."):
            await rest.call(operations.GET_STATUS, item_id=JOB_ID)

    assert (len(script.requests), script.pauses) == (1, [])


async def test_the_tries_stay_within_the_budget() -> None:
    async with scripted(answer({}, 503, **{"retry-after": "8"})) as (rest, script):
        with pytest.raises(UnavailableError, match="3 times in 16 s"):
            await rest.call(operations.GET_STATUS, item_id=JOB_ID)

    assert sum(script.pauses) < BUDGET_SECONDS


async def test_a_read_that_hangs_ends_with_the_budget() -> None:
    async def hang(request: httpx2.Request) -> httpx2.Response:
        await anyio.sleep_forever()
        raise AssertionError

    async with httpx2.AsyncClient(transport=httpx2.MockTransport(hang)) as client:
        rest = RestClient(client, SERVICE, patience=Patience(budget=0.05))
        with anyio.fail_after(60), pytest.raises(UnavailableError, match="did not answer in time"):
            await rest.call(operations.LIST_MODELS)


@given(st.integers(1, 4), st.floats(0, 1))
def test_back_off_doubles_and_is_drawn_from_its_upper_half(tries: int, chance: float) -> None:
    longest = 0.5 * 2 ** (tries - 1)
    assert longest / 2 <= pause_after(tries, None, chance) <= longest


@given(st.text() | st.integers().map(str) | st.floats().map(str))
def test_any_retry_after_is_a_pause_or_nothing(header: str) -> None:
    seconds = retry_after_seconds(header, NOON)
    assert seconds is None or 0 <= seconds < float("inf")


# Changes are sent once


@pytest.mark.parametrize(
    ("trouble", "kind"),
    [
        pytest.param(httpx2.ConnectError("refused"), UnavailableError, id="refused"),
        pytest.param(httpx2.ConnectTimeout(""), UnavailableError, id="no route"),
        pytest.param(httpx2.PoolTimeout(""), UnavailableError, id="no connection free"),
        pytest.param(httpx2.ProxyError("407"), UnavailableError, id="proxy"),
        pytest.param(answer({}, 429), UnavailableError, id="429"),
        pytest.param(httpx2.ReadTimeout(""), LostAnswerError, id="timeout"),
        pytest.param(httpx2.WriteError(""), LostAnswerError, id="lost while sending"),
        pytest.param(httpx2.RemoteProtocolError(""), LostAnswerError, id="lost afterwards"),
        pytest.param(answer({}, 500), LostAnswerError, id="500"),
        pytest.param(answer({}, 503), LostAnswerError, id="503"),
        pytest.param(answer(b'{"workflow_id": "ev'), LostAnswerError, id="truncated"),
        pytest.param(httpx2.Response(200, html="<p>"), LostAnswerError, id="page"),
        pytest.param(answer({"id": 1}), LostAnswerError, id="wrong shape"),
        pytest.param(answer({}, 400), InvalidRequestError, id="400"),
        pytest.param(answer({}, 404), UnsupportedError, id="404"),
        pytest.param(answer({}, 507), OperatorError, id="507"),
    ],
)
async def test_a_change_is_sent_once_and_says_whether_it_may_have_arrived(
    trouble: Step, kind: type[EvalsMCPError]
) -> None:
    async with scripted(trouble) as (rest, script):
        with pytest.raises(EvalsMCPError) as caught:
            await rest.call(operations.CREATE_EVALUATION, json={"type": "classify"})

    assert type(caught.value) is kind
    assert len(script.requests) == 1
    assert json_of(script.requests[0]) == {"type": "classify"}
    if kind is UnavailableError:
        assert "nothing was started" in str(caught.value)


# Transport errors name the host, and nothing else of an address


async def test_a_connection_error_names_the_host_only() -> None:
    text = f"refused by https://u:{TOKEN}@api.together.ai/v1?key={TOKEN}, header Bearer {TOKEN}"
    message = str(await error_of(httpx2.ConnectError(text)))

    assert "together (api.together.ai) could not be reached" in message
    assert "key=" not in message


async def test_an_illegal_header_is_not_repeated() -> None:
    error = httpx2.LocalProtocolError(f"Illegal header value b'Bearer {TOKEN}'")
    assert "Illegal header value" in str(await error_of(error))


async def test_a_refused_port_is_unavailable_for_real() -> None:
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    port: int = listener.extra(anyio.abc.SocketAttribute.local_port)
    await listener.aclose()
    service = replace(SERVICE, base_url=f"http://127.0.0.1:{port}")
    async with httpx2.AsyncClient() as client:
        with anyio.fail_after(60), pytest.raises(UnavailableError, match=r"\(127\.0\.0\.1\)"):
            await RestClient(client, service).call(operations.CREATE_EVALUATION, json={})


# Files


async def test_an_upload_is_a_form_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'{"a": 1}\n' * 20_000)
    async with scripted(answer({"id": "file-1"})) as (rest, script):
        stored = await rest.upload(path, "rows.jsonl", {"purpose": "eval"})

    assert stored.id == "file-1"
    (request,) = script.requests
    assert request.url.path == "/v1/files/upload"
    assert int(request.headers["content-length"]) == len(request.content)
    assert b'name="purpose"\r\n\r\neval\r\n' in request.content
    assert b'name="file"; filename="rows.jsonl"' in request.content
    assert path.read_bytes() in request.content


async def test_a_file_that_is_gone_is_the_callers_to_mend(tmp_path: Path) -> None:
    async with scripted(answer({})) as (rest, script):
        with pytest.raises(DatasetFaultError, match="cannot be read"):
            await rest.upload(tmp_path / "gone.jsonl", "gone.jsonl", {})

    assert script.requests == []


class Blocks(httpx2.AsyncByteStream):
    """A body that ends with an error, or goes on, and knows whether it was closed."""

    def __init__(self, *blocks: bytes | Exception) -> None:
        self.blocks = blocks
        self.closed = False

    async def __aiter__(self) -> AsyncGenerator[bytes]:
        for block in self.blocks:
            if isinstance(block, Exception):
                raise block
            yield block

    async def aclose(self) -> None:
        self.closed = True


async def read_file(rest: RestClient) -> bytes:
    async with rest.stream(operations.GET_FILE_CONTENT, "file-1") as blocks:
        return b"".join([block async for block in blocks])


async def test_a_file_arrives_block_by_block_after_a_retry() -> None:
    body = Blocks(b"one", b"two")
    async with scripted(answer({}, 503), httpx2.Response(200, stream=body)) as (rest, script):
        assert await read_file(rest) == b"onetwo"

    assert body.closed
    assert len(script.requests) == 2
    assert script.requests[0].url.path == "/v1/files/file-1/content"


async def test_a_transfer_that_breaks_off_is_reported() -> None:
    body = Blocks(b"one", httpx2.RemoteProtocolError("peer closed"))
    async with scripted(httpx2.Response(200, stream=body)) as (rest, _):
        with pytest.raises(UnavailableError, match=r"broke off.*Read it again"):
            await read_file(rest)

    assert body.closed


async def test_leaving_early_ends_the_transfer() -> None:
    body = Blocks(b"one", b"two")
    async with (
        scripted(httpx2.Response(200, stream=body)) as (rest, _),
        rest.stream(operations.GET_FILE_CONTENT, "file-1") as blocks,
    ):
        async for _block in blocks:
            break

    assert body.closed


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        pytest.param(answer({}, 404), NotFoundError, id="unknown file"),
        pytest.param(httpx2.Response(200, html="<p>Sign in</p>"), BadAnswerError, id="page"),
        pytest.param(answer(b"", 302, location="https://x.example"), BadAnswerError, id="moved"),
    ],
)
async def test_a_file_that_cannot_be_opened_is_an_error(
    reply: httpx2.Response, kind: type[EvalsMCPError]
) -> None:
    async with scripted(reply) as (rest, _):
        with pytest.raises(kind):
            await read_file(rest)


def test_neither_client_nor_service_shows_the_token() -> None:
    service = replace(SERVICE, token=SecretStr(TOKEN))
    assert TOKEN not in f"{service} {service!r}"


async def test_a_quotas_reason_is_quoted_in_the_services_words_without_the_token() -> None:
    message = f"20 of your evaluations ({TOKEN}) have not ended: wait for some, or cancel some."
    refused = answer({"error": {"message": message}}, 429, **{"retry-after": "30"})
    async with scripted(refused) as (rest, _):
        with pytest.raises(UnavailableError) as caught:
            await rest.call(operations.CREATE_EVALUATION, json={})
    assert str(caught.value).endswith(
        "answered 429 (too many requests): '20 of your evaluations ([removed]) have not ended: "
        "wait for some, or cancel some'; nothing was started or changed. Try again in 30 s."
    )
