"""Asks the user through the client, in both eras of the protocol, where the client can ask.

Until 2025-11-25 the server sends a request of its own and waits for its answer. Since 2026-07-28
the call ends with the question, and the client calls again with the answer and the code beside it.
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
"""How long a call waits for the user; many clients give a call up after 60 s."""

_ANSWERED_LATER = "2026-07-28"
_QUESTION = "confirm"
_FORM: dict[str, Any] = {"type": "object", "properties": {}}
"""A form without fields: to accept it is to agree."""

Answer = Literal["agreed", "declined", "unanswered"]
"""`unanswered`: no answer came in time, or nobody could be asked."""

Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True)
class Reply:
    """A user's answer that came with a call, to the question that ended the call before."""

    agreed: bool
    code: str | None
    """The code that the question was asked with, as the client has kept it."""


class AskUser(Protocol):
    """A way to the user."""

    @property
    def reply(self) -> Reply | None:
        """The answer that came with this call; None where none did."""
        ...

    @property
    def answers_later(self) -> bool:
        """Whether asking ends the call."""
        ...

    async def ask(self, question: str, code: str, sleep: Sleep) -> Answer:
        """The user's answer.

        Raises:
            UserQuestionError: the question ends this call, and the answer comes with the next.
        """
        ...


class UserQuestionError(Exception):
    """Ends a call with a question; no failure."""

    def __init__(self, result: InputRequiredResult) -> None:
        super().__init__("the user is asked")
        self.result = result


class Elicitation:
    """Asks by the protocol's form elicitation."""

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
        """Whether asking ends the call."""
        later = is_version_at_least(self._context.protocol_version, _ANSWERED_LATER)
        return later and self._can_ask

    @property
    def _can_ask(self) -> bool:
        """A bare `elicitation` is the older form of saying that forms can be shown."""
        capabilities = self._context.session.client_capabilities
        known = capabilities.elicitation if capabilities else None
        return known is not None and (known.form is not None or known.url is None)

    async def ask(self, question: str, code: str, sleep: Sleep) -> Answer:
        """The user's answer; see `AskUser`."""
        if not self._can_ask:
            return "unanswered"
        if self.answers_later:
            form = ElicitRequestFormParams(message=question, requested_schema=_FORM)
            asked: InputRequests = {_QUESTION: ElicitRequest(params=form)}
            raise UserQuestionError(InputRequiredResult(input_requests=asked, request_state=code))
        return await self._waited_for(question, sleep)

    async def _waited_for(self, question: str, sleep: Sleep) -> Answer:
        answer: Answer = "unanswered"

        async def wait() -> None:
            await sleep(ANSWER_SECONDS)
            tasks.cancel_scope.cancel()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait)
            answer = await self._elicited(question)
            tasks.cancel_scope.cancel()
        return answer

    async def _elicited(self, question: str) -> Answer:
        """A client that fails to ask has not asked."""
        try:
            result = await self._context.session.elicit_form(
                question, _FORM, related_request_id=self._context.request_id
            )
        except (MCPError, ValidationError):
            return "unanswered"
        return "agreed" if result.action == "accept" else "declined"
