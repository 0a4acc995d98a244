"""Prompts as Jinja2 templates: compiled once, rendered for each row in a bounded sandbox.

A template comes with a request, so it is foreign code. The sandbox keeps it from Python's
internals, and three bounds keep it from the machine: steps (loop turns, calls, filters), the size
of what one operation may produce, and the size of the output. Row values are data; they are never
compiled.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import wraps
from types import TracebackType
from typing import Any, cast

from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError, meta, nodes
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment, safe_range
from jinja2.visitor import NodeTransformer

from evals_engine.faults import RequestFault, cleaned

MAX_OUTPUT = 1024 * 1024
"""The longest rendered prompt, in characters."""

MAX_STEPS = 100_000
"""Loop turns, calls and filters in one rendering; enough for every real prompt."""

_MAX_PRODUCT = 64 * 1024 * 1024
_MAX_INTEGER_BITS = 4096
_GROWING = frozenset(
    {"batch", "center", "expandtabs", "format", "indent", "join", "ljust"}
    | {"pprint", "rjust", "slice", "string", "tojson", "zfill"}
)
_WIDE_FORMAT = re.compile(r"%[^a-zA-Z%]*(?:\d{5}|\*)|\{[^{}]*(?:\d{5}|\{)")
_ESCAPES = re.compile(r"%%|\{\{|\}\}")
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
    """One template of a request, ready to be rendered for any number of rows."""

    def __init__(self, source: str, field: str) -> None:
        """Compile a template.

        Args:
            source: the Jinja2 text.
            field: the request field that holds it, named in every error.

        Raises:
            RequestFault: it is no valid template, or it refers to other templates.
        """
        self.field = field
        self._sandbox = _Sandbox()
        try:
            tree = self._sandbox.parse(source)
            self.columns = frozenset(meta.find_undeclared_variables(tree))
            """The top-level names it takes from a row."""
            if next(meta.find_referenced_templates(tree), self) is not self:
                raise RequestFault(f"{field}: include, import and extends are not available", field)
            self._compiled = self._sandbox.from_string(_Bounding().visit(tree))
        except TemplateSyntaxError as error:
            raise RequestFault(
                f"{field}, line {error.lineno}: {cleaned(error.message or 'not a template')}", field
            ) from None
        except (RecursionError, MemoryError, SyntaxError, OverflowError):
            raise RequestFault(f"{field}: nested too deeply", field) from None

    def render(self, row: Mapping[str, Any]) -> str:
        """The text for one row.

        Raises:
            RequestFault: a name or an attribute is missing, the sandbox forbids something, an
                operation fails, or a bound is reached.
        """
        self._sandbox.steps_left = MAX_STEPS
        pieces: list[str] = []
        room = MAX_OUTPUT
        try:
            for piece in self._compiled.generate(row):
                room -= len(piece)
                if room < 0:
                    raise SecurityError(f"renders to more than {MAX_OUTPUT:,} characters")
                pieces.append(piece)
        except _RENDER_ERRORS as error:
            raise self._fault(error) from None
        return "".join(pieces)

    def _fault(self, error: Exception) -> RequestFault:
        line = _template_line(error.__traceback__)
        where = f"{self.field}, line {line}" if line else self.field
        # Other errors may quote a value of the row; their kind alone is told.
        what = str(error) if isinstance(error, TemplateError) else f"fails ({type(error).__name__})"
        return RequestFault(f"{where}: {cleaned(what)}", self.field)


class _Bounding(NodeTransformer):
    """Sends loops and `~` through filters, where the sandbox can count and measure them."""

    def visit_For(self, node: nodes.For) -> nodes.Node:  # noqa: N802 - named after the node
        self.generic_visit(node)
        node.iter = _filtered(cast("nodes.Expr", node.iter), "counted", node)
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802 - named after the node
        self.generic_visit(node)
        return _filtered(nodes.List(node.nodes), "join", node)


def _filtered(value: nodes.Expr, name: str, place: nodes.Node) -> nodes.Filter:
    made = nodes.Filter(value, name, [], [], None, None)
    made.set_lineno(place.lineno)
    if place.environment:
        made.set_environment(place.environment)
    return made


class _Sandbox(ImmutableSandboxedEnvironment):
    """Jinja2's sandbox, with the bounds that it leaves to its users."""

    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def __init__(self) -> None:
        super().__init__(undefined=StrictUndefined, autoescape=False, finalize=_printable)
        self.steps_left = MAX_STEPS
        self.filters = {name: self._bounded(run) for name, run in self.filters.items()}
        self.filters["counted"] = self._counted
        names = cast("dict[str, object]", self.globals)
        names["range"] = self._range
        del names["lipsum"]

    def spend(self, steps: int) -> None:
        """Count work done; raises SecurityError when a rendering has done too much."""
        self.steps_left -= steps
        if self.steps_left < 0:
            raise SecurityError(f"takes more than {MAX_STEPS:,} steps (loop turns, calls, filters)")

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Compute an intercepted operator once its result is known to be small."""
        _check_operation(operator, left, right)
        return super().call_binop(context, operator, left, right)

    def call(self, context: Context, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Call a function or a macro, counted; text methods only when the result is small."""
        self.spend(1)
        subject = getattr(function, "__self__", None)
        if isinstance(subject, str):
            _check_growth(function.__name__, subject, (*args, *kwargs.values()))
        return super().call(context, function, *args, **kwargs)

    def wrap_str_format(self, value: Any) -> Callable[..., str] | None:
        """The safe form of `str.format`, which also refuses a result that is too large."""
        made = super().wrap_str_format(value)
        if made is None:
            return None

        def measured(*args: Any, **kwargs: Any) -> str:
            _check_growth("format", value.__self__, (*args, *kwargs.values()))
            return made(*args, **kwargs)

        return measured

    def _bounded(self, run: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(run)
        def bounded(*args: Any, **kwargs: Any) -> Any:
            given = args[1:] if hasattr(run, "jinja_pass_arg") else args
            subject = given[0] if given else None
            self.spend(1 + _length(subject) // 1000)
            _check_growth(run.__name__.removeprefix("do_"), subject, (*given[1:], *kwargs.values()))
            return run(*args, **kwargs)

        return bounded

    def _counted(self, items: Iterable[Any]) -> Iterator[Any]:
        for item in items:
            self.spend(1)
            yield item

    def _range(self, *bounds: int) -> range:
        numbers = safe_range(*bounds)
        self.spend(len(numbers))
        return numbers


def _printable(value: Any) -> Any:
    _size(value)
    return value


def _length(value: Any) -> int:
    return len(cast("str", value)) if isinstance(value, str | list | tuple) else 0


def _size(value: Any) -> int:
    """Characters of a text; parts and characters of any other value."""
    if isinstance(value, str):
        return len(value)
    waiting, size = [value], 0
    while waiting:
        part = waiting.pop()
        size += len(part) + 1 if isinstance(part, str) else 1
        if size > MAX_OUTPUT:
            raise SecurityError(f"handles a value of more than {MAX_OUTPUT:,} parts")
        if isinstance(part, Mapping):
            waiting.extend(cast("Mapping[Any, Any]", part))
            waiting.extend(cast("Mapping[Any, Any]", part).values())
        elif isinstance(part, list | tuple | set | frozenset):
            waiting.extend(cast("Iterable[Any]", part))
    return size


def _check_growth(name: str, subject: Any, arguments: tuple[Any, ...]) -> None:
    if name == "replace" and isinstance(subject, str) and len(arguments) >= 2:
        old, new = str(arguments[0]), str(arguments[1])
        _limit(len(subject) + subject.count(old) * len(new))
    elif name in _GROWING:
        if name == "format" and _WIDE_FORMAT.search(_ESCAPES.sub("", str(subject))):
            raise SecurityError("formats to a width that is not allowed")
        factors = [abs(a) if isinstance(a, int) else _size(a) for a in arguments]
        _limit(max(_size(subject), 1) * max(factors, default=1))


def _check_operation(operator: str, left: Any, right: Any) -> None:
    if operator == "%" and isinstance(left, str):
        _check_growth("format", left, (right,) if not isinstance(right, int) else ())
    elif operator == "+":
        _limit(_length(left) + _length(right))
    elif operator == "**" and isinstance(left, int) and isinstance(right, int):
        _limit_bits(left.bit_length() * abs(right))
    elif operator == "*":
        if isinstance(left, int) and isinstance(right, int):
            _limit_bits(left.bit_length() + right.bit_length())
        elif isinstance(left, int) != isinstance(right, int):
            times = left if isinstance(left, int) else right
            _limit((_length(left) + _length(right)) * times)


def _limit(size: int) -> None:
    if size > _MAX_PRODUCT:
        raise SecurityError("makes a value that is too large")


def _limit_bits(bits: int) -> None:
    if bits > _MAX_INTEGER_BITS:
        raise SecurityError("computes a number that is too large")


def _template_line(traceback: TracebackType | None) -> int | None:
    line = None
    while traceback:
        if traceback.tb_frame.f_code.co_filename == "<template>":
            line = traceback.tb_lineno
        traceback = traceback.tb_next
    return line
