from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from dirty_equals import IsPartialDict
from inline_snapshot import snapshot

from evals_mcp.errors import (
    AmbiguousCreateError,
    BadAnswerError,
    DatasetFaultError,
    InvalidRequestError,
    NotFoundError,
    TokenRefusedError,
    UnavailableError,
    UnsupportedError,
)
from evals_mcp.providers.nugen.provider import NugenProvider
from evals_schemas.benchmark_api.benchmarks import BenchmarkRequest
from evals_schemas.evaluation_api.evaluations import (
    ENDED,
    EvaluationStatus,
    parse_evaluation_request,
)
from tests.server.nugen_exchanges import (
    BENCHMARK_ID,
    CREATED,
    FAILED,
    FIRST,
    NOW,
    NUGEN_TOKEN,
    PAIR,
    ROWS,
    RUNNING,
    SECOND,
    SINGLE,
    Clock,
    Played,
    Route,
    failing,
    html,
    lines_of,
    nugen,
    recorded,
)
from tests.server.scripted_service import answer, assert_nothing_leads_to, json_of

LIST: Route = ("GET", "/api/v3/evaluations")
CREATE: Route = ("POST", "/api/v3/evaluations")
STATUS: Route = ("GET", f"/api/v3/evaluations/{RUNNING}/status")
RESULTS: Route = ("GET", f"/api/v3/evaluations/{SINGLE}/results")
DOWNLOAD: Route = ("GET", f"/api/v3/evaluations/{SINGLE}/download")

GENERATIONS = pytest.mark.parametrize("generation", [1, 2, 3])


def single() -> BenchmarkRequest:
    return BenchmarkRequest(model_id=FIRST, benchmark_id=BENCHMARK_ID)


def comparison() -> BenchmarkRequest:
    return BenchmarkRequest(model_id=FIRST, model_id_2=SECOND, benchmark_id=BENCHMARK_ID)


async def content(stream: AbstractAsyncContextManager[AsyncIterator[bytes]]) -> bytes:
    async with stream as blocks:
        return b"".join([block async for block in blocks])


def status_of(said: str, **fields: Any) -> httpx2.Response:
    return answer({"evaluation_id": RUNNING, "status": said, **fields})


# The three generations


async def told(provider: NugenProvider, path: Path) -> dict[str, Any]:
    """Everything that a provider answers, by what it was asked for."""
    listed = await provider.list_evaluations()
    return {
        "created": [
            (await provider.create_evaluation(single())).model_dump(),
            (await provider.create_evaluation(comparison())).model_dump(),
        ],
        "jobs": {
            evaluation_id: (await provider.get_evaluation(evaluation_id)).model_dump()
            for evaluation_id in (SINGLE, PAIR, RUNNING, FAILED)
        },
        "statuses": {
            evaluation_id: (await provider.get_status(evaluation_id)).model_dump()
            for evaluation_id in (SINGLE, RUNNING)
        },
        "list": [(job.workflow_id, job.status, job.created_at, job.parameters) for job in listed],
        "rows": await content(provider.dataset_content(f"rows-{SINGLE}")),
        "questions": await content(provider.dataset_content(BENCHMARK_ID)),
        "benchmarks": [
            file.model_dump(exclude={"processing_status"})
            for file in await provider.list_datasets()
        ],
        "uploaded": (await provider.upload_benchmark(path, "capitals.jsonl")).model_dump(),
        "models": [model.model_dump(exclude_none=True) for model in await provider.list_models()],
    }


def without_words(answers: dict[str, Any]) -> dict[str, Any]:
    """The answers but for the one word that is quoted from the service."""
    answers["jobs"][FAILED]["results"]["error"] = answers["jobs"][FAILED]["results"][
        "error"
    ].replace("FAILED", "failed")
    return answers


@pytest.mark.parametrize("generation", [2, 3])
async def test_a_later_generation_is_answered_from_like_the_first(
    generation: int, tmp_path: Path
) -> None:
    path = tmp_path / "capitals.jsonl"
    path.write_text('{"question": "2 + 2?", "answer": 4}\n{"question": "P?", "answer": "L"}\n')
    async with nugen(1) as (provider, _):
        first = await told(provider, path)
    async with nugen(generation) as (provider, _):
        later = await told(provider, path)

    assert without_words(later) == without_words(first)


async def test_a_single_evaluation_has_figures_rows_and_the_mark_of_its_times() -> None:
    async with nugen() as (provider, _):
        job = await provider.get_evaluation(SINGLE)

    assert job.model_dump(mode="json", exclude_none=True) == snapshot(
        {
            "status": "completed",
            "results": {
                "models": [
                    {
                        "model_id": "model-xyz789",
                        "metrics": {
                            "accuracy": {"mean": 0.5},
                            "relevance": {"mean": 0.75},
                            "score": {"mean": 0.625},
                        },
                        "questions": 2,
                        "correct": 1,
                    }
                ],
                "result_file_id": "rows-eval-one",
                "note": "The service writes its times without a zone; they are read as UTC.",
            },
            "progress": {"done": 2, "total": 2},
            "workflow_id": "eval-one",
            "type": "benchmark",
            "parameters": {"benchmark_id": "benchmark-abc123", "model_id": "model-xyz789"},
            "created_at": "2026-09-01T09:00:00",
            "updated_at": "2026-09-01T09:05:00",
        }
    )


async def test_a_comparison_tells_both_models_in_the_order_of_the_request() -> None:
    async with nugen(3) as (provider, _):
        job = await provider.get_evaluation(PAIR)

    assert job.parameters == {"benchmark_id": BENCHMARK_ID, "model_id": FIRST, "model_id_2": SECOND}
    assert job.results == snapshot(
        {
            "models": [
                {
                    "model_id": "model-xyz789",
                    "metrics": {"accuracy": {"mean": 0.5, "std": 0.5, "min": 0.0, "max": 1.0}},
                    "questions": 2,
                    "correct": 1,
                },
                {
                    "model_id": "model-def456",
                    "metrics": {"accuracy": {"mean": 1.0, "std": 0.5, "min": 0.0, "max": 1.0}},
                    "questions": 2,
                    "correct": 2,
                },
            ],
            "result_file_id": "rows-eval-two",
            "note": "The service writes its times without a zone; they are read as UTC.",
        }
    )
    assert "12345" not in str(job.results)


@GENERATIONS
async def test_the_generation_is_found_out_once_with_reads_alone(generation: int) -> None:
    async with nugen(generation) as (provider, service):
        assert not service.requests
        await provider.create_evaluation(single())
        await provider.get_status(RUNNING)

    found = ["GET /api/v3/benchmarks/list", "GET /api/v3/benchmark/list"][
        : 1 if generation == 3 else 2
    ]
    assert service.paths[: len(found)] == found
    assert len(service.requests) == len(found) + 2
    assert len(service.sent("POST")) == 1


async def test_a_generation_that_is_set_is_not_looked_for() -> None:
    async with nugen(3, told=3) as (provider, service):
        await provider.create_evaluation(comparison())

    (sent,) = service.requests
    assert sent.url.path == "/api/v3/evaluations/create"
    assert json_of(sent) == {
        "model_id": SECOND,
        "baseline_model_id": FIRST,
        "benchmark_id": BENCHMARK_ID,
        "evaluation_name": f"{FIRST} vs {SECOND} 2026-09-01 12:00:00.000000",
    }


async def test_a_service_that_answers_pages_for_unknown_paths_is_told_by_the_other() -> None:
    async with nugen(1, {("GET", "/api/v3/benchmarks/list"): html()}) as (provider, _):
        assert [file.id for file in await provider.list_datasets()] == [BENCHMARK_ID]


async def test_an_api_of_no_known_generation_names_the_settings_to_check() -> None:
    async with nugen(1, {("GET", "/api/v3/benchmark/list"): failing(404)}) as (provider, service):
        with pytest.raises(UnsupportedError, match=r"nugen\.base_url.*nugen\.generation"):
            await provider.create_evaluation(single())

    assert not service.sent("POST")


async def test_a_service_that_is_down_at_first_is_asked_again_with_the_next_call() -> None:
    down = {("GET", "/api/v3/benchmarks/list"): failing(503)}
    async with nugen(3, dict(down)) as (provider, service):
        with pytest.raises(UnavailableError):
            await provider.get_status(RUNNING)
        service.routes |= recorded(3)
        assert (await provider.get_status(RUNNING)).status == "running"


async def test_a_wrong_generation_in_the_configuration_is_named() -> None:
    async with nugen(1, told=3) as (provider, service):
        with pytest.raises(UnsupportedError, match=r"generation 3 .*nugen\.generation"):
            await provider.create_evaluation(single())

    assert len(service.requests) == 1


# Creating


@pytest.mark.parametrize("metrics", [["accuracy", "relevance"], {"accuracy": {"weight": 1}}, None])
async def test_metrics_are_sent_as_a_list_an_object_or_not_at_all(metrics: Any) -> None:
    async with nugen() as (provider, service):
        request = single().model_copy(update={"custom_metrics": metrics})
        created = await provider.create_evaluation(request, key="not for the vendor")
        listed = await provider.get_evaluation(SINGLE)

    (sent,) = service.sent("POST")
    body = {"model_id": FIRST, "benchmark_id": BENCHMARK_ID}
    assert json_of(sent) == body | ({"custom_metrics": metrics} if metrics else {})
    assert "idempotency-key" not in sent.headers
    assert (created.workflow_id, created.status) == (CREATED, "pending")
    assert "custom_metrics" not in listed.parameters


async def test_metrics_that_a_generation_cannot_take_are_refused_and_not_dropped() -> None:
    async with nugen(3) as (provider, service):
        with pytest.raises(UnsupportedError, match="leave it out"):
            await provider.create_evaluation(
                single().model_copy(update={"custom_metrics": ["accuracy"]})
            )

    assert not service.sent("POST")


async def test_a_judged_evaluation_is_refused_with_what_to_do_instead() -> None:
    request = parse_evaluation_request(
        {
            "type": "classify",
            "parameters": {
                "judge": {"model": "m", "model_source": "serverless", "system_template": "s"},
                "input_data_file_path": "file-1",
                "labels": ["a", "b"],
                "pass_labels": ["a"],
            },
        }
    )
    async with nugen() as (provider, service):
        with pytest.raises(UnsupportedError, match="`type: benchmark`") as caught:
            await provider.create_evaluation(request)

    assert "classify" in str(caught.value)
    assert not service.requests


@pytest.mark.parametrize(
    ("refused", "kind", "parts"),
    [
        pytest.param(
            failing(404, {"detail": "Benchmark not found in your library"}),
            NotFoundError,
            ["Benchmark not found in your library", "list_datasets", "list_models"],
            id="unknown benchmark",
        ),
        pytest.param(
            failing(422, {"detail": [{"loc": ["body", "model_id"], "msg": "Field required"}]}),
            InvalidRequestError,
            ["`model_id`", "Field required"],
            id="a field",
        ),
        pytest.param(
            failing(400, {"detail": f"bad token {NUGEN_TOKEN}"}),
            InvalidRequestError,
            ["[removed]"],
            id="with the token in it",
        ),
        pytest.param(failing(422, {"detail": []}), InvalidRequestError, ["no reason"], id="empty"),
        pytest.param(failing(401), TokenRefusedError, ["NUGEN_API_KEY"], id="token"),
        pytest.param(failing(429), UnavailableError, ["nothing was started"], id="too many"),
    ],
)
async def test_a_refused_create_says_who_must_act_and_is_not_searched_for(
    refused: httpx2.Response, kind: type[Exception], parts: list[str]
) -> None:
    async with nugen(1, {CREATE: refused}, told=1) as (provider, service):
        with pytest.raises(kind) as caught:
            await provider.create_evaluation(single())

    assert len(service.requests) == 1
    for part in parts:
        assert part in str(caught.value)
    assert_nothing_leads_to(NUGEN_TOKEN, caught.value)


LOST = [
    pytest.param(failing(500), id="500"),
    pytest.param(failing(504), id="504"),
    pytest.param(html(), id="page"),
    pytest.param(answer(b'{"evaluation_id": "eval-n'), id="truncated"),
]


def listing(*lines: dict[str, Any]) -> httpx2.Response:
    return answer({"evaluations": list(lines), "total": len(lines)})


def line(evaluation_id: str = CREATED, **changes: Any) -> dict[str, Any]:
    return {
        "evaluation_id": evaluation_id,
        "model_id": FIRST,
        "benchmark_id": BENCHMARK_ID,
        "status": "pending",
        "created_at": "2026-09-01T12:00:01",
        **changes,
    }


@pytest.mark.parametrize("lost", LOST)
async def test_a_lost_create_is_found_in_the_list_and_never_sent_again(
    lost: httpx2.Response,
) -> None:
    others = [
        line("eval-old", created_at="2026-08-20T10:00:00"),
        line("eval-other-model", model_id=SECOND),
        line("eval-other-benchmark", benchmark_id="benchmark-2"),
        line("eval-pair", model_id_2=SECOND),
    ]
    async with nugen(1, {CREATE: lost, LIST: listing(*others, line())}) as (provider, service):
        created = await provider.create_evaluation(single())

    assert (created.workflow_id, created.status) == (CREATED, "pending")
    assert len(service.sent("POST")) == 1


@pytest.mark.parametrize(
    ("lines", "part"),
    [
        pytest.param([], "No such evaluation was found", id="none"),
        pytest.param([line(), line("eval-twin")], "eval-new, eval-twin", id="two"),
        pytest.param([line(created_at=None)], "any of which may be it: eval-new", id="no date"),
        pytest.param(
            [line(created_at="2026-09-01T17:30:01")], "may be it: eval-new", id="another zone"
        ),
    ],
)
async def test_a_lost_create_that_the_list_does_not_settle_is_left_to_the_caller(
    lines: list[dict[str, Any]], part: str
) -> None:
    async with nugen(1, {CREATE: failing(500), LIST: listing(*lines)}) as (provider, service):
        with pytest.raises(AmbiguousCreateError) as caught:
            await provider.create_evaluation(single())

    assert part in str(caught.value)
    assert len(service.sent("POST")) == 1


async def test_a_lost_create_with_an_unreadable_list_stays_unknown() -> None:
    async with nugen(1, {CREATE: failing(500), LIST: html()}) as (provider, _):
        with pytest.raises(AmbiguousCreateError, match="Whether the evaluation was started"):
            await provider.create_evaluation(single())


async def test_an_evaluation_that_was_listed_before_is_not_taken_for_a_lost_one() -> None:
    async with nugen(1, {CREATE: failing(500), LIST: listing(line())}) as (provider, _):
        await provider.list_evaluations()
        with pytest.raises(AmbiguousCreateError, match="No such evaluation was found"):
            await provider.create_evaluation(single())


async def test_the_name_tells_a_lost_evaluation_from_its_repetitions() -> None:
    def page(_: httpx2.Request) -> httpx2.Response:
        name = json_of(service.sent("POST")[0])["evaluation_name"]
        return listing(line("eval-twin", evaluation_name="mine"), line(evaluation_name=name))

    lost: dict[Route, Played] = {("POST", "/api/v3/evaluations/create"): failing(500), LIST: page}
    async with nugen(3, lost) as (provider, service):
        assert (await provider.create_evaluation(single())).workflow_id == CREATED


@pytest.mark.parametrize(
    ("named", "shown"), [("model_id", "model_id_2"), ("baseline_model_id", "model_id")]
)
async def test_a_refused_model_is_named_by_the_field_of_the_request(named: str, shown: str) -> None:
    refused = failing(422, {"detail": [{"loc": ["body", named], "msg": "unknown model"}]})
    async with nugen(3, {("POST", "/api/v3/evaluations/create"): refused}) as (provider, _):
        with pytest.raises(InvalidRequestError, match=f"`{shown}`: unknown model"):
            await provider.create_evaluation(comparison())


# Statuses


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ("pending", "pending"),
        ("CREATED", "pending"),
        ("Queued", "queued"),
        ("in_progress", "running"),
        ("In Progress", "running"),
        ("PROCESSING", "running"),
        ("evaluating", "running"),
        ("READY", "completed"),
        ("Completed", "completed"),
        ("FAILED", "error"),
        ("Summarizing \u202eresults", "Summarizing results"),
    ],
)
async def test_a_status_is_read_without_regard_to_case(said: str, state: str) -> None:
    async with nugen(1, {STATUS: status_of(said)}) as (provider, _):
        assert (await provider.get_status(RUNNING)).status == state


@pytest.mark.parametrize("said", ["Summarizing", "PROCESSING", "QUEUED"])
async def test_an_evaluation_without_an_end_is_given_up_at_the_deadline(said: str) -> None:
    clock = Clock()
    async with nugen(1, {STATUS: status_of(said)}, clock=clock) as (provider, _):
        clock.now = datetime(2026, 9, 2, 11, 0, tzinfo=UTC)
        assert (await provider.get_status(RUNNING)).status not in ENDED
        clock.now += timedelta(hours=3)
        status = await provider.get_status(RUNNING)
        job = await provider.get_evaluation(RUNNING)

    assert status.status == job.status == "error"
    assert status.results == job.results
    assert status.results is not None
    assert status.results["error"] == (
        f"The service has said '{said}' for 26 h, longer than nugen.deadline_hours allows. It may "
        "still go on there, and cost. Raise nugen.deadline_hours to go on waiting, or call "
        "create_evaluation to start anew."
    )


async def test_the_list_gives_up_what_the_status_gives_up() -> None:
    late = listing(line("eval-late", status="Dreaming", created_at="2026-08-30T12:00:00Z"))
    async with nugen(1, {LIST: late}) as (provider, _):
        (job,) = await provider.list_evaluations("error")
        assert not await provider.list_evaluations("running")

    assert job.results == {
        "models": [],
        "error": pytest.approx(job.results and job.results["error"]),
    }
    assert "'Dreaming' for 48 h" in str(job.results)


async def test_without_a_deadline_nothing_is_given_up() -> None:
    clock = Clock(NOW + timedelta(days=90))
    async with nugen(1, deadline=None, clock=clock) as (provider, service):
        assert (await provider.get_status(RUNNING)).status == "running"

    assert ("GET", "/api/v3/evaluations") not in {(r.method, r.url.path) for r in service.requests}


async def test_a_failure_carries_the_reason_that_the_service_gives() -> None:
    told = status_of("FAILED", error=f"no answer from the model, token {NUGEN_TOKEN[:3]}\x07")
    async with nugen(1, {STATUS: told}) as (provider, _):
        job = await provider.get_evaluation(RUNNING)

    assert job.status == "error"
    assert job.results == {"models": [], "error": "no answer from the model, token nug"}


@pytest.mark.parametrize(
    ("there", "state"), [(True, "completed"), (False, "running")], ids=["there", "not yet"]
)
async def test_results_that_are_there_settle_what_evaluated_means(there: bool, state: str) -> None:
    evaluated: dict[Route, Played] = {STATUS: status_of("EVALUATED")}
    if there:
        evaluated["GET", f"/api/v3/evaluations/{RUNNING}/results"] = recorded(1)[RESULTS]
    async with nugen(1, evaluated) as (provider, _):
        status = await provider.get_status(RUNNING)
        job = await provider.get_evaluation(RUNNING)

    assert status.status == job.status == state
    assert (job.results is not None) is there


async def test_a_failure_is_told_even_where_its_results_cannot_be_read() -> None:
    broken: dict[Route, Played] = {
        STATUS: status_of("FAILED"),
        ("GET", f"/api/v3/evaluations/{RUNNING}/results"): failing(500),
    }
    async with nugen(1, broken) as (provider, _):
        job = await provider.get_evaluation(RUNNING)

    assert job.results is not None
    assert job.results["error"] == "The service says 'FAILED' and gives no reason."


async def test_results_of_a_finished_evaluation_that_cannot_be_read_are_an_error() -> None:
    async with nugen(1, {RESULTS: failing(500)}) as (provider, _):
        with pytest.raises(UnavailableError, match="read the evaluation and answered 500"):
            await provider.get_evaluation(SINGLE)


async def test_an_evaluated_one_is_listed_by_whether_it_has_figures() -> None:
    lines = listing(
        line("eval-a", status="EVALUATED", created_at="2026-08-01T00:00:00"),
        line("eval-b", status="EVALUATED", metrics={"accuracy": 1}),
    )
    async with nugen(1, {LIST: lines}) as (provider, _):
        jobs = await provider.list_evaluations()

    assert {job.workflow_id: job.status for job in jobs} == {
        "eval-a": "running",
        "eval-b": "completed",
    }


async def test_metrics_that_were_asked_for_are_among_the_parameters() -> None:
    path = f"/api/v3/evaluations/{CREATED}/status"
    async with nugen(1, {("GET", path): status_of("pending")}) as (provider, _):
        request = single().model_copy(update={"custom_metrics": ["accuracy"]})
        await provider.create_evaluation(request)
        job = await provider.get_evaluation(CREATED)

    assert job.parameters == {
        "model_id": FIRST,
        "benchmark_id": BENCHMARK_ID,
        "custom_metrics": ["accuracy"],
    }


@pytest.mark.parametrize(
    "created", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "soon", "", None, 7]
)
async def test_a_time_that_is_none_breaks_nothing(created: Any) -> None:
    odd = listing(line(status="completed", created_at=created))
    async with nugen(1, {LIST: odd}) as (provider, _):
        assert [job.workflow_id for job in await provider.list_evaluations()] == [CREATED]


@pytest.mark.parametrize("early", [400, 404])
async def test_results_asked_for_too_early_leave_a_running_evaluation(early: int) -> None:
    async with nugen(1, {RESULTS: failing(early)}) as (provider, _):
        job = await provider.get_evaluation(SINGLE)

    assert (job.status, job.results) == ("running", None)
    assert job.progress
    assert (job.progress.done, job.progress.total) == (2, 2)


async def test_a_status_that_cannot_be_read_says_how_long_it_was_tried() -> None:
    async with nugen(1, {STATUS: failing(500)}, told=1) as (provider, service):
        with pytest.raises(UnavailableError) as caught:
            await provider.get_status(RUNNING)

    assert len(service.requests) == 4
    assert str(caught.value) == snapshot(
        "nugen (api.nugen.in) was asked to read the evaluation's status and answered 500; it was "
        "tried 4 times in 4 s. Try again in about a minute. The evaluation itself may be going on: "
        "do not create it again for this."
    )


async def test_a_page_instead_of_a_status_is_told_plainly() -> None:
    async with nugen(1, {STATUS: html()}) as (provider, _):
        with pytest.raises(BadAnswerError, match=r"web page.*nugen\.base_url"):
            await provider.get_status(RUNNING)


async def test_an_unknown_evaluation_names_the_tool_that_lists_them() -> None:
    async with nugen() as (provider, _):
        for asked in (provider.get_status, provider.get_evaluation):
            with pytest.raises(NotFoundError, match="list_evaluations"):
                await asked("eval-nowhere")


async def test_a_list_that_cannot_be_read_does_not_hide_an_evaluation() -> None:
    async with nugen(1, {LIST: failing(500)}) as (provider, _):
        job = await provider.get_evaluation(SINGLE)

    assert job.results
    assert job.results["models"][0]["correct"] == 1
    assert job.created_at is None


@pytest.mark.parametrize("text", ["nonsense", "-3/-4", "3 of 4", "99999999999999999999/1"])
async def test_a_progress_that_is_no_count_is_left_out(text: str) -> None:
    told = status_of("in_progress", progress=text, questions_completed=-1)
    async with nugen(1, {STATUS: told}) as (provider, _):
        assert (await provider.get_status(RUNNING)).progress is None


# Listing


def paged(total: int, *, cap: int = 100, told: bool = True, rising: bool = False) -> Played:
    """A service with so many evaluations, one a minute, that gives `cap` a page."""

    def page(request: httpx2.Request) -> httpx2.Response:
        offset = int(request.url.params["offset"])
        start = datetime(2026, 9, 1, tzinfo=UTC)
        ages = range(total - 1, -1, -1) if rising else range(total)
        lines = [
            line(f"eval-{age}", created_at=(start - timedelta(minutes=age)).isoformat())
            for age in ages
        ][offset : offset + cap]
        return answer({"evaluations": lines} | ({"total": total} if told else {}))

    return page


@pytest.mark.parametrize(
    ("service", "requests"),
    [
        pytest.param(paged(250), 1, id="newest first"),
        pytest.param(paged(250, rising=True), 3, id="oldest first"),
        pytest.param(paged(250, rising=True, told=False), 3, id="without a total"),
        pytest.param(paged(250, rising=True, cap=50), 5, id="smaller pages"),
    ],
)
async def test_the_newest_are_listed_whatever_the_order(service: Played, requests: int) -> None:
    async with nugen(1, {LIST: service}, told=1) as (provider, played):
        jobs = await provider.list_evaluations(limit=3)

    assert [job.workflow_id for job in jobs] == ["eval-0", "eval-1", "eval-2"]
    assert len(played.requests) == requests


async def test_a_service_that_repeats_its_page_is_read_once() -> None:
    page = answer({"evaluations": [line(f"eval-{n}") for n in range(100)], "total": 9999})
    async with nugen(1, {LIST: page}, told=1) as (provider, played):
        assert len(await provider.list_evaluations("completed")) == 0

    assert len(played.requests) == 2


async def test_a_list_without_an_end_is_read_as_far_as_its_limit() -> None:
    async with nugen(1, {LIST: paged(10_000)}, told=1) as (provider, played):
        assert await provider.list_evaluations("completed") == []

    assert len(played.requests) == 20


async def test_a_status_filter_is_in_the_words_of_the_tools() -> None:
    async with nugen(2) as (provider, _):
        found = {
            status: [job.workflow_id for job in await provider.list_evaluations(status)]
            for status in ("running", "completed", "error", "pending")
        }

    assert found == {
        "running": [RUNNING],
        "completed": [PAIR, SINGLE],
        "error": [FAILED],
        "pending": [],
    }


async def test_a_completed_evaluation_is_listed_with_its_figures() -> None:
    async with nugen() as (provider, _):
        (job,) = [job for job in await provider.list_evaluations() if job.workflow_id == SINGLE]

    assert job.results == IsPartialDict(result_file_id=f"rows-{SINGLE}")
    assert job.created_at == datetime(2026, 9, 1, 9, 0)  # noqa: DTZ001 - the service tells no zone


# Rows, questions, benchmarks, models


async def test_rows_carry_the_model_that_the_evaluation_names() -> None:
    async with nugen() as (provider, _):
        rows = lines_of(await content(provider.dataset_content(f"rows-{SINGLE}")))

    assert rows == [row | {"model_id": FIRST} for row in ROWS]


async def test_rows_of_a_comparison_keep_the_model_that_each_names() -> None:
    named = [row | {"model_id": model} for row in ROWS for model in (FIRST, SECOND)]
    path = f"/api/v3/evaluations/{PAIR}/download"
    async with nugen(1, {("GET", path): answer({"detailed_results": named})}) as (provider, _):
        rows = lines_of(await content(provider.dataset_content(f"rows-{PAIR}")))

    assert [row["model_id"] for row in rows] == [FIRST, SECOND, FIRST, SECOND]


async def test_a_row_without_a_score_says_why() -> None:
    row = {"question_id": True, "question": "?", "score": "n/a", "model_answer": {"a": 1}}
    async with nugen(1, {DOWNLOAD: answer({"detailed_results": [row]})}) as (provider, _):
        (found,) = lines_of(await content(provider.dataset_content(f"rows-{SINGLE}")))

    assert found == {
        "question_id": "true",
        "question": "?",
        "expected_answer": None,
        "model_answer": '{"a": 1}',
        "score": None,
        "relevance": None,
        "model_id": FIRST,
        "error": "The service gives no score.",
    }


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"detailed_results": [{"question": "a"}, {"ques', id="broken off"),
        pytest.param(b'{"detailed_results": [{"question": "a"}', id="without an end"),
        pytest.param(b'{"rows": []}', id="another name"),
        pytest.param(b'{"detailed_results": [1]}', id="numbers"),
        pytest.param(b"[" * 100_000, id="deep"),
        pytest.param(b"", id="nothing"),
    ],
)
async def test_rows_that_are_none_are_a_bad_answer(body: bytes) -> None:
    async with nugen(1, {DOWNLOAD: answer(body)}) as (provider, _):
        with pytest.raises(BadAnswerError, match="read the evaluation's rows"):
            await content(provider.dataset_content(f"rows-{SINGLE}"))


async def test_many_rows_arrive_in_blocks_and_every_text_survives() -> None:
    texts = [f"{number} \ud800 é" + "x" * 1000 for number in range(300)]
    body = {"detailed_results": [{"question": text, "score": 1} for text in texts]}
    async with (
        nugen(1, {DOWNLOAD: answer(body)}) as (provider, _),
        provider.dataset_content(f"rows-{SINGLE}") as stream,
    ):
        blocks = [block async for block in stream]

    assert len(blocks) > 3
    assert [row["question"] for row in lines_of(b"".join(blocks))] == texts


async def test_rows_asked_for_too_early_are_refused_in_the_services_words() -> None:
    async with nugen() as (provider, _):
        with pytest.raises(InvalidRequestError, match="not completed yet"):
            await content(provider.dataset_content(f"rows-{RUNNING}"))


async def test_an_unknown_benchmark_names_the_tool_that_lists_them() -> None:
    async with nugen() as (provider, _):
        with pytest.raises(NotFoundError, match=r"No benchmark 'benchmark-0'.*list_datasets"):
            await content(provider.dataset_content("benchmark-0"))
        with pytest.raises(NotFoundError, match="no benchmark id"):
            await content(provider.dataset_content("../secrets"))


async def test_an_upload_sends_an_array_of_numbered_questions(tmp_path: Path) -> None:
    path = tmp_path / "capitals.jsonl"
    path.write_bytes('\ufeff{"question": "Perú?", "answer": 4, "other": 1}\n\n'.encode())
    async with nugen() as (provider, service):
        stored = await provider.upload_benchmark(path, "capitals.jsonl")

    (sent,) = service.sent("POST")
    body = sent.content.decode()
    assert '[\n{"question_num": 1, "question": "Per\\u00fa?", "answer": "4"}\n]' in body
    for field in ('name="name"', 'name="document_id"', 'name="description"', 'name="file"'):
        assert field in body
    assert stored.model_dump() == IsPartialDict(
        id=BENCHMARK_ID, filename="capitals", purpose="benchmark", LineCount=2, Processed=True
    )


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ('{"question": "a", "answer": "b"}\n{"question": "a"}\n', "line 2 has no `answer`"),
        ("[]\n", "line 1 has no `question`"),
        ("{\n", "line 1 has no `question`"),
    ],
)
async def test_a_file_that_is_no_benchmark_is_not_sent(
    text: str, part: str, tmp_path: Path
) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(text)
    async with nugen() as (provider, service):
        with pytest.raises(DatasetFaultError, match=part):
            await provider.upload_benchmark(path, "rows.jsonl")
        with pytest.raises(DatasetFaultError, match="cannot be read"):
            await provider.upload_benchmark(tmp_path / "nothing.jsonl", "nothing.jsonl")

    assert not service.sent("POST")


async def test_a_lost_answer_to_an_upload_sends_the_caller_to_the_list(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"question": "a", "answer": "b"}\n')
    async with nugen(1, {("POST", "/api/v3/benchmark/upload"): failing(500)}) as (
        provider,
        service,
    ):
        with pytest.raises(UnavailableError, match="list_datasets before uploading"):
            await provider.upload_benchmark(path, "rows.jsonl")

    assert len(service.sent("POST")) == 1


async def test_what_the_service_has_not_is_refused_with_what_to_do(tmp_path: Path) -> None:
    async with nugen() as (provider, service):
        with pytest.raises(UnsupportedError, match="`benchmark: true`"):
            await provider.upload_dataset(tmp_path / "rows.jsonl", "rows.jsonl")
        with pytest.raises(UnsupportedError, match="cannot cancel"):
            await provider.cancel_evaluation(RUNNING)
        assert await provider.list_judges() is None
        assert provider.rows_so_far(RUNNING) is None
        assert provider.types == {"benchmark"}
        assert provider.reports_progress
        assert provider.name_of(RUNNING) == "nugen"
        assert NUGEN_TOKEN not in provider.account

    assert not service.requests


async def test_models_of_both_lists_are_listed_once() -> None:
    async with nugen() as (provider, _):
        models = await provider.list_models()

    assert [(model.id, model.display_name) for model in models] == [
        (FIRST, "One"),
        (SECOND, "Two"),
        ("ours-1", "Ours"),
    ]


async def test_a_service_with_one_list_of_models_has_those() -> None:
    without: dict[Route, Played] = {("GET", "/api/v3/models/aligned"): failing(404)}
    async with nugen(1, without) as (provider, service):
        assert [model.id for model in await provider.list_models()] == [FIRST, SECOND]
        service.routes["GET", "/api/v3/models/base"] = failing(404)
        with pytest.raises(UnsupportedError):
            await provider.list_models()


# The embedded engine's additions


async def test_the_embedded_engine_is_given_the_key_and_cancels() -> None:
    path = f"/api/v3/evaluations/{RUNNING}"
    cancelled = status_of("failed", error="Cancelled after 3 of 10 rows; they are kept.")
    changes: dict[Route, Played] = {
        ("POST", f"{path}/cancel"): cancelled,
        ("GET", f"{path}/status"): cancelled,
    }
    async with nugen(1, changes, told=1, embedded=True, deadline=None) as (provider, service):
        await provider.create_evaluation(single(), key="k-1")
        job = await provider.cancel_evaluation(RUNNING)

    assert service.sent("POST")[0].headers["idempotency-key"] == "k-1"
    assert job.status == "user_error"
    assert EvaluationStatus.model_validate(job.model_dump()).status in ENDED


async def test_a_lost_answer_to_a_cancel_sends_the_caller_to_the_status() -> None:
    lost: dict[Route, Played] = {("POST", f"/api/v3/evaluations/{RUNNING}/cancel"): failing(500)}
    async with nugen(1, lost, embedded=True) as (provider, _):
        with pytest.raises(UnavailableError, match="get_status to see whether it was cancelled"):
            await provider.cancel_evaluation(RUNNING)
