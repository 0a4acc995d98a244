"""The sampled rows as the models will read them, and where a template gives nothing or fails."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from anyio import from_thread

from evals_mcp.cleaning import clean
from evals_mcp.datasets.profiles import DatasetProfile, SampledRow
from evals_mcp.errors import InvalidRequestError
from evals_mcp.planning.checks.columns import response_columns, templates
from evals_mcp.planning.inputs.context import CompileTemplate, Render, RenderError
from evals_mcp.token_estimate import estimate_tokens
from evals_schemas.evaluation_api.evaluations import AnyParameters

RENDERING_SECONDS = 3.0
"""How long one plan renders rows; those not rendered by then are left out of the sample."""


@dataclass
class Rendered:
    """One template, or one column of answers, over the sampled rows."""

    name: str
    """The request's field."""
    column: str | None = None
    """The column of ready answers that it names; None for a template."""
    tokens: list[float] = field(default_factory=list[float])
    """By row; 0 where the template failed or the cell is null."""
    first: str | None = None
    """The text of the data set's first row; None where it failed."""
    empty_rows: list[int] = field(default_factory=list[int])
    """Numbers of the rows for which the text is empty."""
    failed_rows: list[int] = field(default_factory=list[int])
    """Numbers of the rows for which there is none: the template failed, or the cell is null."""
    fault: str = ""
    """Why the first of them has none."""

    def add(self, row: SampledRow, render: Render) -> None:
        """Render one row."""
        try:
            text = render(row.row)
        except RenderError as error:
            self.failed_rows.append(row.number)
            self.fault = self.fault or str(error)
            text = None
        if text is not None and not text.strip():
            self.empty_rows.append(row.number)
        self.tokens.append(estimate_tokens(text or ""))


@dataclass
class RenderedSample:
    """Every text that a row brings to a call, by the field it comes from."""

    rows: Sequence[SampledRow]
    """Those that were rendered."""
    texts: dict[str, Rendered] = field(default_factory=dict[str, Rendered])
    problems: list[str] = field(default_factory=list[str])
    warnings: list[str] = field(default_factory=list[str])
    notes: list[str] = field(default_factory=list[str])

    def tells_of_empties(self, name: str) -> bool:
        """Whether the cells of this response column that hold nothing were told of."""
        text = self.texts.get(name)
        return text is not None and bool(text.empty_rows or text.failed_rows)


@dataclass(frozen=True)
class Renderer:
    """How the sample is rendered."""

    compile_template: CompileTemplate
    clock: Callable[[], float]
    """Seconds."""
    strict: bool
    """Whether the run will use the very same renderer, so that what it refuses is wrong."""


def render_sample(
    parameters: AnyParameters,
    profile: DatasetProfile,
    renderer: Renderer,
    without: Collection[str] = (),
) -> RenderedSample:
    """Render the sample; to be called in a worker thread.

    Args:
        parameters: whose templates.
        profile: whose rows.
        renderer: renders them.
        without: fields to leave out, since they do not fit the columns.
    """
    renders: dict[str, Render] = {}
    sample = RenderedSample(profile.sample)
    for name, source in templates(parameters):
        if name in without:
            continue
        try:
            renders[name] = renderer.compile_template(source, name)
        except InvalidRequestError as error:
            told = sample.problems if renderer.strict else sample.notes
            told.append(str(error) if renderer.strict else f"Not rendered here: {error}")
            renders[name] = plain_substitution(source, name)
    ready = {name: column for name, column in response_columns(parameters) if name not in without}
    renders |= {name: answers_of(column) for name, column in ready.items()}
    sample.texts = {name: Rendered(name, ready.get(name)) for name in renders}
    sample.rows = _render_rows(profile, renders, sample.texts, renderer.clock)
    for rendered in sample.texts.values():
        _judge(rendered, len(sample.rows), sample)
    return sample


def _render_rows(
    profile: DatasetProfile,
    renders: Mapping[str, Render],
    texts: Mapping[str, Rendered],
    clock: Callable[[], float],
) -> list[SampledRow]:
    deadline = clock() + RENDERING_SECONDS
    for name, rendered in texts.items():
        try:
            rendered.first = renders[name](profile.first or {})
        except RenderError:
            rendered.first = None
    done: list[SampledRow] = []
    for row in _spread(profile.sample):
        if done and clock() > deadline:
            break
        from_thread.check_cancelled()
        for name, rendered in texts.items():
            rendered.add(row, renders[name])
        done.append(row)
    return done


def _spread(rows: Sequence[SampledRow]) -> list[SampledRow]:
    """In an order whose every beginning is spread over the file."""
    stride = 7
    return [row for start in range(stride) for row in rows[start::stride]]


def _judge(rendered: Rendered, rows: int, sample: RenderedSample) -> None:
    """Say where a template gives nothing. What is so in every row is a mistake of the request."""
    named = f"`{rendered.name}`"
    if rendered.column is not None:
        named += f" {clean(rendered.column, 60)!r}"
    if rendered.failed_rows:
        if rendered.column is not None:
            text = f"{named} is null in {_where(rendered.failed_rows, rows)}: such rows fail."
        else:
            # The fault names the field already.
            text = f"{clean(rendered.fault, 220)}: in {_where(rendered.failed_rows, rows)}."
        told = sample.problems if len(rendered.failed_rows) == rows else sample.warnings
        told.append(text)
    if rendered.empty_rows and not _may_be_empty(rendered.name):
        text = f"{named} is empty in {_where(rendered.empty_rows, rows)}."
        told = sample.problems if len(rendered.empty_rows) == rows else sample.warnings
        told.append(text)


def _may_be_empty(name: str) -> bool:
    """A candidate may do without a system prompt; a judge has nothing else to go by."""
    return name.endswith(".system_template") and not name.startswith("judge.")


def _where(numbers: Sequence[int], rows: int) -> str:
    if len(numbers) == rows:
        return "the one row looked at" if rows == 1 else "every row looked at"
    return f"{len(numbers):,} of {rows:,} rows looked at, first at row {min(numbers):,}"


def answers_of(column: str) -> Render:
    """Reads the ready answers of a column as the service does: what is no text as JSON."""

    def cell(row: Mapping[str, Any]) -> str:
        value = row.get(column)
        if value is None:
            raise RenderError(f"column {column} is null")
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

    return cell


_PLACE = re.compile(r"\{\{-?\s*(\w+)[^{}]*\}\}")


def plain_substitution(source: str, _: str) -> Render:
    """Puts columns in the places that name them and leaves the rest: enough to count tokens."""

    def render(row: Mapping[str, Any]) -> str:
        return _PLACE.sub(lambda place: str(row.get(place.group(1), place.group())), source)

    return render
