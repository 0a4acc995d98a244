from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from dirty_equals import IsPartialDict

from evals_mcp.errors import (
    AmbiguousCreateError,
    BadAnswerError,
    EvalsMCPError,
    InvalidRequestError,
    NotFoundError,
    OperatorError,
    TokenRefusedError,
    UnavailableError,
    UnsupportedError,
)
from evals_mcp.providers.protocol import AnyRequest, Provider
from evals_mcp.providers.together.provider import TogetherProvider
from evals_mcp.service_spec import Capabilities
from evals_schemas.evaluation_api.evaluations import (
    ClassifyResults,
    CompareResults,
    ScoreResults,
    parse_evaluation_request,
)
from evals_schemas.type_models import parse_results
from tests.server.scripted_service import (
    NOON,
    TOKEN,
    Script,
    Step,
    answer,
    assert_nothing_leads_to,
    json_of,
    scripted,
)

JUDGE_KEY = "sk-0f-the-external-judge"
JOB_ID = "eval-de4c-1751308922"
OTHER_ID = "eval-7b1f-1751308950"

CLASSIFY: dict[str, Any] = {
    "type": "classify",
    "parameters": {
        "judge": {
            "model": "openai/gpt-5.4",
            "model_source": "external",
            "system_template": "Is {{answer}} polite?",
            "external_base_url": "https://judges.example/v1",
            "external_api_token": JUDGE_KEY,
            "temperature": 0.0,
        },
        "input_data_file_path": "file-1234-aefd",
        "labels": ["polite", "rude"],
        "pass_labels": ["polite"],
        "model_to_evaluate": {
            "model": "Qwen/Qwen3.5-9B",
            "model_source": "serverless",
            "system_template": "Answer.",
            "input_template": "{{question}}",
        },
    },
}

CREATED = {"workflow_id": JOB_ID, "status": "pending"}


def request() -> AnyRequest:
    return parse_evaluation_request(CLASSIFY)


def job(
    job_id: str = JOB_ID, created: datetime | str | None = NOON, **changes: Any
) -> dict[str, Any]:
    """A listed job as the service repeats it: defaults filled in, the key gone or starred."""
    changed: dict[str, Any] = changes.pop("parameters", {})
    parameters: dict[str, Any] = {**CLASSIFY["parameters"], "num_retries": 3, **changed}
    parameters["judge"] = {
        **parameters["judge"],
        "external_api_token": "********",
        "max_tokens": 32768,
        "num_workers": None,
    }
    at = created.isoformat() if isinstance(created, datetime) else created
    return {
        "workflow_id": job_id,
        "type": "classify",
        "status": "queued",
        "created_at": at,
        "results": None,
        "parameters": parameters,
        **changes,
    }


@asynccontextmanager
async def provided(
    *steps: Step, can_cancel: bool = False, takes_keys: bool = False
) -> AsyncGenerator[tuple[TogetherProvider, Script]]:
    async with scripted(*steps) as (rest, script):
        provider = TogetherProvider(
            "together",
            rest,
            Capabilities(can_cancel=can_cancel, takes_keys=takes_keys),
            clock=lambda: NOON,
        )
        as_promised: Provider = provider
        assert as_promised.name == "together"
        yield provider, script


async def create_error(*steps: Step) -> tuple[EvalsMCPError, Script]:
    async with provided(*steps) as (provider, script):
        with pytest.raises(EvalsMCPError) as caught:
            await provider.create_evaluation(request())
    for secret in (TOKEN, JUDGE_KEY):
        assert_nothing_leads_to(secret, caught.value)
    assert len(script.sent("POST")) <= 1
    return caught.value, script


# Creating


async def test_a_create_sends_the_request_without_absences() -> None:
    async with provided(answer(CREATED)) as (provider, script):
        created = await provider.create_evaluation(request())

    assert (created.workflow_id, created.status) == (JOB_ID, "pending")
    (sent,) = script.requests
    assert (sent.method, sent.url.path) == ("POST", "/v1/evaluation")
    assert json_of(sent) == CLASSIFY


LOST = [
    pytest.param(answer({"error": {"message": "m", "type": "server_error"}}, 500), id="500"),
    pytest.param(answer({}, 502), id="502"),
    pytest.param(answer({}, 503), id="503"),
    pytest.param(httpx2.ReadTimeout(""), id="timeout"),
    pytest.param(httpx2.RemoteProtocolError("peer closed"), id="dropped after it was sent"),
    pytest.param(httpx2.WriteError(""), id="dropped while it was sent"),
    pytest.param(answer(b'{"workflow_id": "eval-de4'), id="truncated"),
    pytest.param(httpx2.Response(200, html="<p>gateway</p>"), id="page"),
    pytest.param(answer({"id": "eval-1"}), id="wrong shape"),
]


@pytest.mark.parametrize("lost", LOST)
async def test_a_lost_answer_finds_the_one_evaluation_that_was_started(lost: Step) -> None:
    others = [
        job("eval-0001-1", NOON - timedelta(hours=1)),
        job("eval-0002-1", type="score"),
        job("eval-0003-1", parameters={"input_data_file_path": "file-other"}),
        job("eval-0004-1", parameters={"labels": ["polite", "rude", "mixed"]}),
        job("eval-0005-1", parameters={"model_to_evaluate": "answer"}),
    ]
    async with provided(lost, answer([*others, job()])) as (provider, script):
        created = await provider.create_evaluation(request())

    assert (created.workflow_id, created.status) == (JOB_ID, "queued")
    assert len(script.sent("POST")) == 1
    assert str(script.sent("GET")[0].url).endswith("/v1/evaluation?limit=100")


@pytest.mark.parametrize("lost", LOST)
async def test_a_lost_answer_without_an_evaluation_says_so(lost: Step) -> None:
    error, script = await create_error(lost, answer([]))

    assert type(error) is AmbiguousCreateError
    assert "No such evaluation was found" in str(error)
    assert "may still appear" in str(error)
    assert "list_evaluations" in str(error)
    assert len(script.requests) == 2


@pytest.mark.parametrize(
    ("created", "found"),
    [
        pytest.param(NOON, True, id="just now"),
        pytest.param(NOON - timedelta(seconds=120), True, id="by a slow clock"),
        pytest.param(NOON - timedelta(seconds=121), False, id="before"),
        pytest.param("2026-11-20T12:00:01.837888Z", True, id="as the service writes it"),
        pytest.param("2026-11-20T12:00:01.837888", True, id="without a zone"),
        pytest.param("2026-11-20T13:00:00+02:00", False, id="in another zone"),
    ],
)
async def test_only_an_evaluation_of_this_moment_is_taken_for_it(
    created: datetime | str, found: bool
) -> None:
    if not found:
        error, _ = await create_error(answer({}, 500), answer([job(created=created)]))
        assert "No such evaluation was found" in str(error)
        return
    async with provided(answer({}, 500), answer([job(created=created)])) as (provider, _):
        assert (await provider.create_evaluation(request())).workflow_id == JOB_ID


async def test_several_possible_evaluations_are_named() -> None:
    error, _ = await create_error(answer({}, 500), answer([job(), job(OTHER_ID)]))

    assert type(error) is AmbiguousCreateError
    assert f"{JOB_ID}, {OTHER_ID}" in str(error)
    assert "get_evaluation" in str(error)


async def test_an_evaluation_without_a_date_is_named_and_not_taken() -> None:
    error, _ = await create_error(answer({}, 500), answer([job(created=None)]))
    assert JOB_ID in str(error)


async def test_an_earlier_create_is_not_taken_for_a_lost_one() -> None:
    steps = answer(CREATED), answer({}, 500), answer([job()])
    async with provided(*steps) as (provider, _):
        await provider.create_evaluation(request())
        with pytest.raises(AmbiguousCreateError, match="No such evaluation was found"):
            await provider.create_evaluation(request())


@pytest.mark.parametrize(
    "listed",
    [
        pytest.param(answer({}, 503), id="overloaded"),
        pytest.param(httpx2.ConnectError("refused"), id="not reached"),
        pytest.param(answer(b"[{"), id="truncated"),
        pytest.param(answer({}, 401), id="token withdrawn"),
        pytest.param(answer({}, 404), id="no list"),
    ],
)
async def test_a_lost_answer_and_an_unreadable_list_leave_it_unknown(listed: Step) -> None:
    error, _ = await create_error(httpx2.ReadTimeout(""), listed)

    assert type(error) is AmbiguousCreateError
    assert "unknown" in str(error)
    assert "Do not create it again before list_evaluations" in str(error)


# Services that take keys


@pytest.mark.parametrize("lost", LOST)
async def test_a_service_that_takes_keys_is_sent_a_lost_create_again(lost: Step) -> None:
    async with provided(lost, lost, answer(CREATED), takes_keys=True) as (provider, script):
        created = await provider.create_evaluation(request(), "key-1")

    assert created.workflow_id == JOB_ID
    assert [sent.headers["idempotency-key"] for sent in script.requests] == ["key-1"] * 3
    assert {sent.content for sent in script.requests} == {script.requests[0].content}
    assert script.pauses


async def test_a_service_that_never_answers_a_key_leaves_it_unknown() -> None:
    steps = answer({}, 500), httpx2.ConnectError("refused")
    async with provided(*steps, takes_keys=True) as (provider, script):
        with pytest.raises(AmbiguousCreateError, match="looks for this one") as caught:
            await provider.create_evaluation(request(), "key-1")

    assert "nothing was started" not in str(caught.value).lower()
    assert len(script.requests) == 3


async def test_a_refusal_of_the_same_create_settles_that_nothing_was_started() -> None:
    refused = answer({"error": {"message": "No such file.", "type": "t"}}, 400)
    async with provided(answer({}, 500), refused, takes_keys=True) as (provider, _):
        with pytest.raises(InvalidRequestError, match="No such file"):
            await provider.create_evaluation(request(), "key-1")


async def test_a_service_that_takes_no_keys_is_sent_none() -> None:
    async with provided(answer(CREATED)) as (provider, script):
        await provider.create_evaluation(request(), "key-1")
    assert "idempotency-key" not in script.requests[0].headers


async def test_the_search_after_a_lost_answer_is_tried_again() -> None:
    steps = httpx2.ReadTimeout(""), answer({}, 503), httpx2.ReadError(""), answer([job()])
    async with provided(*steps) as (provider, script):
        assert (await provider.create_evaluation(request())).workflow_id == JOB_ID

    assert [sent.method for sent in script.requests] == ["POST", "GET", "GET", "GET"]


async def test_three_creates_are_three_requests_whatever_happens() -> None:
    def failing(sent: httpx2.Request) -> httpx2.Response:
        return answer({}, 500 if sent.method == "POST" else 503)

    async with provided(failing) as (provider, script):
        for _ in range(3):
            with pytest.raises(AmbiguousCreateError):
                await provider.create_evaluation(request())

    assert len(script.sent("POST")) == 3


@pytest.mark.parametrize(
    ("refused", "kind", "part"),
    [
        pytest.param(httpx2.ConnectError("refused"), UnavailableError, "nothing", id="refused"),
        pytest.param(httpx2.ConnectTimeout(""), UnavailableError, "nothing", id="no route"),
        pytest.param(answer({}, 429, **{"retry-after": "7"}), UnavailableError, "in 7 s", id="429"),
        pytest.param(
            answer({"error": {"message": "unknown model", "param": "judge.model"}}, 400),
            InvalidRequestError,
            "refused to start the evaluation (400): `judge.model`: 'unknown model'.",
            id="400",
        ),
        pytest.param(
            answer({"error": {"message": f"{JUDGE_KEY} and {TOKEN}"}}, 422),
            InvalidRequestError,
            "[removed] and [removed]",
            id="secrets repeated",
        ),
        pytest.param(answer({}, 401), TokenRefusedError, "TOGETHER_API_KEY", id="401"),
        pytest.param(answer({}, 402), OperatorError, "credit", id="402"),
        pytest.param(answer(b"", 301, location="/x"), BadAnswerError, "base_url", id="redirect"),
        pytest.param(answer({}, 507), OperatorError, "call create_evaluation again", id="507"),
    ],
)
async def test_what_certainly_did_not_start_is_not_searched_for(
    refused: Step, kind: type[EvalsMCPError], part: str
) -> None:
    error, script = await create_error(refused)

    assert type(error) is kind
    assert part in str(error)
    assert len(script.requests) == 1


# Reading evaluations, as recorded


RECORDED: list[dict[str, Any]] = [
    {
        "workflow_id": "eval-0a01-1",
        "type": "classify",
        "status": "completed",
        "created_at": "2026-11-01T10:00:00Z",
        "updated_at": "2026-11-01T10:05:00Z",
        "owner_id": None,
        "status_updates": None,
        "parameters": {"judge": {"model": "m", "external_api_token": JUDGE_KEY}},
        "results": {
            "label_counts": '{"yes": 10, "no": 0}',
            "pass_percentage": 100,
            "generation_fail_count": None,
            "judge_fail_count": 0,
            "invalid_label_count": 0.0,
            "result_file_id": "file-1234-aefd",
        },
    },
    {
        "workflow_id": "eval-0a02-1",
        "type": "classify",
        "status": "completed",
        "created_at": "2026-11-03T10:00:00.837888Z",
        "parameters": None,
        "results": {"label_counts": {"yes": 173, "no": 27}, "pass_percentage": 86.5, "new": {}},
        "cost": {"usd": 1},
    },
    {
        "workflow_id": "eval-0a03-1",
        "type": "score",
        "status": "completed",
        "created_at": "2026-11-02T10:00:00Z",
        "results": {
            "aggregated_scores": {"mean_score": 3.5, "std_score": None, "pass_percentage": 50.0},
            "failed_samples": 1,
            "invalid_score_count": 1,
        },
    },
    {
        "workflow_id": "eval-0a04-1",
        "type": "compare",
        "status": "completed",
        "created_at": None,
        "results": {"A_wins": 3, "B_wins": 2, "Ties": 5, "num_samples": 10},
    },
    {
        "workflow_id": "eval-0a05-1",
        "status": "user_error",
        "created_at": "2025-07-23T17:10:04",
        "results": {"error": "Unsupported dataset column(s): ['id']."},
    },
]


async def test_recorded_jobs_are_read_in_every_form_newest_first() -> None:
    async with provided(answer(RECORDED)) as (provider, script):
        jobs = await provider.list_evaluations(status="completed", limit=20)

    assert [found.workflow_id[5:9] for found in jobs] == ["0a02", "0a03", "0a01", "0a05", "0a04"]
    assert script.requests[0].url.query == b"status=completed&limit=20"
    read = {found.workflow_id[5:9]: parse_results(found.type, found.results) for found in jobs}
    assert read["0a01"] == ClassifyResults(
        label_counts={"yes": 10, "no": 0},
        pass_percentage=100,
        judge_fail_count=0,
        invalid_label_count=0,
        result_file_id="file-1234-aefd",
    )
    assert read["0a02"] == ClassifyResults(
        label_counts={"yes": 173, "no": 27}, pass_percentage=86.5
    )
    assert isinstance(read["0a03"], ScoreResults)
    assert read["0a03"].aggregated_scores is not None
    assert read["0a03"].aggregated_scores.std_score is None
    assert read["0a04"] == CompareResults(A_wins=3, B_wins=2, Ties=5, num_samples=10)
    assert read["0a05"] is not None
    assert read["0a05"].error == "Unsupported dataset column(s): ['id']."


async def test_a_key_that_a_service_repeats_goes_no_further() -> None:
    async with provided(answer(RECORDED[:1]), answer(RECORDED[0])) as (provider, _):
        (listed,) = await provider.list_evaluations()
        single = await provider.get_evaluation("eval-0a01-1")

    assert listed.parameters == single.parameters == {"judge": {"model": "m"}}
    assert JUDGE_KEY not in f"{listed!r}{single!r}"


async def test_a_status_is_asked_for_by_id() -> None:
    async with provided(answer({"status": "running", "results": None})) as (provider, script):
        status = await provider.get_status(JOB_ID)

    assert (status.status, status.results, status.progress) == ("running", None, None)
    assert script.requests[0].url.path == f"/v1/evaluation/{JOB_ID}/status"


async def test_an_unknown_evaluation_names_the_tool_that_lists_them() -> None:
    async with provided(answer({}, 404)) as (provider, _):
        with pytest.raises(NotFoundError, match=f"{JOB_ID}.*list_evaluations"):
            await provider.get_evaluation(JOB_ID)


# Cancelling


async def test_a_service_without_cancel_says_that_the_evaluation_goes_on() -> None:
    async with provided(answer({})) as (provider, script):
        with pytest.raises(UnsupportedError, match=r"goes on, and costs.*get_status"):
            await provider.cancel_evaluation(JOB_ID)

    assert script.requests == []


async def test_a_service_with_cancel_is_asked_once() -> None:
    async with provided(answer(job()), can_cancel=True) as (provider, script):
        cancelled = await provider.cancel_evaluation(JOB_ID)

    assert cancelled.workflow_id == JOB_ID
    assert [sent.url.path for sent in script.sent("POST")] == [f"/v1/evaluation/{JOB_ID}/cancel"]


async def test_a_lost_answer_to_a_cancel_sends_the_caller_to_the_status() -> None:
    async with provided(answer({}, 500), can_cancel=True) as (provider, script):
        with pytest.raises(UnavailableError, match="get_status to see whether it was cancelled"):
            await provider.cancel_evaluation(JOB_ID)

    assert len(script.requests) == 1


# Files


FILE = {
    "id": "file-1",
    "object": "file",
    "created_at": 1751308922,
    "filename": "rows.csv",
    "bytes": 8,
    "purpose": "eval",
    "FileType": "csv",
    "Processed": True,
    "LineCount": None,
    "project": "p",
}


@pytest.mark.parametrize(("filename", "kind"), [("rows.csv", b"csv"), ("rows.jsonl", b"jsonl")])
async def test_an_upload_sends_file_name_purpose_and_type(
    tmp_path: Path, filename: str, kind: bytes
) -> None:
    path = tmp_path / "anything"
    path.write_bytes(b"a,b\n1,2\n")
    async with provided(answer(FILE)) as (provider, script):
        stored = await provider.upload_dataset(path, filename)

    assert (stored.id, stored.LineCount) == ("file-1", 0)
    (sent,) = script.requests
    for name, value in (
        ("file_name", filename.encode()),
        ("purpose", b"eval"),
        ("file_type", kind),
    ):
        assert b'name="%s"\r\n\r\n%s\r\n' % (name.encode(), value) in sent.content


async def test_a_lost_answer_to_an_upload_sends_the_caller_to_the_list(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b"{}\n")
    async with provided(httpx2.ReadTimeout("")) as (provider, script):
        with pytest.raises(UnavailableError, match="list_datasets before uploading it again"):
            await provider.upload_dataset(path, "rows.jsonl")

    assert len(script.requests) == 1


async def test_an_upload_to_a_full_disk_has_certainly_stored_nothing(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b"{}\n")
    async with provided(answer({}, 507)) as (provider, script):
        with pytest.raises(OperatorError) as caught:
            await provider.upload_dataset(path, "rows.jsonl")

    assert "the disk of its data directory (setting local.data_dir) is full" in str(caught.value)
    assert str(caught.value).endswith("then call upload_dataset again.")
    assert "may have arrived" not in str(caught.value)
    assert len(script.requests) == 1


async def test_data_sets_are_listed_newest_first_without_other_files() -> None:
    files = [
        FILE,
        FILE | {"id": "file-2", "created_at": 1751308999},
        FILE | {"id": "file-3", "purpose": "eval-output"},
        FILE | {"id": "file-4", "purpose": "fine-tune"},
    ]
    async with provided(answer({"object": "list", "data": files})) as (provider, _):
        assert [file.id for file in await provider.list_datasets()] == ["file-2", "file-1"]


async def test_a_files_content_is_streamed() -> None:
    async with (
        provided(httpx2.Response(200, content=b'{"a": 1}\n')) as (provider, script),
        provider.dataset_content("file-1") as blocks,
    ):
        assert b"".join([block async for block in blocks]) == b'{"a": 1}\n'

    assert script.requests[0].url.path == "/v1/files/file-1/content"


# Models


async def test_models_keep_their_prices_and_unknown_prices_stay_unknown() -> None:
    models = [
        {"id": "a", "type": "chat", "pricing": {"input": 0.2, "output": 0.6, "hourly": 0}},
        {"id": "b", "pricing": None, "context_length": None, "running": False},
    ]
    async with provided(answer(models)) as (provider, _):
        priced, unpriced = await provider.list_models()

    assert priced.pricing is not None
    assert priced.pricing.model_dump() == IsPartialDict(input=0.2, output=0.6)
    assert unpriced.pricing is None


async def test_judges_are_listed_where_the_service_tells() -> None:
    async with provided(answer({"model_list": ["openai/gpt-oss-120b"]})) as (provider, _):
        assert await provider.list_judges() == ["openai/gpt-oss-120b"]


@pytest.mark.parametrize("status", [404, 405])
async def test_a_service_without_a_list_of_judges_has_none(status: int) -> None:
    async with provided(answer({}, status)) as (provider, _):
        assert await provider.list_judges() is None
