"""The templates of a request, and what is known of them before a row is rendered.

Templates are foreign code: worker processes parse and render them, and this process never does.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from evals_schemas.evaluation_api.evaluations import AnyParameters, ModelRequest, candidates

MAX_TEMPLATE_BYTES = 64 * 1024
"""Size of the longest template accepted; a long rubric has a tenth of this size."""

Render = Callable[[Mapping[str, Any]], Awaitable[str]]
"""Returns the text of one row. Raises RenderError."""

_WORDS = frozenset({"false", "False", "none", "None", "not", "self", "true", "True"})
"""Words that look like a name in a template and are never a variable."""


class RenderError(Exception):
    """A template failed on a row; the message says where and why, without the row's content."""


@dataclass(frozen=True)
class TemplateNames:
    """The names that a template reads from a row."""

    names: frozenset[str] = frozenset()
    """Columns, and Jinja2's own functions."""
    functions: frozenset[str] = frozenset()
    """Names in `names` that are Jinja2's own functions, such as `range`."""
    looped: tuple[str, ...] = ()
    """Names whose items the template reads one by one."""
    problem: str | None = None
    """A sentence that says why the template cannot be used; None if it is valid."""


class Templates(Protocol):
    """Parses and renders templates in worker processes."""

    async def read_names(self, sources: Sequence[tuple[str, str]], owner: str) -> ReadTemplates:
        """Return the names that templates read.

        Args:
            sources: the field of the request and the text of each template.
            owner: the user whose templates they are.
        """
        ...

    async def compile_template(self, source: str, field: str, owner: str) -> Render:
        """Return a function that renders a template.

        Raises:
            InvalidRequestError: the template cannot be rendered.
        """
        ...


ReadTemplates = Mapping[str, TemplateNames]
"""The names that each template of a request reads, by the request's field."""


def templates(parameters: AnyParameters) -> Iterator[tuple[str, str]]:
    """Yield the field and the source of each template of a request."""
    yield "judge.system_template", parameters.judge.system_template
    for model, side in candidates(parameters).items():
        if isinstance(side, ModelRequest):
            yield f"{model}.system_template", side.system_template
            yield f"{model}.input_template", side.input_template


def too_long(field: str, source: str) -> str | None:
    """Return a sentence about a template that is too long; None if its length is accepted."""
    if len(source.encode("utf-8", "surrogatepass")) <= MAX_TEMPLATE_BYTES:
        return None
    return (
        f"`{field}` is longer than {MAX_TEMPLATE_BYTES // 1024} KiB: move long text into a "
        "column of the data set."
    )


def found_names(field: str, found: Mapping[str, Any]) -> TemplateNames:
    """Return the names of a template.

    Args:
        field: the field of the request.
        found: what the task `names` answers; see `evals_mcp.planning.template_task`.
    """
    fault = found["fault"]
    problem = fault and (
        f"`{field}` is not a valid Jinja2 template{fault}. Write a column as {{{{column}}}}; put "
        "literal braces between {% raw %} and {% endraw %}."
    )
    names, functions = frozenset(found["names"]), frozenset(found["functions"])
    return TemplateNames(names, functions, tuple(found["looped"]), problem)


def beyond_the_limits(field: str, reason: str) -> str:
    """Return the sentence about a template that a worker process did not parse.

    Args:
        field: the field of the request.
        reason: a verb with the limit and its setting.
    """
    return (
        f"`{field}` cannot be used: reading it {reason}. Write a shorter template with less "
        "nesting, or ask the administrator to raise the limit."
    )


def can_be_named(column: str) -> bool:
    """Return whether a template can read a column of this name."""
    return column.isidentifier() and column not in _WORDS
