"""Which columns a Jinja2 template reads, found from its syntax tree: nothing of it is run.

Jinja2's own search for names computes constant expressions on the way, and a template may hold one
that takes all time or all memory. Here the constants are taken out before it looks.
"""

from __future__ import annotations

from jinja2 import TemplateSyntaxError, meta, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

from evals_mcp.cleaning import clean
from evals_mcp.errors import InvalidRequestError

MAX_TEMPLATE_BYTES = 64 * 1024
"""The longest template taken; a long rubric has a tenth of it."""

_CONSTANT = "a constant"
"""Stands where a constant was; no template can name it."""

_WORDS = frozenset({"false", "False", "none", "None", "not", "self", "true", "True"})
"""What looks like a name in a template and never is a variable."""


def columns_read(field: str, template: str) -> frozenset[str]:
    """The names that a template takes from a row, Jinja2's own functions among them.

    Raises:
        InvalidRequestError: it is no template, or too long.
    """
    if len(template.encode("utf-8", "surrogatepass")) > MAX_TEMPLATE_BYTES:
        raise InvalidRequestError(
            f"`{field}` is longer than {MAX_TEMPLATE_BYTES // 1024} KiB: what is long belongs into "
            "a column of the data set."
        )
    environment = ImmutableSandboxedEnvironment()
    environment.globals.clear()
    try:
        tree: nodes.Template = _WithoutConstants().visit(environment.parse(template))
        names = meta.find_undeclared_variables(tree)
    except (RecursionError, MemoryError):
        problem = ": it is nested too deeply"
    except ValueError:
        problem = ": a number in it is too long"
    except TemplateSyntaxError as error:
        problem = f" (line {error.lineno}): {clean(error.message or '', 120).rstrip('.')}"
    else:
        return frozenset(names - {_CONSTANT})
    raise InvalidRequestError(
        f"`{field}` is no Jinja2 template{problem}. A column is read with {{{{column}}}}; braces "
        "that are meant as text go between {% raw %} and {% endraw %}."
    )


def functions() -> frozenset[str]:
    """The names that a template may use beside the columns, such as `range`."""
    return frozenset(ImmutableSandboxedEnvironment().globals)


def can_be_named(column: str) -> bool:
    """Whether a template can read a column of this name at all."""
    return column.isidentifier() and column not in _WORDS


class _WithoutConstants(NodeTransformer):
    """Puts a name in the place of every literal, so that no expression can be computed."""

    def visit_Const(self, node: nodes.Const) -> nodes.Node:  # noqa: N802 - named after the node
        return _unknown(node)

    def visit_List(self, node: nodes.List) -> nodes.Node:  # noqa: N802 - named after the node
        return self._nonempty(node, node.items)

    def visit_Tuple(self, node: nodes.Tuple) -> nodes.Node:  # noqa: N802 - named after the node
        return self._nonempty(node, node.items)

    def visit_Dict(self, node: nodes.Dict) -> nodes.Node:  # noqa: N802 - named after the node
        return self._nonempty(node, node.items)

    def _nonempty(self, node: nodes.Node, items: list[nodes.Expr] | list[nodes.Pair]) -> nodes.Node:
        return self.generic_visit(node) if items else _unknown(node)


def _unknown(node: nodes.Node) -> nodes.Name:
    return nodes.Name(_CONSTANT, "load", lineno=node.lineno, environment=node.environment)
