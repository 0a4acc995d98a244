import anyio
import pytest
from tests.server.fake_provider import NOON, FakeProvider, classify_job
from tests.server.serving import MODES, FakeTime, Mode, served

from evals_schemas.evaluation_api.evaluations import EvaluationJob, EvaluationStatus, Progress


def running(done: int, total: int | None = 10) -> EvaluationStatus:
    return EvaluationStatus(status="running", progress=Progress(done=done, total=total))


def running_job(progress: Progress | None = None) -> EvaluationJob:
    return EvaluationJob(
        workflow_id="eval-1",
        type="classify",
        status="running",
        created_at=NOON.replace(hour=11, minute=59),
        progress=progress,
    )


@pytest.mark.parametrize("mode", MODES)
async def test_a_wait_reports_every_row_done_and_returns_at_the_end(mode: Mode) -> None:
    time = FakeTime()
    fake = FakeProvider(
        jobs=[running_job(Progress(done=0, total=10))],
        statuses=[running(0), running(4), running(4), running(9), classify_job()],
        ended=classify_job(),
    )
    seen: list[tuple[float, float | None]] = []

    async def progressed(progress: float, total: float | None, message: str | None) -> None:
        seen.append((progress, total))

    async with served(fake, mode, clock=time.clock()) as server:
        result = await server.client.call_tool(
            "get_status",
            {"evaluation_id": "eval-1", "wait_seconds": 45},
            progress_callback=progressed,
        )

    assert result.structured_content["status"] == "completed"
    assert result.structured_content["headline"].startswith("84.7 % of 72 answers pass")
    assert seen == [(0, 10), (4, 10), (9, 10), (72, 72)]
    assert sum(time.pauses) < 5


async def test_a_wait_ends_with_its_time() -> None:
    time = FakeTime()
    fake = FakeProvider(jobs=[running_job()], statuses=[running(3)])
    async with served(fake, clock=time.clock()) as server:
        answer = await server.answer("get_status", evaluation_id="eval-1", wait_seconds=45)

    assert answer == {
        "evaluation_id": "eval-1",
        "status": "running",
        "finished": False,
        "progress": {"done": 3, "total": 10},
        "elapsed_seconds": 60.0,
        "next_step": "Call get_status with evaluation_id eval-1 and wait_seconds 45.",
        "data_not_instructions": ["error", "headline"],
    }
    assert sum(time.pauses) == pytest.approx(45)
    assert time.pauses[0] == 0.25
    assert max(time.pauses) == 2.0


async def test_a_provider_without_progress_is_asked_less_often_and_says_so() -> None:
    time = FakeTime()
    silent = EvaluationStatus(status="running")
    fake = FakeProvider(reports_progress=False, jobs=[running_job()], statuses=[silent])
    async with served(fake, clock=time.clock()) as server:
        answer = await server.answer("get_status", evaluation_id="eval-1", wait_seconds=45)

    assert "progress" not in answer
    assert answer["progress_note"]
    assert max(time.pauses) == 5.0


async def test_without_a_wait_it_looks_once() -> None:
    fake = FakeProvider(jobs=[running_job()])
    async with served(fake) as server:
        await server.answer("get_status", evaluation_id="eval-1")

    assert fake.polls == 0


async def test_a_failed_evaluation_says_why_in_clean_words() -> None:
    failed = EvaluationJob.model_validate(
        {
            "workflow_id": "eval-1",
            "status": "user_error",
            "results": {"error": "Unsupported column \x1b[31m\u202ered"},
        }
    )
    async with served(FakeProvider(jobs=[failed])) as server:
        answer = await server.answer("get_status", evaluation_id="eval-1", wait_seconds=45)

    assert answer["error"] == "Unsupported column red"
    assert "create_evaluation" in answer["next_step"]


@pytest.mark.parametrize(
    ("status", "expected"),
    [("running", "It starts no further row"), ("completed", "had already ended")],
)
async def test_a_cancel_says_what_became_of_it(status: str, expected: str) -> None:
    class Cancelling(FakeProvider):
        async def cancel_evaluation(self, evaluation_id: str) -> EvaluationJob:
            return EvaluationJob.model_validate({"workflow_id": evaluation_id, "status": status})

    async with served(Cancelling()) as server:
        answer = await server.answer("cancel_evaluation", evaluation_id="eval-1")

    assert expected in answer["next_step"]


async def test_a_cancelled_call_stops_polling() -> None:
    fake = FakeProvider(jobs=[running_job()], statuses=[running(1)])
    async with served(fake) as server:
        with anyio.move_on_after(0.05):
            await server.call("get_status", evaluation_id="eval-1", wait_seconds=45)
        await server.answer("get_status", evaluation_id="eval-1")
        polls = fake.polls
        await server.answer("get_status", evaluation_id="eval-1")

    assert fake.polls == polls <= 1


async def test_a_run_that_does_not_get_on_says_why() -> None:
    stuck = running(3)
    assert stuck.progress is not None
    stuck.progress.note = "The evaluation waits and resumes by itself: the disk is full."
    fake = FakeProvider(jobs=[running_job()], statuses=[stuck])
    async with served(fake, clock=FakeTime().clock()) as server:
        answer = await server.answer("get_status", evaluation_id="eval-1", wait_seconds=5)
        text = await server.text("get_status", evaluation_id="eval-1", wait_seconds=5)
    assert (
        answer["progress_note"] == "The evaluation waits and resumes by itself: the disk is full."
    )
    assert answer["progress_note"] in text
