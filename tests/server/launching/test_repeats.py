"""What makes a create a repetition of another, with a provider that lists what the test says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

import anyio
import pytest

from evals_mcp.errors import (
    AmbiguousCreateError,
    EvalsMCPError,
    InvalidRequestError,
    UnavailableError,
    UnsupportedError,
)
from evals_mcp.launching.codes import Code, ConfirmCodes
from evals_mcp.launching.launch import Launch
from evals_mcp.launching.repeats import Repeats
from evals_mcp.providers.protocol import AnyRequest
from evals_mcp.providers.several.ids import ServiceIds
from evals_mcp.providers.several.provider import SeveralProviders
from evals_mcp.spending.records import Spending
from evals_mcp.state.database import StateError
from evals_mcp.state.locks import FolderLocks
from evals_mcp.state.records import State
from evals_schemas.evaluation_api.evaluations import (
    EvaluationCreated,
    EvaluationJob,
    parse_evaluation_request,
)
from evals_schemas.tools.plans import Plan
from tests.server.fake_provider import NOON, FakeProvider
from tests.server.serving import unused_folder

CLASSIFY: dict[str, Any] = {
    "type": "classify",
    "parameters": {
        "judge": {
            "model": "m",
            "model_source": "external",
            "system_template": "{{question}}",
            "external_base_url": "https://models.example/v1",
            "external_api_token": "sk-1",
        },
        "input_data_file_path": "file-1",
        "labels": ["good", "bad"],
        "pass_labels": ["good"],
        "model_to_evaluate": "answer",
    },
}


@dataclass
class Service(FakeProvider):
    """Starts what it is asked to, unless the test has it fail."""

    keys: list[str | None] = field(default_factory=list[str | None])
    failures: list[EvalsMCPError] = field(default_factory=list[EvalsMCPError])
    on_create: Callable[[], None] = lambda: None
    unlisted: list[EvaluationJob] = field(default_factory=list[EvaluationJob])
    """Evaluations that can be read, but that the list does not show."""

    async def get_evaluation(self, evaluation_id: str) -> EvaluationJob:
        for job in self.unlisted:
            if job.workflow_id == evaluation_id:
                return job
        return await super().get_evaluation(evaluation_id)

    async def create_evaluation(
        self, request: AnyRequest, key: str | None = None
    ) -> EvaluationCreated:
        self.keys.append(key)
        self.on_create()
        await anyio.lowlevel.checkpoint()
        if self.failures:
            raise self.failures.pop(0)
        return EvaluationCreated(workflow_id=f"eval-{len(self.keys)}", status="pending")


class CreatingProcess:
    """A process: its memory, its time and its service."""

    def __init__(self, repeat_seconds: float = 900, folder: Path | None = None) -> None:
        self.now = NOON
        self.service = Service()
        self.folder = folder or unused_folder()
        self.records = State(self.folder, 2**26, lambda: self.now).of("alice")
        spending = Spending(self.records, None, lambda: self.now)
        self.repeats = Repeats(repeat_seconds, lambda: self.now, self.records, spending)
        self.locks = FolderLocks(self.folder)
        self.codes = ConfirmCodes(b"k" * 32, lambda: self.now)

    def launch(self, *, again: bool = False, code: Code | None = None, **changes: Any) -> Launch:
        body = {**CLASSIFY, "parameters": {**CLASSIFY["parameters"], **changes}}
        return Launch(parse_evaluation_request(body), self.service, Plan(calls=1), again, code)

    def agreed(self, *, again: bool = False) -> Launch:
        """A launch under a code given out now."""
        launch = self.launch(again=again)
        code = self.codes.issue(
            self.service.account, launch.digest, launch.estimate, 900, again=again
        )
        return replace(launch, code=code)

    def lists(self, job_id: str, created: datetime | None, status: str = "running") -> None:
        parameters = {
            **CLASSIFY["parameters"],
            "judge": {
                **CLASSIFY["parameters"]["judge"],
                "external_api_token": "****",
                "max_tokens": 32768,
            },
        }
        self.service.jobs.append(
            EvaluationJob(
                workflow_id=job_id,
                type="classify",
                status=status,
                created_at=created,
                parameters=parameters,
            )
        )

    async def started(self, launch: Launch) -> str:
        """What a whole create ends with: the id of a new evaluation or of an earlier one."""
        async with self.locks.hold(launch.account, launch.digest):
            earlier = await self.repeats.search(launch)
            if earlier.evaluation:
                return earlier.evaluation.evaluation_id
            key = self.codes.creation_key(launch.code) if launch.code else None
            return (await self.repeats.create(launch, earlier, key)).evaluation_id


async def test_the_same_create_again_is_the_same_evaluation() -> None:
    process = CreatingProcess()
    first = await process.started(process.launch())
    process.now += timedelta(seconds=900)

    assert await process.started(process.launch()) == first
    assert len(process.service.keys) == 1


async def test_after_a_while_the_same_create_is_meant() -> None:
    process = CreatingProcess()
    await process.started(process.launch())
    process.now += timedelta(seconds=901)

    assert await process.started(process.launch()) == "eval-2"


async def test_one_that_still_runs_is_repeated_at_any_age_although_the_list_is_too_long() -> None:
    process = CreatingProcess()
    first = await process.started(process.launch())
    process.now += timedelta(seconds=901)
    process.service.unlisted = [
        EvaluationJob(workflow_id=first, type="classify", status="running", parameters={})
    ]

    assert await process.started(process.launch()) == first
    process.service.unlisted[0].status = "completed"
    assert await process.started(process.launch()) == "eval-2"


async def test_with_a_window_of_nothing_every_create_is_meant() -> None:
    process = CreatingProcess(repeat_seconds=0)
    process.lists("eval-old", NOON)

    assert await process.started(process.launch()) == "eval-1"
    assert await process.started(process.launch()) == "eval-2"


@pytest.mark.parametrize(
    "changes",
    [
        {"labels": ["good", "bad", "other"]},
        {"input_data_file_path": "file-2"},
        {"judge": {**CLASSIFY["parameters"]["judge"], "external_api_token": "sk-2"}},
        {"judge": {**CLASSIFY["parameters"]["judge"], "temperature": 0.0}},
    ],
)
async def test_another_request_is_no_repetition(changes: dict[str, Any]) -> None:
    process = CreatingProcess()
    await process.started(process.launch())
    assert await process.started(process.launch(**changes)) == "eval-2"


async def test_the_same_request_of_another_account_is_no_repetition() -> None:
    process = CreatingProcess()
    await process.started(process.launch())
    process.service.account = "account-2"
    assert await process.started(process.launch()) == "eval-2"


async def test_creates_at_once_wait_for_each_other_and_start_one() -> None:
    process, found = CreatingProcess(), list[str]()

    async def create() -> None:
        found.append(await process.started(process.launch()))

    with anyio.fail_after(60):
        async with anyio.create_task_group() as tasks:
            for _ in range(20):
                tasks.start_soon(create)

    assert set(found) == {"eval-1"}
    assert len(process.service.keys) == 1


@pytest.mark.parametrize(
    ("age", "status", "found"),
    [
        (0, "pending", True),
        (900, "completed", True),
        (901, "completed", False),
        (90_000, "running", True),
        (90_000, "pending", True),
        (10, "error", False),
        (10, "user_error", False),
        (10, "paused", True),
    ],
)
async def test_what_another_process_has_started_is_found_in_the_list(
    age: int, status: str, found: bool
) -> None:
    process = CreatingProcess()
    process.lists("eval-other", NOON - timedelta(seconds=age), status)

    assert await process.started(process.launch()) == ("eval-other" if found else "eval-1")


async def test_a_listed_evaluation_without_a_date_is_not_taken_for_it() -> None:
    process = CreatingProcess()
    process.lists("eval-other", None, "completed")
    assert await process.started(process.launch()) == "eval-1"


async def test_a_service_whose_clock_is_an_hour_behind_does_not_make_a_young_one_old() -> None:
    process = CreatingProcess()
    first = await process.started(process.launch())
    process.lists(first, NOON - timedelta(hours=1), "running")
    assert await process.started(process.launch()) == first

    process.service.jobs[0].status = "completed"
    assert await process.started(process.launch()) == first


async def test_one_that_has_failed_since_may_be_started_again() -> None:
    process = CreatingProcess()
    first = await process.started(process.launch())
    process.lists(first, NOON, "error")
    assert await process.started(process.launch()) == "eval-2"


async def test_again_starts_another_one() -> None:
    process = CreatingProcess()
    process.lists("eval-other", NOON)
    assert await process.started(process.launch(again=True)) == "eval-1"
    assert await process.started(process.launch(again=True)) == "eval-2"


async def test_a_list_that_cannot_be_read_starts_nothing() -> None:
    process = CreatingProcess()
    process.service.error = UnavailableError("The list is down.")
    with pytest.raises(UnavailableError, match="The list is down"):
        await process.started(process.launch())
    assert not process.service.keys


async def test_a_service_without_a_list_is_remembered_only() -> None:
    process = CreatingProcess()
    process.service.error = UnsupportedError("No list.")
    assert await process.started(process.launch()) == "eval-1"
    assert await process.started(process.launch()) == "eval-1"


@pytest.mark.parametrize(("failing", "told"), [("alpha", True), ("beta", False)])
async def test_only_the_failing_list_of_its_own_service_keeps_an_evaluation_from_starting(
    failing: str, *, told: bool
) -> None:
    members = [Service(name="alpha"), Service(name="beta")]
    for member in members:
        if member.name == failing:
            member.error = UnavailableError("It is down.")
    several = SeveralProviders("several", ServiceIds(members, {"alpha", "beta"}))
    process = CreatingProcess()
    launch = replace(process.launch(input_data_file_path="alpha:file-1"), provider=several)
    if told:
        with pytest.raises(UnavailableError, match="may be running already"):
            await process.started(launch)
        assert not members[0].keys
    else:
        assert await process.started(launch) == "eval-1"


# Codes


@pytest.mark.parametrize("again", [True, False])
async def test_a_code_starts_one_evaluation_however_often_it_comes(again: bool) -> None:
    process = CreatingProcess()
    launch = process.agreed(again=again)
    first = await process.started(launch)
    process.now += timedelta(days=1)

    assert await process.started(launch) == first
    assert len(process.service.keys) == 1


async def test_two_codes_for_another_one_start_two() -> None:
    process = CreatingProcess()
    first = await process.started(process.agreed(again=True))
    process.now += timedelta(seconds=1)
    assert await process.started(process.agreed(again=True)) != first


@pytest.mark.parametrize("again", [True, False])
@pytest.mark.parametrize("status", ["running", "error"])
async def test_a_code_that_another_process_has_used_answers_with_its_evaluation(
    again: bool, status: str
) -> None:
    process = CreatingProcess()
    launch = process.agreed(again=again)
    process.lists("eval-other", NOON + timedelta(seconds=3), status)

    assert await process.started(launch) == "eval-other"


async def test_a_code_for_another_one_passes_by_what_was_there_before_it() -> None:
    process = CreatingProcess()
    process.lists("eval-other", NOON - timedelta(seconds=1))
    assert await process.started(process.agreed(again=True)) == "eval-1"


# Lost answers


async def lost(process: CreatingProcess, launch: Launch | None = None) -> None:
    process.service.failures = [AmbiguousCreateError("Its answer was lost.")]
    with pytest.raises(AmbiguousCreateError, match="Its answer was lost"):
        await process.started(launch or process.launch())


async def test_after_a_lost_answer_the_same_create_waits_for_the_list() -> None:
    process = CreatingProcess()
    await lost(process)
    process.now += timedelta(seconds=18)
    with pytest.raises(AmbiguousCreateError) as caught:
        await process.started(process.launch())

    assert "again in 42 s" in str(caught.value)
    assert "`again` true" in str(caught.value)
    assert len(process.service.keys) == 1


async def test_after_a_lost_answer_the_evaluation_is_found_once_it_is_listed() -> None:
    process = CreatingProcess(repeat_seconds=0)
    await lost(process)
    process.lists("eval-late", NOON - timedelta(seconds=60))

    assert await process.started(process.launch()) == "eval-late"


async def test_a_minute_after_a_lost_answer_it_is_sent_again_with_the_same_key() -> None:
    process = CreatingProcess()
    await lost(process)
    process.now += timedelta(seconds=60)

    assert await process.started(process.launch()) == "eval-2"
    assert process.service.keys[0] == process.service.keys[1]


async def test_again_does_not_wait_and_sends_a_key_of_its_own() -> None:
    process = CreatingProcess()
    await lost(process)

    assert await process.started(process.launch(again=True)) == "eval-2"
    assert process.service.keys[0] != process.service.keys[1]


async def test_a_code_for_another_one_whose_answer_was_lost_waits_too() -> None:
    process = CreatingProcess()
    await process.started(process.launch())
    launch = process.agreed(again=True)
    await lost(process, launch)
    with pytest.raises(AmbiguousCreateError, match="again in 60 s"):
        await process.started(launch)

    process.lists("eval-late", NOON + timedelta(seconds=1))
    assert await process.started(launch) == "eval-late"
    assert len(process.service.keys) == 2


async def test_a_lost_create_is_not_taken_for_any_earlier_one() -> None:
    process = CreatingProcess(repeat_seconds=0)
    for number in (1, 2):
        process.lists(await process.started(process.launch(again=True)), NOON)
        assert len(process.service.jobs) == number
    await lost(process)
    with pytest.raises(AmbiguousCreateError, match="again in 60 s"):
        await process.started(process.launch())


async def test_a_call_that_is_cancelled_half_way_counts_as_a_lost_answer() -> None:
    process = CreatingProcess()
    with anyio.CancelScope() as scope:
        process.service.on_create = scope.cancel
        await process.started(process.launch())
    assert scope.cancelled_caught
    with pytest.raises(AmbiguousCreateError, match="again in 60 s"):
        await process.started(process.launch())


async def test_a_create_that_was_refused_leaves_nothing_to_wait_for() -> None:
    process = CreatingProcess()
    process.service.failures = [InvalidRequestError("No such model.")]
    with pytest.raises(InvalidRequestError):
        await process.started(process.launch())

    assert await process.started(process.launch()) == "eval-2"


# Other processes of one data folder


def another(process: CreatingProcess) -> CreatingProcess:
    """Return a second process on the same data folder and the same service."""
    second = CreatingProcess(folder=process.folder)
    second.service = process.service
    return second


async def test_two_processes_of_one_folder_start_one_although_the_service_lists_nothing() -> None:
    process = CreatingProcess()
    processes, ids = [process, another(process)], list[str]()

    async def create(number: int) -> None:
        ids.append(await processes[number % 2].started(processes[number % 2].launch()))

    with anyio.fail_after(120):
        async with anyio.create_task_group() as tasks:
            for number in range(10):
                tasks.start_soon(create, number)

    assert set(ids) == {"eval-1"}
    assert len(process.service.keys) == 1


async def test_a_process_that_starts_later_recognises_a_code_that_was_used() -> None:
    process = CreatingProcess()
    launch = process.agreed(again=True)
    first = await process.started(launch)
    process.now += timedelta(seconds=1)
    second = another(process)
    second.now = process.now

    assert await second.started(replace(launch, provider=second.service)) == first


async def test_a_process_that_starts_later_waits_for_a_create_that_was_lost_before_it() -> None:
    process = CreatingProcess()
    await lost(process)
    second = another(process)
    second.now += timedelta(seconds=20)

    with pytest.raises(AmbiguousCreateError, match="again in 40 s"):
        await second.started(second.launch())


async def test_an_evaluation_that_cannot_be_recorded_is_started_all_the_same(
    caplog: pytest.LogCaptureFixture,
) -> None:
    process = CreatingProcess()

    def full() -> NoReturn:
        raise StateError("The disk is full.")

    def fill_the_disk() -> None:
        process.records.together = full

    process.service.on_create = fill_the_disk
    assert await process.started(process.launch()) == "eval-1"
    assert "eval-1 was started but not recorded: The disk is full." in caplog.text
    with pytest.raises(AmbiguousCreateError, match="again in 60 s"):
        await process.started(process.launch())


async def test_a_state_that_cannot_be_used_starts_nothing(tmp_path: Path) -> None:
    (tmp_path / "state.db").write_text("This is not a database of records, but a text.")
    process = CreatingProcess(folder=tmp_path)
    with pytest.raises(StateError, match="nothing was changed"):
        await process.started(process.launch())
    assert not process.service.keys


@pytest.mark.parametrize("is_default", [True, False])
def test_a_second_service_that_is_configured_later_changes_no_digest(*, is_default: bool) -> None:
    process = CreatingProcess()
    alone = process.launch()
    members = [process.service, Service(name="beta", account="account-beta")]
    ids = ServiceIds(members if is_default else members[::-1], ["local", "beta"])
    file_id = "file-1" if is_default else "local:file-1"
    several = SeveralProviders("several", ids)
    beside = replace(process.launch(input_data_file_path=file_id), provider=several)

    assert (beside.digest, beside.account) == (alone.digest, alone.account)
