"""After a "no" nothing starts, in whatever order questions, answers, codes and calls come."""

from __future__ import annotations

from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, cast

import anyio
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    multiple,
    rule,
    run_state_machine_as_test,
)
from mcp_types import InputRequiredResult
from tests.server.fake_provider import NOON, FakeProvider, jsonl
from tests.server.planning.requests import TemplatesHere
from tests.server.serving import settings, unused_folder
from tests.volume import examples

from evals_mcp.derivations.provider import with_originals
from evals_mcp.errors import UnavailableError
from evals_mcp.labels.store import LabelStore
from evals_mcp.launching.ask_user import (
    Answer,
    Filled,
    Form,
    Reply,
    Sleep,
    UserQuestionError,
)
from evals_mcp.launching.launches import ServerLaunches
from evals_mcp.marks.store import Marks
from evals_mcp.planning.inputs.context import PlanningContext
from evals_mcp.principals import LOCAL
from evals_mcp.state.locks import FolderLocks
from evals_mcp.state.records import State
from evals_mcp.tools.calls.session import Clock, ToolSession
from evals_mcp.tools.create_evaluation import create_evaluation
from evals_schemas.evaluation_api.evaluations import EvaluationCreated
from evals_schemas.evaluation_api.models import Model, Pricing
from evals_schemas.tools.inputs import CreateEvaluationInput
from evals_schemas.tools.outputs import CreateEvaluationOutput

REQUEST: dict[str, Any] = {
    "type": "classify",
    "input_data_file_path": "file-1",
    "judge": {"model": "judge-1", "system_template": "Rate {{question}}"},
    "labels": ["good", "bad"],
    "pass_labels": ["good"],
    "response_column": "answer",
}


async def no_upload(*_: Any) -> Any:
    raise AssertionError


class CountingProvider(FakeProvider):
    """A service that gives each evaluation an id of its own."""

    async def create_evaluation(self, request: Any, key: str | None = None) -> EvaluationCreated:
        await super().create_evaluation(request, key)
        return EvaluationCreated(workflow_id=f"eval-{len(self.requests)}", status="pending")


@dataclass
class ScriptedUser:
    """A client of any kind, and the user in front of it."""

    can_ask: bool
    answers_later: bool = False
    reply: Reply | None = None
    code: str | None = None
    """The code of the question that is open in this call."""
    asked: anyio.Event = field(default_factory=anyio.Event)
    answer: Answer | None = None
    answered: anyio.Event = field(default_factory=anyio.Event)
    filled: Filled | None = None

    async def fill(self, form: Form, sleep: Sleep) -> Filled:
        return Filled("unanswered", {})

    async def ask(self, question: str, code: str, sleep: Sleep) -> Answer:
        if not self.can_ask:
            return "unanswered"
        if self.answers_later:
            raise UserQuestionError(InputRequiredResult(input_requests={}, request_state=code))
        self.code = code
        self.asked.set()
        await self.answered.wait()
        assert self.answer is not None
        return self.answer


@dataclass(frozen=True)
class OpenQuestion:
    """A question of the older era, whose call waits for the answer."""

    user: ScriptedUser
    call: Future[CreateEvaluationOutput | str]


@dataclass
class Desk:
    """Two servers on one data folder, the service behind them, and what was asked when."""

    portal: BlockingPortal
    servers: list[ServerLaunches] = field(default_factory=list[ServerLaunches])
    declines: int = 0
    asked_after: dict[str, int] = field(default_factory=dict[str, int])
    """By code: the number of declines before it was first issued."""
    used: set[str] = field(default_factory=set[str])
    """The codes that have started an evaluation."""

    def __post_init__(self) -> None:
        self.now = NOON
        self.folder = unused_folder()
        self.configured = settings(
            self.folder, budget={"confirm_above_usd": 0, "repeat_seconds": 0}
        )
        self.provider = CountingProvider(
            contents={"file-1": jsonl({"question": "q", "answer": "a"})},
            models=[Model(id="judge-1", pricing=Pricing(input=50, output=50))],
        )
        self.clock = Clock(now=lambda: self.now, monotonic=lambda: 0.0)
        self.planning = PlanningContext(TemplatesHere(), lambda: 0.0)
        self.servers = [self.started_server() for _ in range(2)]

    def started_server(self) -> ServerLaunches:
        folder = self.configured.state.folder
        state = State(folder, 2**26, lambda: self.now)
        return ServerLaunches(self.configured.budget, state, FolderLocks(folder), lambda: self.now)

    async def create(
        self, server: int, user: ScriptedUser, confirm: str | None = None, **changes: Any
    ) -> CreateEvaluationOutput | str:
        """Call the tool; return its output, or the code of the question that ends the call."""

        async def report(*_: Any, **__: Any) -> None:
            pass

        launches = self.servers[server]
        provider, derived = with_originals(self.provider, launches.records_of(LOCAL.id))
        session = ToolSession(
            provider,
            derived,
            self.configured,
            report,
            user,
            self.planning,
            launches.of(LOCAL.id),
            no_upload,
            self.servers[server].names(LOCAL.id),
            Marks(launches.records_of(LOCAL.id), launches.key),
            LabelStore(launches.records_of(LOCAL.id)),
            self.clock,
        )
        arguments = CreateEvaluationInput.model_validate({**REQUEST, **changes, "confirm": confirm})
        with anyio.fail_after(120):
            try:
                return await create_evaluation(arguments, session)
            except UserQuestionError as question:
                return question.result.request_state or ""

    def issued(self, code: str) -> str:
        """Note when a code was issued."""
        self.asked_after.setdefault(code, self.declines)
        assert self.asked_after[code] == self.declines, "a withdrawn code was issued again"
        return code

    def expect(self, output: CreateEvaluationOutput | str, code: str, before: int) -> None:
        """Check what became of a call that brought a code or an agreement."""
        assert isinstance(output, CreateEvaluationOutput)
        started = len(self.provider.requests) - before
        if code in self.used:
            assert (output.outcome, started) == ("exists", 0)
        elif self.asked_after[code] < self.declines:
            assert (output.outcome, started) == ("declined", 0), "it started after a no"
        else:
            assert (output.outcome, started) == ("started", 1)
            self.used.add(code)


SERVER = st.integers(0, 1)


class DeclinedRequests(RuleBasedStateMachine):
    """Asks, answers, declines, replays codes and calls again, at two servers in both eras."""

    codes = Bundle("codes")
    open_questions = Bundle("open_questions")
    later_questions = Bundle("later_questions")

    @initialize()
    def open_servers(self) -> None:
        self.stack = ExitStack()
        self.desk = Desk(self.stack.enter_context(start_blocking_portal()))
        self.waiting: list[OpenQuestion] = []

    def teardown(self) -> None:
        for question in getattr(self, "waiting", []):
            if not question.call.done():
                self._answer(question, "unanswered")
        self.stack.close()

    def _create(self, *arguments: Any, **changes: Any) -> CreateEvaluationOutput | str:
        def call() -> Any:
            return self.desk.create(*arguments, **changes)

        return self.desk.portal.call(call)

    @rule(seconds=st.integers(0, 2))
    def time_passes(self, seconds: int) -> None:
        self.desk.now += timedelta(seconds=seconds)

    @rule(server=SERVER)
    def a_server_restarts(self, server: int) -> None:
        self.desk.servers[server] = self.desk.started_server()

    @rule(target=codes, server=SERVER)
    def a_client_that_cannot_ask_calls(self, server: int) -> str:
        output = self._create(server, ScriptedUser(can_ask=False))
        assert isinstance(output, CreateEvaluationOutput)
        assert output.outcome == "confirm"
        assert output.confirm
        return self.desk.issued(output.confirm)

    @rule(target=later_questions, server=SERVER)
    def a_client_of_the_later_era_calls(self, server: int) -> Any:
        output = self._create(server, ScriptedUser(can_ask=True, answers_later=True))
        if isinstance(output, str):
            return self.desk.issued(output)
        # The question is open already, so the call is answered with a code.
        assert output.outcome == "confirm"
        assert output.confirm
        return self.desk.issued(output.confirm)

    @rule(target=open_questions, server=SERVER)
    def a_client_of_the_older_era_calls(self, server: int) -> OpenQuestion:
        user = ScriptedUser(can_ask=True)
        future = self.desk.portal.start_task_soon(self.desk.create, server, user)
        self.desk.portal.call(user.asked.wait)
        assert user.code
        self.desk.issued(user.code)
        question = OpenQuestion(user, future)
        self.waiting.append(question)
        return question

    @rule(question=consumes(open_questions), answer=st.sampled_from(["agreed", "declined"]))
    def the_user_answers_in_the_older_era(self, question: OpenQuestion, answer: Answer) -> None:
        before = len(self.desk.provider.requests)
        output = self._answer(question, answer)
        assert question.user.code
        if answer == "agreed":
            self.desk.expect(output, question.user.code, before)
        else:
            self._declined(output, before)

    @rule(target=codes, question=consumes(open_questions))
    def a_question_of_the_older_era_stays_unanswered(self, question: OpenQuestion) -> Any:
        output = self._answer(question, "unanswered")
        assert isinstance(output, CreateEvaluationOutput)
        code = question.user.code
        assert code
        if self.desk.asked_after[code] < self.desk.declines:
            assert (output.outcome, output.confirm) == ("declined", None)
            return cast("Any", multiple())
        assert (output.outcome, output.confirm) == ("confirm", code)
        return code

    @rule(code=later_questions, server=SERVER, agreed=st.booleans())
    def the_user_answers_in_the_later_era(self, code: str, server: int, *, agreed: bool) -> None:
        before = len(self.desk.provider.requests)
        user = ScriptedUser(can_ask=True, answers_later=True, reply=Reply(agreed, code))
        output = self._create(server, user)
        if agreed:
            self.desk.expect(output, code, before)
        else:
            self._declined(output, before)

    @rule(
        code=st.one_of(codes, later_questions),
        server=SERVER,
        can_ask=st.booleans(),
        later=st.booleans(),
    )
    def a_code_is_sent(self, code: str, server: int, *, can_ask: bool, later: bool) -> None:
        before = len(self.desk.provider.requests)
        output = self._create(server, ScriptedUser(can_ask, later and can_ask), code)
        self.desk.expect(output, code, before)

    def _answer(self, question: OpenQuestion, answer: Answer) -> CreateEvaluationOutput | str:
        question.user.answer = answer
        self.desk.portal.call(question.user.answered.set)
        return question.call.result(120)

    def _declined(self, output: CreateEvaluationOutput | str, before: int) -> None:
        assert isinstance(output, CreateEvaluationOutput)
        assert output.outcome == "declined"
        assert len(self.desk.provider.requests) == before
        self.desk.declines += 1


def test_nothing_starts_after_a_no_in_any_order() -> None:
    run_state_machine_as_test(
        DeclinedRequests,
        settings=hypothesis_settings(
            max_examples=examples(30), stateful_step_count=25, deadline=None
        ),
    )


@pytest.fixture
async def desk() -> Any:
    with start_blocking_portal() as portal:
        yield Desk(portal)


async def code_of(desk: Desk, **changes: Any) -> str:
    output = await desk.create(0, ScriptedUser(can_ask=False), **changes)
    assert isinstance(output, CreateEvaluationOutput)
    assert output.confirm
    return output.confirm


def later(code: str | None = None, *, agreed: bool = False) -> ScriptedUser:
    reply = Reply(agreed, code) if code else None
    return ScriptedUser(can_ask=True, answers_later=True, reply=reply)


async def test_an_answer_with_other_arguments_declines_the_question_that_was_asked(
    desk: Desk,
) -> None:
    question = await desk.create(0, later())
    assert isinstance(question, str)
    declined = await desk.create(0, later(question), labels=["good", "bad", "other"])
    replayed = await desk.create(1, ScriptedUser(can_ask=False), question)

    assert isinstance(declined, CreateEvaluationOutput)
    assert isinstance(replayed, CreateEvaluationOutput)
    assert (declined.outcome, replayed.outcome) == ("declined", "declined")
    assert not desk.provider.requests


async def test_a_no_counts_although_the_plan_that_comes_after_it_fails(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = await code_of(desk)
    with monkeypatch.context() as broken:
        broken.setattr(desk.provider, "dataset_content", _unavailable)
        desk.planning = PlanningContext(TemplatesHere(), lambda: 0.0)
        with pytest.raises(UnavailableError):
            await desk.create(0, later(code))
    output = await desk.create(1, ScriptedUser(can_ask=False), code)

    assert isinstance(output, CreateEvaluationOutput)
    assert output.outcome == "declined"


def _unavailable(_: str) -> Any:
    raise UnavailableError("The service is down.")


@pytest.mark.parametrize("again", [True, False])
async def test_a_no_withdraws_codes_with_and_without_again(desk: Desk, *, again: bool) -> None:
    code = await code_of(desk, again=again)
    question = await desk.create(0, later(), again=not again)
    assert isinstance(question, str)
    await desk.create(0, later(question), again=not again)
    output = await desk.create(1, ScriptedUser(can_ask=False), code, again=again)

    assert isinstance(output, CreateEvaluationOutput)
    assert output.outcome == "declined"
    assert "has declined this request since" in output.next_step


async def test_a_declined_request_that_has_become_free_is_asked_about_until_the_user_agrees(
    desk: Desk,
) -> None:
    question = await desk.create(0, later())
    assert isinstance(question, str)
    await desk.create(0, later(question))
    desk.configured = settings(desk.folder, budget={"confirm_above_usd": 9, "repeat_seconds": 0})
    asked = await desk.create(1, ScriptedUser(can_ask=False))
    assert isinstance(asked, CreateEvaluationOutput)
    assert asked.outcome == "confirm"
    assert "The user has declined this request before." in asked.next_step

    started = await desk.create(1, ScriptedUser(can_ask=False), asked.confirm)
    more = await desk.create(0, ScriptedUser(can_ask=False), again=True)
    assert isinstance(started, CreateEvaluationOutput)
    assert isinstance(more, CreateEvaluationOutput)
    assert (started.outcome, more.outcome) == ("started", "started")


async def test_a_no_to_one_request_leaves_the_codes_of_another_valid(desk: Desk) -> None:
    labels = ["good", "bad", "other"]
    code = await code_of(desk, labels=labels)
    question = await desk.create(0, later())
    assert isinstance(question, str)
    await desk.create(0, later(question))
    output = await desk.create(0, ScriptedUser(can_ask=False), code, labels=labels)

    assert isinstance(output, CreateEvaluationOutput)
    assert output.outcome == "started"
