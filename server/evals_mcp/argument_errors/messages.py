"""Error messages for the arguments of a tool: which one, what is allowed, what was sent."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

from pydantic_core import ErrorDetails

from evals_mcp.argument_errors.vocabulary import (
    ADVICE,
    ARGUMENTS,
    LISTED_IN,
    MISSING,
    NO_FILTER,
    SCALES,
    UNITS,
    VALUES,
    bare,
)
from evals_mcp.cleaning import clean, quoted
from evals_mcp.near_names import near_names

Schema = Mapping[str, Any]
"""A JSON schema."""

_TYPES_NAMED = re.compile(
    r"^((classify|score|compare|benchmark)(, (classify|score|compare|benchmark))*"
    r"|All but benchmark): "
)
"""Beginning of the description of an argument that only some types of evaluation accept."""

_PROBLEMS_NAMED = 3
_ECHO = 40

_NAMES_LISTED = 7
"""Most arguments of a tool that an answer lists."""

_MEANT = 2
"""Most arguments that an answer proposes for one that does not exist."""

_ALL_BUT = "All but "

_TYPES = {
    "object": "an object",
    "array": "an array",
    "string": "a string",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
}


def explain(problems: list[ErrorDetails], schema: Schema, tool: str = "") -> str:
    """Return what is wrong with a request: the field, what it accepts, and what was sent."""
    texts = [_problem(problem, schema, tool) for problem in problems[:_PROBLEMS_NAMED]]
    if more := len(problems) - len(texts):
        texts.append(f"And {more} more.")
    return " ".join(texts)


def unknown_arguments(names: list[str], schema: Schema, tool: str, kind: object = None) -> str:
    """Return that arguments do not exist, and for each what to give instead.

    Args:
        names: the arguments, 1 or more.
        schema: of the tool's arguments.
        tool: its name.
        kind: the type of evaluation that the call names; of any type without one.
    """
    texts = [unknown_argument(name, schema, tool, kind=kind) for name in names[:_PROBLEMS_NAMED]]
    return " ".join(texts)


def unknown_argument(
    name: str, schema: Schema, tool: str, within: str = "", kind: object = None
) -> str:
    """Return that an argument does not exist, with what is most likely meant.

    Args:
        name: of the argument.
        schema: of the object that was to hold it.
        tool: name of the tool.
        within: path of that object; empty for the arguments themselves.
        kind: the type of evaluation that the call names; of any type without one.
    """
    where = f" of `{within}`" if within else ""
    return f"{quoted(name, _ECHO)} is not an argument{where}; {_instead(name, schema, tool, kind)}"


def _instead(name: str, schema: Schema, tool: str, kind: object) -> str:
    """Return the arguments that are meant, what to do instead, or where the arguments are named."""
    fields = cast("Mapping[str, Schema]", schema.get("properties", {}))
    fitting = [field for field, part in fields.items() if _is_for(part, kind)]
    if same := [field for field in fitting if bare(field) == bare(name)]:
        return f"did you mean `{same[0]}`?"
    word = bare(name)
    if tool in LISTED_IN and (advice := ADVICE.get(tool, {}).get(word)):
        return f"{advice}."
    if meant := [path for path in ARGUMENTS.get(word, ()) if _exists(path, schema, fitting)]:
        return f"did you mean {' or '.join(f'`{path}`' for path in meant[:_MEANT])}?"
    if advice := ADVICE.get(tool, {}).get(word):
        return f"{advice}."
    if near := near_names(name, fitting, 1):
        return f"did you mean `{near[0]}`?"
    return f"leave it out. {_all_arguments(schema, tool)}"


def _all_arguments(schema: Schema, tool: str) -> str:
    """Return the arguments of an object, or the description of one that only it explains."""
    names = list(cast("Mapping[str, Schema]", schema.get("properties", {})))
    if not names:
        description = schema.get("description")
        return f"What it takes: {description}" if description else "None is allowed."
    if len(names) > _NAMES_LISTED:
        listed = LISTED_IN.get(tool, f"the input schema of {tool}")
        return f"The {len(names)} that exist are in {listed}."
    return f"Allowed: {', '.join(names)}."


def _exists(path: str, schema: Schema, fitting: list[str]) -> bool:
    first, _, _ = path.partition(".")
    return first in fitting and bool(_at(path.split("."), schema))


def _is_for(part: Schema, kind: object) -> bool:
    """Return whether a type of evaluation has the argument with this schema."""
    types = _TYPES_NAMED.match(str(part.get("description", "")))
    if types is None or not isinstance(kind, str):
        return True
    if types[1].startswith(_ALL_BUT):
        return kind != types[1].removeprefix(_ALL_BUT)
    return kind in types[1].split(", ")


def _problem(problem: ErrorDetails, schema: Schema, tool: str) -> str:
    path = [str(step) for step in problem["loc"]]
    field = clean(".".join(path), 80)
    part = _at(path, schema)
    match problem["type"]:
        case "missing":
            return f"`{field}` is missing: {_needed(path, part)}."
        case "extra_forbidden":
            within = _at(path[:-1], schema)
            return unknown_argument(path[-1], within, tool, ".".join(path[:-1]))
        case "value_error":
            text = problem["msg"].removeprefix("Value error, ").rstrip(".")
            return f"{_with_fields_marked(clean(text, 300), schema)}."
        case _:
            allowed = _allowed(part, problem) + UNITS.get(path[-1] if path else "", "")
            hint = next(_meant(path, part, problem["input"]), "")
            return f"`{field}` must be {allowed}; got {_got(problem['input'])}{hint or '.'}"


def _needed(path: list[str], schema: Schema) -> str:
    """Return what to give for an argument that is missing, without a full stop."""
    known = MISSING.get(".".join(path)) or MISSING.get(path[-1])
    described = _TYPES_NAMED.sub("", str(schema.get("description", "it is required")))
    return known or described.rstrip(".")


def _with_fields_marked(text: str, schema: Schema) -> str:
    """Return the text with each field's name in backticks, except inside quoted values."""
    names = "|".join(sorted(cast("Mapping[str, Any]", schema.get("properties", {}))))
    marked = re.compile(rf"'[^']*'|\"[^\"]*\"|`[^`]*`|\b({names})\b")
    return marked.sub(lambda match: f"`{match[1]}`" if match[1] else match[0], text)


def _meant(path: list[str], schema: Schema, value: object) -> Iterator[str]:
    """Yield what was probably meant by a value that is not allowed, as the end of a sentence."""
    name = path[-1] if path else ""
    if isinstance(value, str) and (values := cast("list[str]", schema.get("enum", []))):
        yield from _meant_value(value, values)
    if (number := _number(value)) is not None:
        yield from (f": did you mean {found:g}?" for found in _meant_numbers(name, schema, number))
    if schema.get("type") == "array":
        yield from _meant_array(name, schema, value)


def _meant_value(value: str, values: list[str]) -> Iterator[str]:
    word = bare(value)
    same = [allowed for allowed in values if bare(allowed) == word]
    known = [allowed for allowed in VALUES.get(word, ()) if allowed in values]
    if meant := [*same, *known] or near_names(value, values, 1):
        yield f": did you mean {meant[0]}?"
    if word in NO_FILTER:
        yield ": leave it out for all."


def _number(value: object) -> float | None:
    """Return the number in a value that was refused; None without one."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value.strip().rstrip("%") if isinstance(value, str) else value)
    except (ValueError, OverflowError):
        return None


def _meant_numbers(name: str, schema: Schema, number: float) -> Iterator[float]:
    """Yield the number in the unit of the argument, if that is within its bounds."""
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        scaled = (number, number * SCALES.get(name, 1))
        yield from (found for found in scaled if low <= found <= high)


def _meant_array(name: str, schema: Schema, value: object) -> Iterator[str]:
    items = cast("Schema", schema.get("items", {}))
    if isinstance(value, dict) and (names := list(cast("dict[str, object]", value))):
        fields = cast("dict[str, object]", value)
        if items.get("type") == "string":
            yield f": did you mean [{', '.join(quoted(each, _ECHO) for each in names[:3])}]?"
        elif len(names) == 1 and isinstance(fields[names[0]], list):
            yield f": pass the array alone, without {quoted(names[0], _ECHO)} around it."
        else:
            yield f": {name} are an array with an object a row, [{{column: value, …}}, …]."
    if isinstance(value, str):
        if items.get("type") == "string":
            parts = [part.strip() for part in value[:200].split(",") if part.strip()][:3]
            yield f": did you mean [{', '.join(quoted(part, _ECHO) for part in parts)}]?"
        else:
            yield f": {name} are an array with an object a row, [{{column: value, …}}, …]."


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
