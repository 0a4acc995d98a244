"""Renders the sampled rows and reports where a template or a response column is empty or fails."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import starmap
from typing import Any

import anyio
from anyio import to_thread

from evals_mcp.cleaning import inert, quoted
from evals_mcp.datasets.profiles import DatasetProfile, SampledRow
from evals_mcp.errors import InvalidRequestError
from evals_mcp.planning.checks.columns import response_columns
from evals_mcp.planning.checks.findings import Findings
from evals_mcp.planning.inputs.facts import calls_per_row
from evals_mcp.planning.inputs.templates import Render, RenderError, templates
from evals_mcp.token_estimate import estimate_tokens
from evals_schemas.datasets.cells import cell_text
from evals_schemas.evaluation_api.evaluations import AnyParameters

RENDERING_SECONDS = 3.0
"""Seconds for rendering the rows of one plan; rows not rendered by then leave the sample."""

ROWS_AT_ONCE = 25
"""Rows that are rendered at the same time."""


@dataclass
class RenderedField:
    """The texts of one template, or of one response column, over the sampled rows."""

    name: str
    """The request's field."""
    column: str | None = None
    """The response column that the field names; None for a template."""
    tokens: list[float] = field(default_factory=list[float])
    """Tokens by row; 0 where the template failed or the cell is null."""
    first: str | None = None
    """The text of the data set's first row; None if rendering failed."""
    empty_rows: list[int] = field(default_factory=list[int])
    """Numbers of the rows with an empty text."""
    failed_rows: list[int] = field(default_factory=list[int])
    """Numbers of the rows without a text: the template failed, or the cell is null."""
    failure: str = ""
    """Why the first of these rows has no text."""

    def add(self, rows: Sequence[SampledRow], texts: Sequence[str | RenderError]) -> None:
        """Add the rendered texts of some rows, or the errors instead."""
        for row, text in zip(rows, texts, strict=True):
            if isinstance(text, RenderError):
                self.failed_rows.append(row.number)
                self.failure = self.failure or str(text)
                self.tokens.append(0)
                continue
            if not text.strip():
                self.empty_rows.append(row.number)
            self.tokens.append(estimate_tokens(text))


@dataclass(frozen=True)
class RenderedSample:
    """The rendered rows, the texts that each brings to a call, and what is wrong with them."""

    rows: Sequence[SampledRow]
    texts: Mapping[str, RenderedField]
    """Texts by the request's field."""
    findings: Findings

    @property
    def reported_columns(self) -> frozenset[str]:
        """Response columns with empty or null cells, which the findings report."""
        return frozenset(
            text.column
            for text in self.texts.values()
            if text.column is not None and (text.empty_rows or text.failed_rows)
        )


@dataclass(frozen=True)
class Renderer:
    """How the sample is rendered."""

    compile_template: Callable[[str, str, str], Awaitable[Render]]
    """Compiles a template, given its source, its field and its owner, as `Templates` does."""
    clock: Callable[[], float]
    """Time in seconds."""
    owner: str
    """The user whose templates are rendered."""
    strict: bool
    """Whether the evaluation uses the same renderer, so that a template refused here is wrong."""


async def render_sample(
    parameters: AnyParameters,
    profile: DatasetProfile,
    renderer: Renderer,
    faulty_fields: Collection[str] = (),
) -> RenderedSample:
    """Render the sampled rows.

    Args:
        parameters: parameters of the request.
        profile: the data set with its sample.
        renderer: renders the templates.
        faulty_fields: fields to leave out because they do not fit the columns.
    """
    renders: dict[str, Render] = {}
    refused: list[Findings] = []
    for name, source in templates(parameters):
        if name in faulty_fields:
            continue
        try:
            renders[name] = await renderer.compile_template(source, name, renderer.owner)
        except InvalidRequestError as error:
            refused.append(_refused_template(error, strict=renderer.strict))
            renders[name] = await plain_substitution(source, name, renderer.owner)
    columns = {
        name: column for name, column in response_columns(parameters) if name not in faulty_fields
    }
    renders |= {name: response_text(column) for name, column in columns.items()}
    texts = {name: RenderedField(name, columns.get(name)) for name in renders}
    rows = await _render_rows(profile, renders, texts, renderer.clock)
    is_free = not any(calls_per_row(parameters).values())
    texts_findings = [_check_text(text, len(rows), is_free=is_free) for text in texts.values()]
    return RenderedSample(rows, texts, Findings.merged([*refused, *texts_findings]))


def _refused_template(error: InvalidRequestError, *, strict: bool) -> Findings:
    if strict:
        return Findings(problems=(str(error),))
    return Findings(notes=(f"Not rendered here: {error}",))


async def _render_rows(
    profile: DatasetProfile,
    renders: Mapping[str, Render],
    texts: Mapping[str, RenderedField],
    clock: Callable[[], float],
) -> list[SampledRow]:
    """Add the sampled rows to `texts` until the time is up; return the rows added."""
    deadline = clock() + RENDERING_SECONDS
    for name, text in texts.items():
        (first,) = await _texts_of([profile.first or {}], renders[name])
        text.first = None if isinstance(first, RenderError) else first
    rendered: list[SampledRow] = []
    spread = _spread(profile.sample)
    while len(rendered) < len(spread):
        if rendered and clock() > deadline:
            break
        rows = spread[len(rendered) : len(rendered) + ROWS_AT_ONCE]
        for name, text in texts.items():
            results = await _texts_of([row.row for row in rows], renders[name])
            # Counting the tokens of long texts takes time.
            await to_thread.run_sync(text.add, rows, results)
        rendered += rows
    return rendered


async def _texts_of(rows: Sequence[Mapping[str, Any]], render: Render) -> list[str | RenderError]:
    """Return the text of each row, or the error instead of the text."""
    results: dict[int, str | RenderError] = {}

    async def add(number: int, row: Mapping[str, Any]) -> None:
        try:
            results[number] = await render(row)
        except RenderError as error:
            results[number] = error

    async with anyio.create_task_group() as tasks:
        for number, row in enumerate(rows):
            tasks.start_soon(add, number, row)
    return [results[number] for number in range(len(rows))]


def _spread(rows: Sequence[SampledRow]) -> list[SampledRow]:
    """Return the rows in an order in which the first rows, however many, span the whole file."""
    stride = 7
    return [row for start in range(stride) for row in rows[start::stride]]


def _check_text(text: RenderedField, rows: int, *, is_free: bool) -> Findings:
    """Return where a field has no text: a problem if that is so in all rows, else a warning.

    If the evaluation calls no model and so costs nothing, a note takes the place of the warning.
    """

    def finding(numbers: Sequence[int], sentence: str) -> Findings:
        if len(numbers) == rows:
            return Findings(problems=(sentence,))
        return Findings(notes=(sentence,)) if is_free else Findings(warnings=(sentence,))

    return Findings.merged(starmap(finding, _missing_text(text, rows)))


def _missing_text(text: RenderedField, rows: int) -> Iterator[tuple[Sequence[int], str]]:
    """Yield the numbers of the rows that failed or are empty, with a sentence about them."""
    subject = f"`{text.name}`"
    if text.column is not None:
        subject += f" {quoted(text.column, 60)}"
    if text.failed_rows:
        failed = _rows_named(text.failed_rows, rows)
        if text.column is not None:
            yield text.failed_rows, f"{subject} is null in {failed}: such rows fail."
        else:
            # The failure already names the field.
            yield text.failed_rows, f"{inert(text.failure, 220)}: in {failed}."
    if text.empty_rows and not _may_be_empty(text.name):
        yield text.empty_rows, f"{subject} is empty in {_rows_named(text.empty_rows, rows)}."


def _may_be_empty(name: str) -> bool:
    """Return whether a field may be empty: a candidate's system prompt may, a judge's may not."""
    return name.endswith(".system_template") and not name.startswith("judge.")


def _rows_named(numbers: Sequence[int], rows: int) -> str:
    if len(numbers) == rows:
        return "the only sampled row" if rows == 1 else "every sampled row"
    return f"{len(numbers):,} of {rows:,} sampled rows, first in row {min(numbers):,}"


def response_text(column: str) -> Render:
    """Return a reader of a response column that, like a service, writes all but text as JSON."""

    async def cell(row: Mapping[str, Any]) -> str:
        value = row.get(column)
        if value is None:
            raise RenderError(f"column {column} is null")
        return cell_text(value)

    return cell


_VARIABLE = re.compile(r"\{\{-?\s*+(\w++)[^{}]*+\}\}")
"""Possessive, because the text is foreign: what does not match is given up at once."""


async def plain_substitution(source: str, _field: str, _owner: str) -> Render:
    """Return a renderer that only puts columns in for their names: enough to count tokens."""

    async def render(row: Mapping[str, Any]) -> str:
        return _VARIABLE.sub(lambda match: str(row.get(match.group(1), match.group())), source)

    return render
