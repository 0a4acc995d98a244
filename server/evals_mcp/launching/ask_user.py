"""Asks the user through a client that can ask, in both forms of the protocol.

In protocol versions up to 2025-11-25, the server sends a request to the client and waits for the
answer. From 2026-07-28, the call ends with the question, and the client calls again with the answer
and the confirmation code.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
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
_QUESTION = "confirm"
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


class AskUser(Protocol):
    """Asks the user."""

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
        return later and self._can_ask

    @property
    def _can_ask(self) -> bool:
        """Whether the client shows forms; an empty `elicitation` is the older declaration."""
        capabilities = self._context.session.client_capabilities
        declared = capabilities.elicitation if capabilities else None
        return declared is not None and (declared.form is not None or declared.url is None)

    async def ask(self, question: str, code: str, sleep: Sleep) -> Answer:
        """Ask the user and return the answer; see `AskUser`."""
        if not self._can_ask:
            return "unanswered"
        if self.answers_later:
            form = ElicitRequestFormParams(message=question, requested_schema=_FORM)
            requests: InputRequests = {_QUESTION: ElicitRequest(params=form)}
            raise UserQuestionError(
                InputRequiredResult(input_requests=requests, request_state=code)
            )
        return await self._ask_and_wait(question, sleep)

    async def _ask_and_wait(self, question: str, sleep: Sleep) -> Answer:
        """Ask the user; return `unanswered` after `ANSWER_SECONDS`."""
        answer: Answer = "unanswered"

        async def wait() -> None:
            await sleep(ANSWER_SECONDS)
            tasks.cancel_scope.cancel()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait)
            answer = await self._elicit(question)
            tasks.cancel_scope.cancel()
        return answer

    async def _elicit(self, question: str) -> Answer:
        """Ask through the client; return `unanswered` if the client fails to ask."""
        try:
            result = await self._context.session.elicit_form(
                question, _FORM, related_request_id=self._context.request_id
            )
        except (MCPError, ValidationError):
            return "unanswered"
        return "agreed" if result.action == "accept" else "declined"
