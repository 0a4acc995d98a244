"""Prompts as Jinja2 templates: compiled once, rendered for each row in a sandbox with limits.

A template comes with a request, so it is foreign code. Its size is limited here, before it is
compiled; the sandbox limits what it may use and how much work one rendering may take. Row values
are data; they are never compiled.
"""

from collections import Counter
from collections.abc import Mapping
from types import TracebackType
from typing import Any, cast

from jinja2 import TemplateError, TemplateSyntaxError, meta, nodes
from jinja2.exceptions import SecurityError
from jinja2.visitor import NodeTransformer

from evals_engine.cleaning import MAX_QUOTE, cleaned
from evals_engine.faults import RequestError
from evals_engine.templates.sandbox import FILTERS, MAX_OUTPUT, CostFilter, Sandbox

MAX_SOURCE = 64 * 1024
"""The longest template, in characters."""

MAX_NODES = 3_000
"""The largest template, in nodes of its syntax tree: names, texts, operators, blocks."""

_NODES_PER_STEP = 20
_Repeated = nodes.For | nodes.Macro | nodes.CallBlock | nodes.Block
_RENDER_ERRORS = (
    TemplateError,
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    RuntimeError,
    TypeError,
    ValueError,
)


class Template:
    """One compiled template of a request."""

    def __init__(self, source: str, field: str) -> None:
        """Compile a template.

        Args:
            source: the Jinja2 text.
            field: the request field that holds it, named in every error.

        Raises:
            RequestError: the template is too large or invalid, refers to other templates, or uses
                an unknown filter.
        """
        self.field = field
        self._sandbox = Sandbox()
        if len(source) > MAX_SOURCE:
            raise self._refusal(
                f"has {len(source):,} characters, {MAX_SOURCE:,} are the most; "
                "put long texts into columns of the data set"
            )
        try:
            tree = self._sandbox.parse(source)
            self._check(tree)
            self.columns = _columns(tree, self._sandbox.functions)
            """The columns that the template reads from a row."""
            self._compiled = self._sandbox.from_string(
                _Charging().visit(tree), globals=self._sandbox.functions
            )
        except TemplateSyntaxError as error:
            raise RequestError(
                f"{field}, line {error.lineno}: {cleaned(error.message or 'not a template')}", field
            ) from None
        except RequestError:
            raise
        except ValueError:
            raise self._refusal("has a number that is too long") from None
        except (RecursionError, MemoryError, SyntaxError, OverflowError):
            raise self._refusal("nested too deeply") from None

    def render(self, row: Mapping[str, Any]) -> str:
        """Return the text for one row.

        Raises:
            RequestError: a name or an attribute is missing, the sandbox forbids an operation, an
                operation fails, or a limit is reached.
        """
        self._sandbox.start_anew()
        pieces: list[str] = []
        characters_left = MAX_OUTPUT
        try:
            for piece in self._compiled.generate(row):
                characters_left -= len(piece)
                if characters_left < 0:
                    raise SecurityError(f"renders to more than {MAX_OUTPUT:,} characters")
                pieces.append(piece)
        except _RENDER_ERRORS as error:
            raise self._fault(error) from None
        return "".join(pieces)

    def _check(self, tree: nodes.Template) -> None:
        if next(meta.find_referenced_templates(tree), self) is not self:
            raise self._refusal("include, import and extends are not available")
        if (size := _size(tree)) > MAX_NODES:
            raise self._refusal(
                f"has {size:,} parts (names, texts, operators, blocks), {MAX_NODES:,} are the most"
            )
        for used in tree.find_all(nodes.Filter):
            if used.name not in FILTERS:
                raise RequestError(
                    f"{self.field}, line {used.lineno}: No filter named "
                    f"'{cleaned(used.name, 60)}'. There are: {', '.join(sorted(FILTERS))}.",
                    self.field,
                )

    def _refusal(self, reason: str) -> RequestError:
        return RequestError(f"{self.field}: {reason}", self.field)

    def _fault(self, error: Exception) -> RequestError:
        line = _template_line(error.__traceback__)
        where = f"{self.field}, line {line}" if line else self.field
        # Other errors may quote a value of the row, so only their class is named.
        what = str(error) if isinstance(error, TemplateError) else f"fails ({type(error).__name__})"
        limit = 1000 if isinstance(error, SecurityError) else MAX_QUOTE
        return RequestError(f"{where}: {cleaned(what, limit)}", self.field)


class _Charging(NodeTransformer):
    """Wraps expressions that cost more than their text shows in filters that charge for them."""

    def visit_For(self, node: nodes.For) -> nodes.Node:  # noqa: N802 - named after the node
        node.iter = _filtered(cast("nodes.Expr", node.iter), CostFilter.TURNS)
        return self._body(node)

    def visit_Macro(self, node: nodes.Macro) -> nodes.Node:  # noqa: N802
        return self._body(node)

    def visit_CallBlock(self, node: nodes.CallBlock) -> nodes.Node:  # noqa: N802
        return self._body(node)

    def visit_Block(self, node: nodes.Block) -> nodes.Node:  # noqa: N802
        return self._body(node)

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        return _filtered(nodes.List(node.nodes, lineno=node.lineno), "join")

    def visit_Compare(self, node: nodes.Compare) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        node.expr = _filtered(node.expr, CostFilter.SIZE)
        for operand in node.ops:
            inside = operand.op in {"in", "notin"}
            operand.expr = _filtered(
                operand.expr, CostFilter.CONTAINER if inside else CostFilter.SIZE
            )
        return node

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        if isinstance(node.arg, nodes.Slice):
            node.node = _filtered(node.node, CostFilter.SIZE)
        else:
            node.arg = _filtered(node.arg, CostFilter.SIZE)
        return node

    def visit_Pair(self, node: nodes.Pair) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        node.key = _filtered(node.key, CostFilter.SIZE)
        return node

    def _body(self, node: _Repeated) -> nodes.Node:
        """Charge a body that may run many times for its length, each time."""
        weight = sum(map(_size, node.body)) // _NODES_PER_STEP
        self.generic_visit(node)
        if weight:
            charge = _filtered(nodes.Const(weight, lineno=node.lineno), CostFilter.STEPS)
            node.body.insert(0, nodes.ExprStmt(charge, lineno=node.lineno))
        return node


def _filtered(value: nodes.Expr, name: str) -> nodes.Expr:
    if isinstance(value, nodes.Const) and name != CostFilter.STEPS:
        return value
    return nodes.Filter(
        value, name, [], [], None, None, lineno=value.lineno, environment=value.environment
    )


def _size(tree: nodes.Node) -> int:
    return 1 + sum(1 for _ in tree.find_all(nodes.Node))


def _columns(tree: nodes.Template, functions: Mapping[str, object]) -> frozenset[str]:
    """Return the names that the template reads and does not set.

    The name of a function is a column if the template uses it as a value, not only in calls.
    """
    named = Counter(name.name for name in tree.find_all(nodes.Name) if name.ctx == "load")
    called = Counter(
        call.node.name for call in tree.find_all(nodes.Call) if isinstance(call.node, nodes.Name)
    )
    return frozenset(
        name
        for name in meta.find_undeclared_variables(tree)
        if name not in functions or named[name] > called[name]
    )


def _template_line(traceback: TracebackType | None) -> int | None:
    line = None
    while traceback:
        if traceback.tb_frame.f_code.co_filename == "<template>":
            line = traceback.tb_lineno
        traceback = traceback.tb_next
    return line
