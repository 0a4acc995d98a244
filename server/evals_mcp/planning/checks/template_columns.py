"""Which columns a Jinja2 template reads, from its syntax tree, without running the template.

Jinja2's own search for undeclared names evaluates constant expressions, and a template may contain
one that takes unlimited time or memory. So the constants are replaced before the search.
"""

from __future__ import annotations

from jinja2 import TemplateSyntaxError, meta, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

from evals_mcp.cleaning import inert
from evals_mcp.errors import InvalidRequestError

MAX_TEMPLATE_BYTES = 64 * 1024
"""Size of the longest template accepted; a long rubric has a tenth of this size."""

_CONSTANT = "a constant"
"""Name that replaces a constant; a space keeps templates from using the name."""

_WORDS = frozenset({"false", "False", "none", "None", "not", "self", "true", "True"})
"""Words that look like a name in a template and are never a variable."""


def columns_read(field: str, template: str) -> frozenset[str]:
    """Return the names that a template reads, including Jinja2's own functions.

    Raises:
        InvalidRequestError: the template is invalid or too long.
    """
    if len(template.encode("utf-8", "surrogatepass")) > MAX_TEMPLATE_BYTES:
        raise InvalidRequestError(
            f"`{field}` is longer than {MAX_TEMPLATE_BYTES // 1024} KiB: move long text into a "
            "column of the data set."
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
        problem = f" (line {error.lineno}): {inert((error.message or '').rstrip('.'), 120)}"
    else:
        return frozenset(names - {_CONSTANT})
    raise InvalidRequestError(
        f"`{field}` is not a valid Jinja2 template{problem}. Write a column as {{{{column}}}}; put "
        "literal braces between {% raw %} and {% endraw %}."
    )


def functions() -> frozenset[str]:
    """Return the names that a template may use besides columns, such as `range`."""
    return frozenset(ImmutableSandboxedEnvironment().globals)


def can_be_named(column: str) -> bool:
    """Return whether a template can read a column of this name."""
    return column.isidentifier() and column not in _WORDS


class _WithoutConstants(NodeTransformer):
    """Replaces every literal with a name, so that Jinja2 cannot evaluate any expression."""

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
