"""Writes `page/src/shapes.ts`: what the page gets, as TypeScript, from the schemas' models."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from evals_schemas.labelling.page import LabelsPage
from evals_schemas.tools.groups import Groups
from evals_schemas.tools.outputs import CreateEvaluationOutput
from evals_schemas.tools.page import (
    FlipQuery,
    FlipsPage,
    ListPage,
    MarkAnswer,
    Report,
    RowQuery,
    StatusPage,
)

MODELS: tuple[type[BaseModel], ...] = (
    Report,
    RowQuery,
    FlipQuery,
    FlipsPage,
    ListPage,
    StatusPage,
    MarkAnswer,
    Groups,
    CreateEvaluationOutput,
    LabelsPage,
)
"""The models that the page gets or sends; those that they contain follow from them."""

_PLAIN = {"string": "string", "number": "number", "integer": "number", "boolean": "boolean"}

HEAD = """\
// Written by `make schemas` from schemas/evals_schemas/tools/page.py: do not edit.
//
// A field that is null on the server is absent here.
"""


def shapes() -> str:
    """Return the text of the file."""
    _, schema = models_json_schema([(model, "serialization") for model in MODELS])
    definitions: dict[str, Any] = schema["$defs"]
    return HEAD + "".join(map("\n{}".format, _interfaces(definitions)))


def _interfaces(definitions: Mapping[str, Any]) -> Iterator[str]:
    for name, definition in sorted(definitions.items()):
        if definition["type"] != "object" or "properties" not in definition:
            yield f"export type {name} = {_type(definition)};\n"
            continue
        fields = [
            f"  {field}{'' if _is_there(value) else '?'}: {_type(value)};\n"
            for field, value in definition["properties"].items()
        ]
        yield f"export interface {name} {{\n{''.join(fields)}}}\n"


def _is_there(value: Mapping[str, Any]) -> bool:
    """Return whether a field is in every answer: null ones are left out."""
    return {"type": "null"} not in value.get("anyOf", ()) and value.get("default", ...) is not None


def _type(value: Mapping[str, Any]) -> str:
    for key in ("$ref", "enum", "const", "anyOf"):
        if key in value:
            return _KINDS[key](value[key])
    if value.get("type") == "array":
        return _array(value)
    if value.get("type") == "object":
        extra: Any = value.get("additionalProperties", True)
        return f"Record<string, {'any' if extra is True else _type(extra)}>"
    return _PLAIN.get(value.get("type", ""), "any")


def _array(value: Mapping[str, Any]) -> str:
    if "prefixItems" in value:
        return f"[{', '.join(map(_type, value['prefixItems']))}]"
    item: Mapping[str, Any] = value.get("items", {})
    inner = _type(item)
    if {"type": "null"} in item.get("anyOf", ()):
        inner = f"{inner} | null"
    return f"({inner})[]" if " " in inner else f"{inner}[]"


_KINDS: Mapping[str, Callable[[Any], str]] = {
    "$ref": lambda reference: str(reference).rpartition("/")[2],
    "enum": lambda values: " | ".join(f'"{each}"' for each in values),
    "const": lambda constant: f'"{constant}"',
    "anyOf": lambda kinds: " | ".join(_type(each) for each in kinds if each != {"type": "null"}),
}


if __name__ == "__main__":
    print(shapes(), end="")
