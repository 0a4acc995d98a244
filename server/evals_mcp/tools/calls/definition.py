"""The definition of a tool: its description, its models, its handler and its renderer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, TypeVar

from mcp_types import CallToolResult, TextContent, Tool, ToolAnnotations

from evals_mcp.errors import InvalidRequestError
from evals_mcp.tools.calls.arguments import parse_arguments
from evals_mcp.tools.calls.session import ToolSession
from evals_schemas.contract import Request
from evals_schemas.tools.outputs import Output
from evals_schemas.tools.portable_schema import answer_schema, portable_schema

Arguments = TypeVar("Arguments", bound=Request)
Answer = TypeVar("Answer", bound=Output)


@dataclass(frozen=True)
class PeopleOnly:
    """What only a person may say through a tool. No correction would make a model's call right."""

    is_said: Callable[[Mapping[str, Any]], bool]
    """Returns whether the arguments of a call say it without the ticket of a person."""
    refusal: Callable[[ToolSession], str]
    """Returns how a person says it here, and what a model may do instead."""


@dataclass(frozen=True)
class ToolDefinition(Generic[Arguments, Answer]):
    """One row of the catalogue."""

    name: str
    title: str
    description: str
    takes: type[Arguments]
    returns: type[Answer]
    run: Callable[[Arguments, ToolSession], Awaitable[Answer]]
    render: Callable[[Answer], str]
    """Returns the answer as text, complete without the structured content."""
    read_only: bool = False
    destructive: bool = False
    idempotent: bool = False
    open_world: bool = True
    """Whether the tool calls a service, or returns texts from others."""
    has_page: bool = False
    """Whether the page shows its answers to people, in clients that render pages."""
    for_page: Callable[[Answer], Mapping[str, Any]] | None = None
    """Returns what is in `_meta` of an answer, which the page receives and models do not; None for
    tools that models call."""
    people_only: PeopleOnly | None = None
    """None for a tool through which a model may say everything that it takes."""

    @cached_property
    def tool(self) -> Tool:
        """The tool as clients list it."""
        return Tool(
            name=self.name,
            title=self.title,
            description=self.description,
            input_schema=portable_schema(self.takes),
            output_schema=answer_schema(self.returns),
            annotations=ToolAnnotations(
                read_only_hint=self.read_only,
                destructive_hint=self.destructive,
                idempotent_hint=self.idempotent,
                open_world_hint=self.open_world,
            ),
        )

    async def call(
        self,
        arguments: Mapping[str, Any] | None,
        open_session: Callable[[], Awaitable[ToolSession]],
    ) -> CallToolResult:
        """Check the arguments, then open the session, run, and render.

        Raises:
            EvalsMCPError: with a message for the model that made the call.
        """
        only = self.people_only
        if only is not None and only.is_said(arguments or {}):
            raise InvalidRequestError(only.refusal(await open_session()))
        checked = parse_arguments(self.name, self.takes, self.tool.input_schema, arguments)
        answer = await self.run(checked, await open_session())
        return CallToolResult(
            content=[TextContent(text=self.render(answer))],
            structured_content=answer.model_dump(mode="json", exclude_none=True),
            _meta=None if self.for_page is None else dict(self.for_page(answer)),
        )
