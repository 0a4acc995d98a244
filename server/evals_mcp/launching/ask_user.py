"""Asks the user through a client that can ask, in both forms of the protocol.

In protocol versions up to 2025-11-25, the server sends a request to the client and waits for the
answer. From 2026-07-28, the call ends with the question, and the client calls again with the answer
and the confirmation code.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import anyio
from mcp.server import ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types import (
    CallToolRequestParams,
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitResult,
    InputRequests,
    InputRequiredResult,
)
from mcp_types.version import is_version_at_least
from pydantic import ValidationError

ANSWER_SECONDS = 40.0
"""Seconds that a call waits for the user; many clients give up a call after 60 s."""

_ANSWERED_LATER = "2026-07-28"
_QUESTION, _FILLED = "confirm", "form"
_FORM: dict[str, Any] = {"type": "object", "properties": {}}
"""A form without fields: accepting the form means agreement."""

Answer = Literal["agreed", "declined", "unanswered"]
"""`unanswered`: no answer came in time, or the client cannot ask."""

Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True)
class Reply:
    """A user's answer that came with a call, to the question that ended the previous call."""

    agreed: bool
    code: str | None
    """The confirmation code of the question, as the client returned it; None if it did not."""


@dataclass(frozen=True)
class Form:
    """A question whose answer is more than agreement."""

    question: str
    fields: dict[str, Any]
    """The JSON schema of the answer: an object with plain fields."""
    state: str
    """What comes back with an answer that comes with a later call."""


@dataclass(frozen=True)
class Filled:
    """What a user did with a form."""

    answer: Answer
    fields: Mapping[str, Any]
    """What was filled in; empty unless the user agreed."""
    state: str | None = None
    """`Form.state` as the client returned it; None for an answer within the call."""


class AskUser(Protocol):
    """Asks the user."""

    @property
    def can_ask(self) -> bool:
        """Whether the client shows questions to its user."""
        ...

    @property
    def filled(self) -> Filled | None:
        """The form that came filled with this call; None if none came."""
        ...

    async def fill(self, form: Form, sleep: Sleep) -> Filled:
        """Show a form to the user and return what the user filled in.

        Raises:
            UserQuestionError: the form ends this call, and the answer comes with the next call.
        """
        ...

    @property
    def reply(self) -> Reply | None:
        """The answer that came with this call; None if no answer came."""
        ...

    @property
    def answers_later(self) -> bool:
        """Whether a question ends the call."""
        ...

    async def ask(self, question: str, code: str, sleep: Sleep) -> Answer:
        """Ask the user and return the answer.

        Raises:
            UserQuestionError: the question ends this call, and the answer comes with the next call.
        """
        ...


class UserQuestionError(Exception):
    """Ends a call with a question to the user, which is not a failure."""

    def __init__(self, result: InputRequiredResult) -> None:
        super().__init__("the user is asked")
        self.result = result


class Elicitation:
    """Asks with the form elicitation of the protocol."""

    def __init__(self, context: ServerRequestContext[Any], call: CallToolRequestParams) -> None:
        self._context = context
        self._call = call

    @property
    def reply(self) -> Reply | None:
        """The answer that came with this call."""
        answer = (self._call.input_responses or {}).get(_QUESTION)
        if not isinstance(answer, ElicitResult):
            return None
        return Reply(answer.action == "accept", self._call.request_state)

    @property
    def answers_later(self) -> bool:
        """Whether a question ends the call."""
        later = is_version_at_least(self._context.protocol_version, _ANSWERED_LATER)
        return later and self.can_ask

    @property
    def can_ask(self) -> bool:
        """Whether the client shows forms; an empty `elicitation` is the older declaration."""
        capabilities = self._context.session.client_capabilities
        declared = capabilities.elicitation if capabilities else None
        return declared is not None and (declared.form is not None or declared.url is None)

    @property
    def filled(self) -> Filled | None:
        """The form that came filled with this call."""
        result = (self._call.input_responses or {}).get(_FILLED)
        if not isinstance(result, ElicitResult):
            return None
        return _filled(result, self._call.request_state)

    async def ask(self, question: str, code: str, sleep: Sleep) -> Answer:
        """Ask the user and return the answer; see `AskUser`."""
        return (await self._shown(_QUESTION, Form(question, _FORM, code), sleep)).answer

    async def fill(self, form: Form, sleep: Sleep) -> Filled:
        """Show a form and return what was filled in; see `AskUser`."""
        return await self._shown(_FILLED, form, sleep)

    async def _shown(self, name: str, form: Form, sleep: Sleep) -> Filled:
        if not self.can_ask:
            return _UNANSWERED
        if self.answers_later:
            asked = ElicitRequestFormParams(message=form.question, requested_schema=form.fields)
            requests: InputRequests = {name: ElicitRequest(params=asked)}
            raise UserQuestionError(
                InputRequiredResult(input_requests=requests, request_state=form.state)
            )
        return await self._ask_and_wait(form, sleep)

    async def _ask_and_wait(self, form: Form, sleep: Sleep) -> Filled:
        """Ask the user; return `unanswered` after `ANSWER_SECONDS`."""
        filled = _UNANSWERED

        async def wait() -> None:
            await sleep(ANSWER_SECONDS)
            tasks.cancel_scope.cancel()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait)
            filled = await self._elicit(form)
            tasks.cancel_scope.cancel()
        return filled

    async def _elicit(self, form: Form) -> Filled:
        """Ask through the client; return `unanswered` if the client fails to ask."""
        try:
            result = await self._context.session.elicit_form(
                form.question, form.fields, related_request_id=self._context.request_id
            )
        except (MCPError, ValidationError):
            return _UNANSWERED
        return _filled(result, None)


_UNANSWERED = Filled("unanswered", {})


def _filled(result: ElicitResult, state: str | None) -> Filled:
    if result.action == "accept":
        return Filled("agreed", result.content or {}, state)
    return Filled("declined", {}, state)
