"""Asks a judge for JSON in the strictest format that its endpoint accepts."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import anyio

from evals_engine.config import ModelEndpoint
from evals_engine.faults import ModelCallError
from evals_engine.judges.verdict_forms import VerdictForm
from evals_engine.models.access import ModelAccess
from evals_engine.models.answer_formats import FormatKey
from evals_engine.models.completions import Completion
from evals_engine.models.endpoints import workers_for
from evals_schemas.evaluation_api.defaults import JUDGE_MAX_TOKENS, TEMPERATURE
from evals_schemas.evaluation_api.evaluations import JudgeModelConfig

_FORMAT_REFUSED = frozenset({400, 422})

Messages = list[dict[str, Any]]


class StructuredAsker:
    """One judge model, asked for verdicts of one form.

    The formats, from strict to plain: a JSON schema, a forced tool call, any JSON object, no
    format. If the endpoint refuses one, the next one is tried, and the one that works is remembered
    for the endpoint and the model. Of several rows that meet the refusal at the same time, one
    searches and the others wait for its result.
    """

    def __init__(
        self,
        judge: JudgeModelConfig,
        form: VerdictForm,
        endpoint: ModelEndpoint,
        access: ModelAccess,
    ) -> None:
        self._format_fields = _format_fields(form)
        self._formats = access.formats
        self._key = FormatKey(endpoint.base_url, judge.model, form.key)
        self._working: int | None = None
        """The format that has worked in this run; None before the first answer."""
        self._search = anyio.Lock()
        self._in_flight = access.limit(workers_for(judge))
        temperature = judge.temperature
        self._chat = partial(
            access.client.chat,
            endpoint,
            judge.model,
            max_tokens=judge.max_tokens or JUDGE_MAX_TOKENS,
            temperature=TEMPERATURE if temperature is None else temperature,
        )

    async def ask(self, messages: Messages) -> Completion:
        """Return one answer. Raises ModelCallError."""
        async with self._in_flight:
            working = self._working
            start = self._formats.first_to_try(self._key) if working is None else working
            try:
                return await self._ask_in(start, messages)
            except ModelCallError as error:
                # If the format has worked in this run, the row was refused, not the format.
                if error.status not in _FORMAT_REFUSED or working is not None:
                    raise
            async with self._search:
                if self._working is None:
                    return await self._search_from(start + 1, messages)
            return await self._ask_in(self._working, messages)

    async def _ask_in(self, number: int, messages: Messages) -> Completion:
        completion = await self._chat(messages, extra=self._format_fields[number])
        if self._working is None or number < self._working:
            self._working = number
            self._formats.remember(self._key, number)
        return completion

    async def _search_from(self, first: int, messages: Messages) -> Completion:
        last = len(self._format_fields) - 1
        for number in range(first, last):
            try:
                return await self._ask_in(number, messages)
            except ModelCallError as error:
                if error.status not in _FORMAT_REFUSED:
                    raise
        return await self._ask_in(last, messages)


def _format_fields(form: VerdictForm) -> tuple[Mapping[str, Any], ...]:
    """Return the request fields of each format, from strict to plain."""
    schema = form.json_schema()
    strict_schema = {"name": "verdict", "schema": schema, "strict": True}
    tool = {"name": "verdict", "description": "Give the verdict.", "parameters": schema}
    return (
        {"response_format": {"type": "json_schema", "json_schema": strict_schema}},
        {
            "tools": [{"type": "function", "function": tool}],
            "tool_choice": {"type": "function", "function": {"name": "verdict"}},
        },
        {"response_format": {"type": "json_object"}},
        {},
    )
