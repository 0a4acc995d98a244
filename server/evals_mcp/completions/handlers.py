"""The handler of `completion/complete`."""

from __future__ import annotations

import time
from collections.abc import Mapping

import anyio
from mcp_types import CompleteRequestParams, CompleteResult, Completion, PromptReference

from evals_mcp.completions.remembered import OfferedValue, Remembered
from evals_mcp.errors import EvalsMCPError
from evals_mcp.prompts.catalog import PROMPTS
from evals_mcp.prompts.definition import Values
from evals_mcp.tools.calls.request_context import Context, principal_of, reading_session

MOST = 100
"""Values of one answer at most, by the protocol."""

SECONDS = 2.0
"""How long a service may take; a person who types does not wait longer."""


class CompletionHandler:
    """Offers values for the arguments of prompts and the variables of addresses."""

    def __init__(self, values_of_template: Mapping[str, Values]) -> None:
        """Remember nothing yet.

        Args:
            values_of_template: what the variable of each address names, by the address.
        """
        self._values_of_template = values_of_template
        self._remembered = Remembered(time.monotonic)

    async def complete(self, context: Context, params: CompleteRequestParams) -> CompleteResult:
        """Return the values that contain what was typed, ignoring case; none if they fail."""
        values = self._values_of(params)
        if values is None:
            return CompleteResult(completion=Completion(values=[]))
        others = (params.context.arguments if params.context else None) or {}
        offers = await self._values_known(context, values, others)
        part = params.argument.value.strip().casefold()
        matches = [
            offer.value
            for offer in offers
            if part in offer.value.casefold() or part in offer.also.casefold()
        ]
        shown = matches[:MOST]
        return CompleteResult(
            completion=Completion(values=shown, total=len(matches), has_more=len(matches) > MOST)
        )

    async def _values_known(
        self, context: Context, values: Values, others: Mapping[str, str]
    ) -> tuple[OfferedValue, ...]:
        key = principal_of(context).id, values, others.get("file", "") if values == "column" else ""
        if (remembered := self._remembered.get(key)) is not None:
            return remembered
        from evals_mcp.completions.sources import offered  # noqa: PLC0415 - not before a request

        offers: tuple[OfferedValue, ...] = ()
        with anyio.move_on_after(SECONDS):
            try:
                offers = await offered(values, await reading_session(context), others)
            except EvalsMCPError:
                return ()  # a menu has no place for the reason, which the next call tells
            self._remembered.keep(key, offers)
        return offers

    def _values_of(self, params: CompleteRequestParams) -> Values | None:
        """Return what the argument names; None if nothing can be offered."""
        if not isinstance(params.ref, PromptReference):
            return self._values_of_template.get(params.ref.uri)
        prompt = PROMPTS.get(params.ref.name)
        arguments = prompt.arguments if prompt else ()
        return next(
            (argument.values for argument in arguments if argument.name == params.argument.name),
            None,
        )
