"""Compiles and renders Jinja2 templates, which are foreign code: in worker processes only.

The environment is Jinja2's immutable sandbox. How much time and memory a template takes is limited
by the worker process, whatever the template does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from types import TracebackType
from typing import Any

from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError, meta, nodes
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from evals_engine.cleaning import MAX_QUOTE, cleaned
from evals_engine.compute.tasks import TaskError
from evals_engine.templates.limits import MAX_OUTPUT, MAX_SOURCE


def open_template(setup: Any) -> tuple[dict[str, Any], Callable[[Any], str]]:
    """Compile a template.

    Args:
        setup: `source`, the Jinja2 text, and `field`, the request field that every error names.

    Returns:
        The facts `columns`, the sorted names that the template takes from a row, and `pieces` if
        the template does nothing but put columns between texts (see `_pieces`); and a function that
        renders a row.

    Raises:
        TaskError: the template is too long, is not valid, or refers to other templates.
    """
    source, field = setup["source"], setup["field"]
    if len(source) > MAX_SOURCE:
        raise TaskError(
            f"{field}: has {len(source):,} characters, {MAX_SOURCE:,} are the most; "
            "put long texts into columns of the data set"
        )
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False)
    # A column named like a function hides the function, so they are no globals of the environment.
    functions = {name: value for name, value in environment.globals.items() if name != "lipsum"}
    environment.globals.clear()
    try:
        tree = environment.parse(source)
        if next(meta.find_referenced_templates(tree), functions) is not functions:
            raise TaskError(f"{field}: include, import and extends are not available")
        columns = sorted(_columns(tree, functions))
        compiled = environment.from_string(source, globals=functions)
    except TemplateSyntaxError as error:
        reason = cleaned(error.message or "not a template")
        raise TaskError(f"{field}, line {error.lineno}: {reason}") from None
    except ValueError:
        raise TaskError(f"{field}: has a number that is too long") from None
    except (RecursionError, SyntaxError, OverflowError):
        raise TaskError(f"{field}: nested too deeply") from None

    def render(row: Any) -> str:
        try:
            return _limited(compiled.generate(row))
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 - a template can raise any of Python's errors
            raise TaskError(_reason(error, field)) from None

    facts: dict[str, Any] = {"columns": columns}
    if (pieces := _pieces(tree, columns)) is not None:
        facts["pieces"] = pieces
    return facts, render


def _limited(pieces: Any) -> str:
    parts: list[str] = []
    length = 0
    for piece in pieces:
        length += len(piece)
        if length > MAX_OUTPUT:
            raise SecurityError(f"renders to more than {MAX_OUTPUT:,} characters")
        parts.append(piece)
    return "".join(parts)


def _reason(error: Exception, field: str) -> str:
    line = _template_line(error.__traceback__)
    place = f"{field}, line {line}" if line else field
    # Errors that are not Jinja2's may quote a value of the row; only their kind is shown.
    text = str(error) if isinstance(error, TemplateError) else f"fails ({type(error).__name__})"
    return f"{place}: {cleaned(text, MAX_QUOTE)}"


def _columns(tree: nodes.Template, functions: Mapping[str, object]) -> frozenset[str]:
    """Return the names that nothing in the template sets.

    The name of a function counts where it stands for a value, and not where it is only called.
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


def _pieces(tree: nodes.Template, columns: Collection[str]) -> list[tuple[str | None, str]] | None:
    """Return the texts of a template, each with the column that follows it, if any.

    Returns None if the template has anything else, such as a filter or a condition.
    """
    pieces, text = list[tuple[str | None, str]](), ""
    for node in tree.body:
        for part in node.nodes if isinstance(node, nodes.Output) else [node]:
            if isinstance(part, nodes.TemplateData):
                text += part.data
            elif isinstance(part, nodes.Name) and part.name in columns:
                pieces.append((part.name, text))
                text = ""
            else:
                return None
    return [*pieces, (None, text)]


def _template_line(traceback: TracebackType | None) -> int | None:
    line = None
    while traceback:
        if traceback.tb_frame.f_code.co_filename == "<template>":
            line = traceback.tb_lineno
        traceback = traceback.tb_next
    return line
