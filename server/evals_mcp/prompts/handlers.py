"""The handlers of `prompts/list` and `prompts/get`."""

from __future__ import annotations

from typing import Any

from mcp.server import ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    GetPromptRequestParams,
    GetPromptResult,
    ListPromptsResult,
    PaginatedRequestParams,
    Prompt,
    PromptMessage,
    TextContent,
)

from evals_mcp.prompts.catalog import prompts


class PromptHandlers:
    """The prompts of one server."""

    def __init__(self, *, read_only: bool) -> None:
        """Offer every prompt, or only those that start nothing."""
        self._prompts = prompts(read_only=read_only)

    async def list(
        self, _: ServerRequestContext[Any], __: PaginatedRequestParams | None
    ) -> ListPromptsResult:
        """Return all prompts in one page."""
        return ListPromptsResult(
            prompts=[Prompt.model_validate(prompt.listed) for prompt in self._prompts.values()]
        )

    async def get(
        self, _: ServerRequestContext[Any], params: GetPromptRequestParams
    ) -> GetPromptResult:
        """Return one prompt as a message of the user.

        Raises:
            MCPError: no prompt has the name.
        """
        if (prompt := self._prompts.get(params.name)) is None:
            names = ", ".join(self._prompts)
            raise MCPError(INVALID_PARAMS, f"No prompt has this name; the prompts are {names}.")
        text = prompt.text(params.arguments or {})
        return GetPromptResult(
            description=prompt.description,
            messages=[PromptMessage(role="user", content=TextContent(text=text))],
        )
