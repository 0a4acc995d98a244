"""Error messages for the arguments of a tool: which one, what is allowed, what was sent."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import Any, cast

from pydantic_core import ErrorDetails

from evals_mcp.cleaning import clean, quoted

Schema = Mapping[str, Any]
"""A JSON schema."""

_TYPES_NAMED = re.compile(
    r"^((classify|score|compare|benchmark)(, (classify|score|compare|benchmark))*"
    r"|All but benchmark): "
)
"""Beginning of the description of an argument that only some types of evaluation accept."""

_VALUE_FOR = {
    "cancelled": "user_error",
    "canceled": "user_error",
    "failed": "error",
    "succeeded": "completed",
    "finished": "completed",
    "in_progress": "running",
}
"""Allowed value for a word that means the same."""

_PROBLEMS_NAMED = 3
_ECHO = 40

_TYPES = {
    "object": "an object",
    "array": "an array",
    "string": "a string",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
}


def explain(problems: list[ErrorDetails], schema: Schema) -> str:
    """Return what is wrong with a request: the field, what it accepts, and what was sent."""
    texts = [_problem(problem, schema) for problem in problems[:_PROBLEMS_NAMED]]
    if more := len(problems) - len(texts):
        texts.append(f"And {more} more.")
    return " ".join(texts)


def unknown_argument(name: str, schema: Schema, within: str = "") -> str:
    """Return that an argument does not exist, with the most similar name or all names.

    Args:
        name: of the argument.
        schema: of the object that was to hold it.
        within: path of that object; empty for the arguments themselves.
    """
    names = list(cast("Mapping[str, Any]", schema.get("properties", {})))
    near = difflib.get_close_matches(name, names, n=1)
    where = f" of `{within}`" if within else ""
    hint = f" did you mean `{near[0]}`?" if near else ""
    allowed = f" Allowed: {', '.join(names)}." if names else " None is allowed."
    if hint:
        allowed = ""
    return f"{quoted(name, _ECHO)} is not an argument{where};{hint or ' leave it out.'}{allowed}"


def _problem(problem: ErrorDetails, schema: Schema) -> str:
    path = [str(step) for step in problem["loc"]]
    field = clean(".".join(path), 80)
    part = _at(path, schema)
    match problem["type"]:
        case "missing":
            description = str(part.get("description", "it is required"))
            return f"`{field}` is missing: {_TYPES_NAMED.sub('', description)}"
        case "extra_forbidden":
            return unknown_argument(path[-1], _at(path[:-1], schema), ".".join(path[:-1]))
        case "value_error":
            text = problem["msg"].removeprefix("Value error, ").rstrip(".")
            return f"{_with_fields_marked(clean(text, 300), schema)}."
        case _:
            got = _got(problem["input"]) + _meant(part, problem["input"])
            return f"`{field}` must be {_allowed(part, problem)}; got {got}."


def _with_fields_marked(text: str, schema: Schema) -> str:
    """Return the text with each field's name in backticks, except inside quoted values."""
    names = "|".join(sorted(cast("Mapping[str, Any]", schema.get("properties", {}))))
    marked = re.compile(rf"'[^']*'|\"[^\"]*\"|`[^`]*`|\b({names})\b")
    return marked.sub(lambda match: f"`{match[1]}`" if match[1] else match[0], text)


def _meant(schema: Schema, value: object) -> str:
    """Return the allowed value for a word that another service uses, in parentheses."""
    meant = _VALUE_FOR.get(value.casefold()) if isinstance(value, str) else None
    values = cast("list[str]", schema.get("enum", []))
    return f" (here: {meant})" if meant in values else ""


def _at(path: list[str], schema: Schema) -> Schema:
    """Return the part of the schema at a path of names and indexes; empty if the path is wrong."""
    for step in path:
        fields = cast("Mapping[str, Schema]", schema.get("properties", {}))
        schema = fields.get(step) or cast("Schema", schema.get("items", {}))
    return schema


def _allowed(schema: Schema, problem: ErrorDetails) -> str:
    if values := schema.get("enum"):
        return "one of " + ", ".join(cast("list[str]", values))
    kind = str(schema.get("type"))
    if kind not in _TYPES:
        return clean(problem["msg"], 120).removeprefix("Input should be ")
    if fields := schema.get("required"):
        return f"{_TYPES[kind]} with {', '.join(cast('list[str]', fields))}"
    return _TYPES[kind] + _bounds(schema)


def _bounds(schema: Schema) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        return f" from {low:g} to {high:g}"
    if low is not None:
        return f" of {low:g} or more"
    fewest, most = schema.get("minItems"), schema.get("maxItems")
    if most is not None:
        return f" of {fewest or 0} to {most:,}"
    if fewest is not None:
        return f" of {fewest} or more"
    if (longest := schema.get("maxLength")) is not None:
        return f" of {schema.get('minLength', 0)} to {longest:,} characters"
    return ", not empty" if "minLength" in schema else ""


def _got(value: object) -> str:
    match value:
        case bool() | int() | float():
            return str(value).lower()[:_ECHO]
        case str() if len(value) <= _ECHO:
            return quoted(value, _ECHO)
        case str():
            return f"a string of {len(value):,} characters"
        case list():
            return f"an array of {len(cast('list[object]', value))}"
        case dict():
            return "an object"
        case _:
            return "nothing"
