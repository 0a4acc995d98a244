from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from inline_snapshot import snapshot

from evals_mcp.errors import (
    BadAnswerError,
    NotFoundError,
    UnavailableError,
)
from evals_schemas.evaluation_api.evaluations import (
    ENDED,
)
from tests.server.nugen_exchanges import (
    BENCHMARK_ID,
    CREATED,
    FIRST,
    LIST,
    NOW,
    NUGEN_TOKEN,
    RESULTS,
    RUNNING,
    SINGLE,
    STATUS,
    Clock,
    Played,
    Route,
    failing,
    html,
    nugen,
    recorded,
    single,
    status_of,
)


@pytest.mark.parametrize(
    ("word", "state"),
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
async def test_a_status_is_read_without_regard_to_case(word: str, state: str) -> None:
    async with nugen(1, {STATUS: status_of(word)}) as (provider, _):
        assert (await provider.get_status(RUNNING)).status == state


@pytest.mark.parametrize("word", ["Summarizing", "PROCESSING", "QUEUED"])
async def test_an_evaluation_without_an_end_is_given_up_at_the_deadline(word: str) -> None:
    clock = Clock()
    async with nugen(1, {STATUS: status_of(word)}, clock=clock) as (provider, _):
        clock.now = datetime(2026, 9, 2, 11, 0, tzinfo=UTC)
        assert (await provider.get_status(RUNNING)).status not in ENDED
        clock.now += timedelta(hours=3)
        status = await provider.get_status(RUNNING)
        job = await provider.get_evaluation(RUNNING)

    assert status.status == job.status == "error"
    assert status.results == job.results
    assert status.results is not None
    assert status.results["error"] == (
        f"The service has reported '{word}' for 26 h, longer than nugen.deadline_hours allows. The "
        "evaluation may still run there, and cost. Raise nugen.deadline_hours to keep waiting, or "
        "call create_evaluation to start anew."
    )


async def test_without_a_deadline_nothing_is_given_up() -> None:
    clock = Clock(NOW + timedelta(days=90))
    async with nugen(1, deadline=None, clock=clock) as (provider, service):
        assert (await provider.get_status(RUNNING)).status == "running"

    assert ("GET", "/api/v3/evaluations") not in {(r.method, r.url.path) for r in service.requests}


async def test_a_failure_carries_the_reason_that_the_service_gives() -> None:
    status = status_of("FAILED", error=f"no answer from the model, token {NUGEN_TOKEN[:3]}\x07")
    async with nugen(1, {STATUS: status}) as (provider, _):
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


async def test_a_failure_is_reported_even_where_its_results_cannot_be_read() -> None:
    broken: dict[Route, Played] = {
        STATUS: status_of("FAILED"),
        ("GET", f"/api/v3/evaluations/{RUNNING}/results"): failing(500),
    }
    async with nugen(1, broken) as (provider, _):
        job = await provider.get_evaluation(RUNNING)

    assert job.results is not None
    assert job.results["error"] == "The service reports 'FAILED' without a reason."


async def test_results_of_a_finished_evaluation_that_cannot_be_read_are_an_error() -> None:
    async with nugen(1, {RESULTS: failing(500)}) as (provider, _):
        with pytest.raises(UnavailableError, match="read the evaluation and answered 500"):
            await provider.get_evaluation(SINGLE)


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


@pytest.mark.parametrize("early", [400, 404])
async def test_results_asked_for_too_early_leave_a_running_evaluation(early: int) -> None:
    async with nugen(1, {RESULTS: failing(early)}) as (provider, _):
        job = await provider.get_evaluation(SINGLE)

    assert (job.status, job.results) == ("running", None)
    assert job.progress
    assert (job.progress.done, job.progress.total) == (2, 2)


async def test_a_status_that_cannot_be_read_says_how_long_it_was_tried() -> None:
    async with nugen(1, {STATUS: failing(500)}, configured=1) as (provider, service):
        with pytest.raises(UnavailableError) as caught:
            await provider.get_status(RUNNING)

    assert len(service.requests) == 4
    assert str(caught.value) == snapshot(
        "nugen (api.nugen.in) was asked to read the evaluation's status and answered 500; it was "
        "tried 4 times in 4 s. Try again in about a minute. The evaluation itself may be running: "
        "do not create it again for this."
    )


async def test_a_page_instead_of_a_status_is_reported_plainly() -> None:
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
    status = status_of("in_progress", progress=text, questions_completed=-1)
    async with nugen(1, {STATUS: status}) as (provider, _):
        assert (await provider.get_status(RUNNING)).progress is None
