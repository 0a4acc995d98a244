"""Asks a judge for JSON in the strictest way that its endpoint takes."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import anyio

from evals_engine.config import ModelEndpoint
from evals_engine.faults import ModelCallError
from evals_engine.judges.verdicts import VerdictForm
from evals_engine.models.client import Completion, ModelClient
from evals_schemas.evaluation_api.defaults import JUDGE_MAX_TOKENS, TEMPERATURE
from evals_schemas.evaluation_api.evaluations import JudgeModelConfig

_FORMAT_REFUSED = frozenset({400, 422})

Messages = list[dict[str, Any]]


class StructuredAsker:
    """One judge model, asked for verdicts of one form.

    The ways, from strict to plain, are the rungs: a JSON schema, a forced tool call, any JSON
    object, no format. A rung that is refused is left for the next one down, and the rung that
    works is remembered in the client for the endpoint and model. Rows that meet the refusal at
    the same time let one of them look for it.
    """

    def __init__(
        self,
        config: JudgeModelConfig,
        form: VerdictForm,
        endpoint: ModelEndpoint,
        client: ModelClient,
        workers: int,
    ) -> None:
        self._rungs = _rungs(form)
        self._known = client.output_rungs
        # The form too: some endpoints take a schema with an enum and refuse one with bounds.
        self._key = (endpoint.base_url, config.model, form.key)
        self._found: int | None = None
        self._search = anyio.Lock()
        self._in_flight = anyio.Semaphore(workers, fast_acquire=True)
        given = config.temperature
        self._chat = partial(
            client.chat,
            endpoint,
            config.model,
            max_tokens=config.max_tokens or JUDGE_MAX_TOKENS,
            temperature=TEMPERATURE if given is None else given,
        )

    async def ask(self, messages: Messages) -> Completion:
        """One answer. Raises ModelCallError."""
        async with self._in_flight:
            found = self._found
            start = self._known.get(self._key, 0) if found is None else found
            try:
                return await self._at(start, messages)
            except ModelCallError as error:
                # Where the format has worked in this run, it is the row that was refused.
                if error.status not in _FORMAT_REFUSED or found is not None:
                    raise
            async with self._search:
                if self._found is None:
                    return await self._descend(start + 1, messages)
            return await self._at(self._found, messages)

    async def _at(self, rung: int, messages: Messages) -> Completion:
        completion = await self._chat(messages, extra=self._rungs[rung])
        if self._found is None or rung < self._found:
            self._found = self._known[self._key] = rung
        return completion

    async def _descend(self, first: int, messages: Messages) -> Completion:
        last = len(self._rungs) - 1
        for rung in range(first, last):
            try:
                return await self._at(rung, messages)
            except ModelCallError as error:
                if error.status not in _FORMAT_REFUSED:
                    raise
        return await self._at(last, messages)


def _rungs(form: VerdictForm) -> tuple[Mapping[str, Any], ...]:
    schema = form.json_schema()
    named = {"name": "verdict", "schema": schema, "strict": True}
    tool = {"name": "verdict", "description": "Give the verdict.", "parameters": schema}
    return (
        {"response_format": {"type": "json_schema", "json_schema": named}},
        {
            "tools": [{"type": "function", "function": tool}],
            "tool_choice": {"type": "function", "function": {"name": "verdict"}},
        },
        {"response_format": {"type": "json_object"}},
        {},
    )
