"""The worker side of templates in plans: finds the names that a template reads.

Parsing takes time that a template decides about, so only worker processes import this module.

The names are found in the syntax tree, without running the template. Jinja2's own search for
undeclared names evaluates constant expressions, and a template may contain one that takes unlimited
time or memory. So the constants are replaced before the search.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from jinja2 import TemplateSyntaxError, meta, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

from evals_mcp.cleaning import inert

_CONSTANT = "a constant"
"""Name that replaces a constant; a space keeps templates from using the name."""


def open_names(_setup: Any) -> tuple[None, Callable[[Any], dict[str, Any]]]:
    """Return no facts, and a function from the text of a template to its names.

    The function returns `names`, `functions` and `looped` as lists, see `TemplateNames`; and
    `fault`, the continuation of a sentence about an invalid template, or null.
    """
    return None, template_names


def template_names(source: Any) -> dict[str, Any]:
    """Return the names that a template reads; see `open_names`."""
    environment = ImmutableSandboxedEnvironment()
    functions = frozenset(environment.globals)
    environment.globals.clear()
    names: frozenset[str] = frozenset()
    looped: list[str] = []
    fault = None
    try:
        tree = environment.parse(source)
        looped = list(dict.fromkeys(_looped_over(tree)))
        names = frozenset(meta.find_undeclared_variables(_WithoutConstants().visit(tree)))
    except RecursionError:
        fault = ": it is nested too deeply"
    except ValueError:
        fault = ": a number in it is too long"
    except TemplateSyntaxError as error:
        fault = f" (line {error.lineno}): {inert((error.message or '').rstrip('.'), 120)}"
    names -= {_CONSTANT}
    return {
        "names": sorted(names),
        "functions": sorted(names & functions),
        "looped": looped,
        "fault": fault,
    }


def _looped_over(tree: nodes.Template) -> Iterator[str]:
    """Yield the names whose items a template reads one by one."""
    loops = [node.iter for node in tree.find_all(nodes.For)]
    joins = [node.node for node in tree.find_all(nodes.Filter) if node.name == "join"]
    yield from _named([*loops, *joins])


def _named(expressions: Sequence[nodes.Node | None]) -> Iterator[str]:
    """Yield the names that expressions consist of, or that they take through filters."""
    for expression in expressions:
        inner = expression
        while isinstance(inner, nodes.Filter):
            inner = inner.node
        if isinstance(inner, nodes.Name):
            yield inner.name


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
