"""What `create_evaluation` asks before it starts, and what it answers instead of starting twice."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import anyio
import pytest
from dirty_equals import IsPartialDict, IsStr
from mcp.client.session import ClientRequestContext
from mcp_types import (
    ElicitRequestFormParams,
    ElicitRequestParams,
    ElicitResult,
    ErrorData,
    InputRequiredResult,
)
from tests.server.fake_provider import NOON, FakeProvider, jsonl
from tests.server.serving import MODES, FakeTime, Mode, Served, served, settings, text_of
from tests.server.tokens import tokens

from evals_mcp.errors import UnavailableError
from evals_mcp.tools.calls.session import Clock
from evals_schemas.evaluation_api.evaluations import EvaluationJob
from evals_schemas.evaluation_api.files import File
from evals_schemas.evaluation_api.models import Model, Pricing

CLASSIFY: dict[str, Any] = {
    "type": "classify",
    "input_data_file_path": "file-1",
    "judge": {"model": "judge-1", "system_template": "Rate {{question}}"},
    "labels": ["good", "bad"],
    "pass_labels": ["good"],
    "response_column": "answer",
}
FREE = {**CLASSIFY, "judge": {"model": "rule/contains", "system_template": "{{question}}"}}
ASKING = {"confirm_above_usd": 0}


def provider(rows: int = 20) -> FakeProvider:
    lines = [{"question": f"What is {n} + 1?", "answer": str(n + 1)} for n in range(rows)]
    return FakeProvider(
        contents={"file-1": jsonl(*lines)},
        models=[Model(id="judge-1", pricing=Pricing(input=50, output=50))],
    )


@dataclass
class User:
    """Somebody in front of a client, who answers each question with the next action."""

    actions: list[Literal["accept", "decline", "cancel", "fail", "never"]]
    questions: list[str] = field(default_factory=list[str])
    forms: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    async def __call__(
        self, context: ClientRequestContext, params: ElicitRequestParams
    ) -> ElicitResult | ErrorData:
        assert isinstance(params, ElicitRequestFormParams)
        self.questions.append(params.message)
        self.forms.append(params.requested_schema)
        action = self.actions.pop(0)
        if action == "never":
            await anyio.sleep_forever()
        if action == "fail":
            return ErrorData(code=-32603, message="no window to show this in")
        return ElicitResult.model_validate({"action": action})


class Calendar:
    """The time of a test, which passes when it says so."""

    def __init__(self) -> None:
        self.now = NOON

    def clock(self) -> Clock:
        async def forever(_: float) -> None:
            await anyio.sleep_forever()

        return Clock(now=self._now, monotonic=lambda: 0.0, sleep=forever)

    def _now(self) -> datetime:
        return self.now


@asynccontextmanager
async def asking(
    fake: FakeProvider, user: User | None = None, mode: Mode = "2026-07-28", **budget: Any
) -> AsyncGenerator[Served]:
    configured = settings(budget={**ASKING, **budget})
    async with served(fake, mode, configured, Calendar().clock(), user) as server:
        yield server


@pytest.mark.parametrize("mode", MODES)
async def test_the_user_is_asked_once_and_agrees(mode: Mode) -> None:
    fake, user = provider(), User(["accept"])
    async with asking(fake, user, mode) as server:
        answer = await server.answer("create_evaluation", **CLASSIFY)

    assert answer["outcome"] == "started"
    assert len(fake.requests) == 1
    (question,) = user.questions
    assert question.startswith(
        "Start a classify evaluation on local? Judge 'judge-1' on data set 'file-1'; 20 rows, 20 "
    )
    assert "estimated cost $" in question
    assert user.forms == [{"type": "object", "properties": {}}]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("action", ["decline", "cancel"])
async def test_a_user_who_does_not_agree_starts_nothing(
    mode: Mode, action: Literal["decline", "cancel"]
) -> None:
    fake, user = provider(), User([action, "accept"])
    async with asking(fake, user, mode) as server:
        answer = await server.answer("create_evaluation", **CLASSIFY)
        assert answer["outcome"] == "declined"
        assert answer["plan"]["rows"] == 20
        assert not fake.requests

        again = await server.answer("create_evaluation", **CLASSIFY)

    assert again["outcome"] == "started"
    assert len(user.questions) == 2


async def test_a_user_who_does_not_answer_in_time_leaves_a_code_that_works() -> None:
    fake, user, time = provider(), User(["never"]), FakeTime()
    configured = settings(budget=ASKING)
    async with served(fake, "legacy", configured, time.clock(), user) as server:
        asked = await server.answer("create_evaluation", **CLASSIFY)
        assert asked["outcome"] == "confirm"
        assert not fake.requests
        assert time.pauses == [40]

        answer = await server.answer("create_evaluation", **CLASSIFY, confirm=asked["confirm"])

    assert answer["outcome"] == "started"
    assert len(fake.requests) == 1


async def test_a_client_that_fails_to_ask_is_given_a_code() -> None:
    fake, user = provider(), User(["fail"])
    async with asking(fake, user, "legacy") as server:
        asked = await server.answer("create_evaluation", **CLASSIFY)
        answer = await server.answer("create_evaluation", **CLASSIFY, confirm=asked["confirm"])

    assert (asked["outcome"], answer["outcome"]) == ("confirm", "started")


async def test_a_client_that_comes_back_without_an_answer_is_given_a_code() -> None:
    fake = provider()
    async with asking(fake, User([])) as server:
        call = server.client.session.call_tool
        first = await call("create_evaluation", CLASSIFY, allow_input_required=True)
        assert isinstance(first, InputRequiredResult)

        asked = await server.answer("create_evaluation", **CLASSIFY)
        answer = await server.answer("create_evaluation", **CLASSIFY, confirm=asked["confirm"])

    assert (asked["outcome"], answer["outcome"]) == ("confirm", "started")


async def test_an_answer_beside_another_request_starts_nothing() -> None:
    fake = provider()
    async with asking(fake, User([])) as server:
        call = server.client.session.call_tool
        first = await call("create_evaluation", CLASSIFY, allow_input_required=True)
        assert isinstance(first, InputRequiredResult)
        other = await server.client.call_tool(
            "create_evaluation",
            {**CLASSIFY, "labels": ["good", "bad", "other"]},
            input_responses={"confirm": ElicitResult(action="accept")},
            request_state=first.request_state,
        )
        assert other.structured_content == IsPartialDict(outcome="confirm")
        assert "another request" in text_of(other)

        none = await server.client.call_tool(
            "create_evaluation",
            CLASSIFY,
            input_responses={"confirm": ElicitResult(action="accept")},
            request_state="made up",
        )

    assert none.is_error
    assert "Nothing was started" in text_of(none)
    assert not fake.requests


@pytest.mark.parametrize("mode", MODES)
async def test_a_client_that_cannot_ask_is_given_the_plan_and_a_code(mode: Mode) -> None:
    fake = provider()
    async with asking(fake, mode=mode) as server:
        result = await server.call("create_evaluation", **CLASSIFY)
        text, asked = text_of(result), result.structured_content

        assert asked == IsPartialDict(
            outcome="confirm",
            confirm=IsStr(regex="[A-Za-z0-9_-]{60}"),
            expires_in_seconds=900,
            calls=20,
            plan=IsPartialDict(rows=20),
        )
        assert "evaluation_id" not in asked
        assert text.startswith("Nothing was started: the user must agree")
        assert asked["confirm"] in text
        assert asked["next_step"] in text
        assert "above $0.00 (budget.confirm_above_usd)" in text
        assert not fake.requests

        answer = await server.answer("create_evaluation", **CLASSIFY, confirm=asked["confirm"])
        replay = await server.answer("create_evaluation", **CLASSIFY, confirm=asked["confirm"])

    assert answer["outcome"] == "started"
    assert (replay["outcome"], replay["evaluation_id"]) == ("exists", answer["evaluation_id"])
    assert len(fake.requests) == 1


async def test_a_code_at_another_price_is_asked_about_again(tmp_path: Path) -> None:
    fake, configured = provider(), settings(tmp_path, budget=ASKING)
    async with served(fake, configured=configured) as server:
        code = (await server.answer("create_evaluation", **CLASSIFY))["confirm"]
    fake.models = [Model(id="judge-1", pricing=Pricing(input=5000, output=5000))]
    async with served(fake, configured=configured) as server:
        stale = await server.answer("create_evaluation", **CLASSIFY, confirm=code)
        assert stale["outcome"] == "confirm"
        assert "The estimate changed from 20 model calls, estimated cost $" in stale["next_step"]
        assert not fake.requests
        answer = await server.answer("create_evaluation", **CLASSIFY, confirm=stale["confirm"])

    assert answer["outcome"] == "started"


async def test_a_code_holds_when_the_price_falls() -> None:
    fake = provider()
    async with asking(fake) as server:
        code = (await server.answer("create_evaluation", **CLASSIFY))["confirm"]
        fake.models = [Model(id="judge-1", pricing=Pricing(input=5, output=50))]
        answer = await server.answer("create_evaluation", **CLASSIFY, confirm=code)

    assert answer["outcome"] == "started"


def dearer(fake: FakeProvider) -> None:
    fake.models = [Model(id="judge-1", pricing=Pricing(input=5000, output=5000))]


async def test_a_price_that_rises_while_the_user_is_asked_starts_nothing() -> None:
    fake = provider()

    async def slow_user(
        context: ClientRequestContext,
        params: ElicitRequestParams,
    ) -> ElicitResult | ErrorData:
        dearer(fake)
        return ElicitResult(action="accept")

    configured = settings(budget=ASKING)
    async with served(fake, "legacy", configured, ask_user=slow_user) as server:
        asked = await server.answer("create_evaluation", **CLASSIFY)
        assert asked["outcome"] == "confirm"
        assert "The estimate changed from 20 model calls" in asked["next_step"]
        assert not fake.requests
        answer = await server.answer("create_evaluation", **CLASSIFY, confirm=asked["confirm"])

    assert answer["outcome"] == "started"


async def test_a_reply_after_the_price_has_risen_is_asked_about_again() -> None:
    fake, user = provider(), User(["accept", "accept"])

    async def slow_user(
        context: ClientRequestContext, params: ElicitRequestParams
    ) -> ElicitResult | ErrorData:
        dearer(fake)
        return await user(context, params)

    async with served(fake, configured=settings(budget=ASKING), ask_user=slow_user) as server:
        answer = await server.answer("create_evaluation", **CLASSIFY)

    assert answer["outcome"] == "started"
    assert len(fake.requests) == 1
    assert "The estimate changed from 20 model calls" in user.questions[1]


class NoPrices(FakeProvider):
    async def list_models(self) -> list[Model]:
        raise UnavailableError("The service cannot be reached.")


@pytest.mark.parametrize(("service", "outcome"), [("together", "confirm"), ("local", "started")])
async def test_a_price_list_that_cannot_be_had_is_a_reason_to_ask(
    service: str, outcome: str
) -> None:
    fake = NoPrices(name=service, contents=provider().contents)
    async with served(fake) as server:
        answer = await server.answer("create_evaluation", **CLASSIFY)

    assert answer["outcome"] == outcome
    if outcome == "confirm":
        assert "price list is unavailable" in answer["next_step"]
        assert "warnings" not in answer["next_step"]


async def test_a_question_without_a_price_says_so_once() -> None:
    fake, user = provider(), User(["accept"])
    fake.models = [Model(id="judge-1")]
    async with asking(fake, user, confirm_above_calls=5) as server:
        await server.answer("create_evaluation", **CLASSIFY)

    (asked,) = user.questions
    assert asked == (
        "Start a classify evaluation on local? Judge 'judge-1' on data set 'file-1'; 20 rows, 20 "
        "model calls, price unknown. Without a price, more than 5 calls "
        "(budget.confirm_above_calls) need the user's agreement."
    )


async def test_a_warning_about_what_is_free_is_the_reason_that_is_given() -> None:
    itself = {
        "type": "compare",
        "input_data_file_path": "file-1",
        "judge": FREE["judge"],
        "response_column_a": "answer",
        "response_column_b": "answer",
    }
    async with served(provider()) as server:
        planned = await server.answer("create_evaluation", **itself, dry_run=True)
        asked = await server.answer("create_evaluation", **itself)

    (warning, *_) = planned["warnings"]
    assert f"The reason is a warning: {warning}" in planned["next_step"]
    assert "the cost and the warnings" in asked["next_step"]


async def test_an_evaluation_that_is_being_cancelled_says_so() -> None:
    fake = provider()
    async with served(fake) as server:
        started = await server.answer("create_evaluation", **FREE)
        parameters = fake.requests[0].parameters.model_dump(exclude_none=True)
        note = "The evaluation is being cancelled; rows in flight have 30 s to finish."
        fake.jobs = [
            EvaluationJob.model_validate(
                {
                    "workflow_id": started["evaluation_id"],
                    "type": "classify",
                    "status": "running",
                    "created_at": datetime.now(NOON.tzinfo),
                    "parameters": parameters,
                    "progress": {"done": 3, "total": 20, "note": note},
                }
            )
        ]
        same = await server.answer("create_evaluation", **FREE)

    assert same["outcome"] == "exists"
    assert same["next_step"].startswith(note)


@pytest.mark.parametrize(
    ("later", "changes", "told"),
    [
        (901, {}, "The code has expired; it was valid for 900 s."),
        (1, {"labels": ["good", "bad", "other"]}, "for another request"),
        (1, {"again": True}, "without `again`"),
    ],
)
async def test_a_stale_code_says_why_and_comes_with_a_fresh_one(
    later: int, changes: dict[str, Any], told: str
) -> None:
    fake, calendar = provider(), Calendar()
    async with served(fake, configured=settings(budget=ASKING), clock=calendar.clock()) as server:
        code = (await server.answer("create_evaluation", **CLASSIFY))["confirm"]
        calendar.now += timedelta(seconds=later)
        stale = await server.answer("create_evaluation", **{**CLASSIFY, **changes}, confirm=code)
        assert stale["outcome"] == "confirm"
        assert told in stale["next_step"]
        assert not fake.requests

        fresh = stale["confirm"]
        answer = await server.answer("create_evaluation", **{**CLASSIFY, **changes}, confirm=fresh)

    assert answer["outcome"] == "started"


async def test_a_stale_code_for_what_is_there_already_answers_with_it(tmp_path: Path) -> None:
    fake, calendar = provider(), Calendar()
    configured = settings(tmp_path, budget={**ASKING, "confirm_seconds": 60})
    async with served(fake, configured=configured, clock=calendar.clock()) as server:
        stale = (await server.answer("create_evaluation", **CLASSIFY))["confirm"]
        calendar.now += timedelta(seconds=61)
        fresh = (await server.answer("create_evaluation", **CLASSIFY))["confirm"]
        started = await server.answer("create_evaluation", **CLASSIFY, confirm=fresh)
        for arguments in ({"confirm": stale}, {}):
            answer = await server.answer("create_evaluation", **CLASSIFY, **arguments)
            assert answer["outcome"] == "exists"
            assert answer["evaluation_id"] == started["evaluation_id"]

    assert len(fake.requests) == 1


@pytest.mark.parametrize("code", ["yes", "A" * 60, " "])
async def test_what_is_no_code_starts_nothing(code: str) -> None:
    fake = provider()
    async with asking(fake) as server:
        text = await server.refusal("create_evaluation", **CLASSIFY, confirm=code)

    assert "is not a code that this server has issued to you" in text
    assert "Nothing was started" in text
    assert not fake.requests


async def test_a_code_is_taken_by_every_server_of_the_account_and_no_other(tmp_path: Path) -> None:
    mine, others = provider(), provider()
    others.account = "account-2"
    configured = settings(tmp_path, budget=ASKING)
    async with served(mine, configured=configured) as server:
        code = (await server.answer("create_evaluation", **CLASSIFY))["confirm"]
    async with served(others, configured=configured) as server:
        text = await server.refusal("create_evaluation", **CLASSIFY, confirm=code)
    assert "not a code that this server has issued to you" in text
    async with served(mine, configured=configured) as server:
        answer = await server.answer("create_evaluation", **CLASSIFY, confirm=code)

    assert answer["outcome"] == "started"
    assert (len(mine.requests), len(others.requests)) == (1, 0)


async def test_above_the_limit_nothing_starts_and_nobody_is_asked() -> None:
    fake, user = provider(), User([])
    async with asking(fake, user, max_usd=0.01) as server:
        text = await server.refusal("create_evaluation", **CLASSIFY)
        planned = await server.answer("create_evaluation", **CLASSIFY, dry_run=True)

    assert "above budget.max_usd ($0.01)" in text
    assert "Nothing was started" in text
    assert planned["outcome"] == "plan"
    assert "A create would be refused." in planned["next_step"]
    assert not fake.requests


async def test_what_is_free_starts_without_a_question() -> None:
    fake, user = provider(100), User([])
    async with asking(fake, user, confirm_above_calls=0, max_usd=0) as server:
        answer = await server.answer("create_evaluation", **FREE)

    assert (answer["outcome"], answer["calls"]) == ("started", 0)


async def test_the_same_create_again_answers_with_what_is_there() -> None:
    fake = provider(100)
    async with served(fake) as server:
        first = await server.answer("create_evaluation", **FREE)
        result = await server.call("create_evaluation", **FREE)
        other = await server.answer("create_evaluation", **FREE, again=True)

    same = result.structured_content
    assert same == IsPartialDict(outcome="exists", evaluation_id=first["evaluation_id"])
    assert "`again` true" in same["next_step"]
    assert "Nothing new was started." in text_of(result)
    assert other["outcome"] == "started"
    assert len(fake.requests) == 2


# Dry runs


async def test_a_dry_run_tells_everything_and_starts_nothing() -> None:
    fake, user = provider(), User([])
    async with asking(fake, user) as server:
        result = await server.call("create_evaluation", **CLASSIFY, dry_run=True)

    answer = result.structured_content
    assert answer == IsPartialDict(outcome="plan", calls=20, plan=IsPartialDict(rows=20))
    assert "the user is asked first" in answer["next_step"]
    assert "confirm" not in answer
    assert "First row, rendered" in text_of(result)
    assert not fake.requests


async def test_a_model_that_nothing_serves_is_refused_and_nobody_is_asked() -> None:
    fake, user = provider(), User([])
    configured = settings(local={}, budget=ASKING)
    async with served(fake, configured=configured, ask_user=user) as server:
        text = await server.refusal("create_evaluation", **CLASSIFY)

    assert "`judge.model`: local has no endpoint for models" in text
    assert user.questions == []
    assert not fake.requests


async def test_a_dry_run_of_a_mistake_is_no_error() -> None:
    fake = provider()
    async with served(fake) as server:
        answer = await server.answer(
            "create_evaluation", **{**CLASSIFY, "response_column": "anser"}, dry_run=True
        )
        text = await server.refusal("create_evaluation", **{**CLASSIFY, "response_column": "anser"})

    assert "anser" in answer["plan"]["problems"][0]
    assert "would be refused" in answer["next_step"]
    assert answer["plan"]["problems"][0].rstrip(".") in text
    assert text.endswith("Nothing was started; correct this and call create_evaluation again.")


@pytest.mark.parametrize("outcome", ["plan", "confirm", "refused"])
async def test_an_answer_about_the_largest_data_set_is_short(outcome: str) -> None:
    names = [f"a_rather_long_column_name_{n:03d}" for n in range(80)]
    rows = [dict.fromkeys(names, "word " * 400) for _ in range(3)]
    used = [*names[:79], "no_column_of_this_name"] if outcome == "refused" else names[:79]
    template = " ".join(f"{{{{{name}}}}}" for name in used)
    fake = provider()
    fake.contents = {"file-1": jsonl(*rows)}
    wanted = {
        **CLASSIFY,
        "judge": {"model": "judge-1", "system_template": template},
        "response_column": names[79],
    }
    async with asking(fake) as server:
        result = await server.call("create_evaluation", **wanted, dry_run=outcome == "plan")

    assert result.is_error == (outcome == "refused")
    assert tokens(text_of(result)) <= 2000
    if not result.is_error:
        assert result.structured_content == IsPartialDict(outcome=outcome)
        assert tokens(result.structured_content) <= 2000


# Read-only servers

CHANGING = ("upload_dataset", "create_evaluation", "cancel_evaluation")


@pytest.mark.parametrize("there", [True, False])
async def test_a_server_that_only_reads_points_to_no_tool_that_changes(there: bool) -> None:
    fake = provider() if there else FakeProvider()
    if there:
        fake.files = [File(id="file-1", filename="a.jsonl", created_at=1_763_640_000, bytes=9)]
    configured = settings(server={"provider": "together", "read_only": True})
    async with served(fake, configured=configured) as server:
        for name in ("list_datasets", "list_models", "list_evaluations"):
            step = (await server.answer(name))["next_step"]
            assert step
            assert not [other for other in CHANGING if other in step]


@pytest.mark.parametrize("mode", MODES)
async def test_a_server_that_only_reads_shows_and_runs_no_tool_that_changes(mode: Mode) -> None:
    fake = provider()
    configured = settings(server={"provider": "local", "read_only": True})
    async with served(fake, mode, configured) as server:
        names = {tool.name for tool in (await server.client.list_tools()).tools}
        assert names.isdisjoint(CHANGING)
        assert "list_evaluations" in names
        for name in CHANGING:
            text = await server.refusal(name)
            assert "server.read_only" in text
            assert "list_evaluations" in text
        assert "upload_dataset" not in await server.refusal("no_such_tool")
        assert (await server.answer("list_evaluations"))["evaluations"] == []
        if mode == "legacy":
            told = server.client.instructions or ""
            assert "only reads" in told
            assert not [name for name in CHANGING if name in told]
    assert not fake.requests
