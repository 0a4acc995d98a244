"""The kinds of resources: their addresses, and how each is read."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import quote, unquote

from evals_mcp.cleaning import clean, quoted
from evals_mcp.datasets.first_columns import dataset_columns
from evals_mcp.datasets.previews import listed_columns
from evals_mcp.errors import NotFoundError
from evals_mcp.prompts.definition import Values
from evals_mcp.tools.calls.naming import with_given_names
from evals_mcp.tools.calls.session import ToolSession
from evals_mcp.tools.catalog import BY_NAME
from evals_schemas.rubrics.rubric import RUBRIC_PREFIX
from evals_schemas.rubrics.table import RUBRICS, newest

OpenSession = Callable[[], Awaitable[ToolSession]]
"""Opens the collaborators of the caller."""

FAILING_ROWS = 40
"""Failing rows of a resource at most."""

_NAME_CHARS = 80


@dataclass(frozen=True)
class Content:
    """A resource as text."""

    text: str
    mime_type: str


@dataclass(frozen=True)
class ResourceKind:
    """One kind of resource."""

    template: str
    """Its address, with the name of its variable in braces."""
    name: str
    title: str
    description: str
    mime_type: str
    values: Values
    """What the variable names."""
    read: Callable[[str, OpenSession], Awaitable[Content]]
    """Returns the content for a value of the variable. Raises EvalsMCPError."""

    @property
    def variable(self) -> str:
        """The name of the variable."""
        return self.template.partition("{")[2].partition("}")[0]

    def address(self, value: str) -> str:
        """Return the address of one resource."""
        return self.template.replace(f"{{{self.variable}}}", quote(value, safe=":@"))

    def value_in(self, address: str) -> str | None:
        """Return the variable's value in an address; None if the address is of another kind."""
        before, after = self.template.split(f"{{{self.variable}}}")
        match = re.fullmatch(f"{re.escape(before)}([^/]+){re.escape(after)}", address)
        return unquote(match[1]) if match else None


async def _answer(
    tool: str, arguments: Mapping[str, Any], open_session: OpenSession, *, as_json: bool = False
) -> Content:
    """Return what a tool answers, as its text or as its structured content."""
    definition = BY_NAME[tool]
    checked = definition.takes.model_validate(arguments)
    answer = await definition.run(checked, await open_session())
    if as_json:
        return Content(answer.model_dump_json(exclude_none=True, indent=2), "application/json")
    return Content(definition.render(answer), "text/markdown")


async def _evaluation(value: str, open_session: OpenSession, *, as_json: bool) -> Content:
    return await _answer("get_evaluation", {"evaluation_id": value}, open_session, as_json=as_json)


async def _failing(value: str, open_session: OpenSession) -> Content:
    arguments = {"evaluation_id": value, "limit": FAILING_ROWS}
    return await _answer("read_results", arguments, open_session)


async def _rubric(value: str, _: OpenSession) -> Content:
    """Return the text of a rubric; of its newest version, if the address names none."""
    by_name = {rubric.name: rubric for rubric in newest()}
    by_name |= {rubric.full_name.removeprefix(RUBRIC_PREFIX): rubric for rubric in RUBRICS}
    if (rubric := by_name.get(value)) is None:
        names = ", ".join(each.name for each in newest())
        raise NotFoundError(f"No rubric is named {quoted(value, 80)}; the rubrics are {names}.")
    return Content(rubric.text(), "text/plain")


async def _data_set(value: str, open_session: OpenSession) -> Content:
    session = await open_session()
    columns = await dataset_columns(value, session.provider)
    files, _ = await session.provider.datasets_with_failures()
    names = await with_given_names(session.names, session.provider, files)
    file = next((each for each in files if each.id == value), None)
    described = {
        "file_id": value,
        "name": clean(names.of_data_set(value) or "", _NAME_CHARS) or None,
        "rows": file.LineCount or None if file else None,
        "bytes": file.bytes if file else None,
        "columns": listed_columns(columns),
    }
    present = {name: fact for name, fact in described.items() if fact is not None}
    return Content(json.dumps(present, indent=2, ensure_ascii=False), "application/json")


EVALUATION = ResourceKind(
    "evals://evaluations/{evaluation_id}",
    "evaluation",
    "Evaluation",
    "The results of an evaluation as JSON, as get_evaluation returns them.",
    "application/json",
    "evaluation",
    partial(_evaluation, as_json=True),
)

DATA_SET = ResourceKind(
    "evals://datasets/{file_id}",
    "data-set",
    "Data set",
    "Name, rows and columns of a stored data set.",
    "application/json",
    "data_set",
    _data_set,
)

RUBRIC = ResourceKind(
    "evals://rubrics/{name}",
    "rubric",
    "Ready rubric",
    "The text of a ready rubric, which judge.system_template takes.",
    "text/plain",
    "rubric",
    _rubric,
)

KINDS: tuple[ResourceKind, ...] = (
    ResourceKind(
        "evals://evaluations/{evaluation_id}/report",
        "evaluation-report",
        "Report of an evaluation",
        "Headline, figures with intervals and parameters, to read.",
        "text/markdown",
        "evaluation",
        partial(_evaluation, as_json=False),
    ),
    ResourceKind(
        "evals://evaluations/{evaluation_id}/failing",
        "failing-rows",
        "Failing rows of an evaluation",
        f"At most {FAILING_ROWS} failing rows with the judge's reasons.",
        "text/markdown",
        "evaluation",
        _failing,
    ),
    EVALUATION,
    DATA_SET,
    RUBRIC,
)
"""Every kind. A new kind is an entry here."""

VALUES_OF: Mapping[str, Values] = {kind.template: kind.values for kind in KINDS}
"""What the variable of each address names, for completions."""
