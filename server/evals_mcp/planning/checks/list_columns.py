"""Columns that templates loop over, and whose cells hold lists as JSON texts, as in CSV files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from jinja2 import TemplateSyntaxError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from evals_mcp.cleaning import quoted
from evals_mcp.datasets.profiles import DatasetProfile
from evals_mcp.planning.checks.columns import templates
from evals_mcp.planning.checks.findings import Findings
from evals_mcp.planning.checks.template_columns import MAX_TEMPLATE_BYTES
from evals_schemas.datasets.list_cells import read_list
from evals_schemas.evaluation_api.evaluations import AnyParameters


@dataclass(frozen=True)
class ListColumns:
    """The columns to read as lists, and what to say about columns that are looped over."""

    columns: tuple[str, ...]
    findings: Findings


def list_columns(parameters: AnyParameters, profile: DatasetProfile) -> ListColumns:
    """Return the looped-over columns whose sampled cells are JSON texts of lists.

    Parsing a long template takes time; call this function in a worker thread.
    """
    looped = {
        column: field
        for field, template in templates(parameters)
        for column in _looped_over(template)
        if column in profile.columns
    }
    read: list[str] = []
    notes: list[str] = []
    warnings: list[str] = []
    for column, field in looped.items():
        cells = [row.row.get(column) for row in profile.sample]
        texts = [cell for cell in cells if isinstance(cell, str) and cell.strip()]
        plain = [text for text in texts if not isinstance(read_list(text), list)]
        if len(plain) < len(texts):
            read.append(column)
            notes.append(
                f"{quoted(column, 60)} holds lists as JSON texts, and `{field}` loops over it: "
                "they are sent as lists."
            )
        if plain:
            warnings.append(
                f"`{field}` loops over {quoted(column, 60)}, whose cells are texts in "
                f"{len(plain):,} of {len(cells):,} sampled rows: there it loops over characters."
            )
    return ListColumns(tuple(read), Findings(warnings=tuple(warnings), notes=tuple(notes)))


def _looped_over(template: str) -> Iterator[str]:
    """Yield the names whose items a template reads one by one; none of an invalid template."""
    if len(template.encode("utf-8", "surrogatepass")) > MAX_TEMPLATE_BYTES:
        return
    try:
        tree = ImmutableSandboxedEnvironment().parse(template)
        loops = [node.iter for node in tree.find_all(nodes.For)]
        joins = [node.node for node in tree.find_all(nodes.Filter) if node.name == "join"]
    except (TemplateSyntaxError, RecursionError, MemoryError, ValueError):
        return
    yield from _names([*loops, *joins])


def _names(expressions: Sequence[nodes.Node | None]) -> Iterator[str]:
    """Yield the names that are looped over themselves, or through a filter."""
    for expression in expressions:
        inner = expression
        while isinstance(inner, nodes.Filter):
            inner = inner.node
        if isinstance(inner, nodes.Name):
            yield inner.name
