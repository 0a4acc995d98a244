"""JSON schemas that every model API and every client accepts.

Some clients fail on references, `oneOf`, `const`, null unions, discriminators or arrays without
`items`. The schemas written here mean the same without any of these.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from pydantic import BaseModel, ConfigDict

Schema = dict[str, Any]

IsOpen = Callable[[str, Schema, int], bool]
"""Returns whether the fields of a model, by its name, schema and level, are left out."""

_FIGURES = "x-figures"
_LEFT_OUT = frozenset({"$defs", "$schema", "title", "discriminator", _FIGURES})
_FOR_INPUTS = frozenset({"default", "minimum", "exclusiveMinimum"})
"""What a caller obeys and a reader of answers does not need."""


class Figures(BaseModel):
    """The base of figures that the field which holds them describes, in one sentence for all.

    The list of tools has these objects without their fields.
    """

    model_config = ConfigDict(json_schema_extra={_FIGURES: True})


DESCRIBED_LEVELS = 1
"""How deep an answer's schema describes objects: those in the answer, and not those in these."""


def portable_schema(model: type[BaseModel]) -> Schema:
    """Return the schema of an object of this model, without references.

    The model's docstring is left out, since the tool has a description. A field that may be None
    becomes an optional field, because None is written as absence.

    Raises:
        ValueError: the model needs something that has no portable form, such as a real union.
    """
    return _written(model, lambda _name, _schema, _level: False)


def answer_schema(model: type[BaseModel]) -> Schema:
    """Return the portable schema of an answer, short enough for clients that forward it to a model.

    An object that lies deeper than `DESCRIBED_LEVELS`, that was described before or that holds
    `Figures` is an open object with its own description: its fields have telling names, and every
    answer has them. Defaults and lower bounds are left out.

    Raises:
        ValueError: as `portable_schema` raises it.
    """
    described: set[str] = set()

    def is_open(name: str, schema: Schema, level: int) -> bool:
        if level > DESCRIBED_LEVELS or name in described or _FIGURES in schema:
            return True
        described.add(name)
        return False

    return _without_input_rules(_written(model, is_open))


def _without_input_rules(schema: Schema) -> Schema:
    """Return an answer's schema without the rules that only a caller needs."""
    written = {key: value for key, value in schema.items() if key not in _FOR_INPUTS}
    if "properties" in written:
        fields = cast("dict[str, Schema]", written["properties"])
        written["properties"] = {key: _without_input_rules(part) for key, part in fields.items()}
    for key in ("items", "additionalProperties"):
        if isinstance(part := written.get(key), dict):
            written[key] = _without_input_rules(cast("Schema", part))
    return written


def _written(model: type[BaseModel], is_open: IsOpen) -> Schema:
    schema = model.model_json_schema(by_alias=True, mode="validation")
    portable = _portable(schema, schema.get("$defs", {}), is_open, 0)
    portable.pop("description", None)
    return portable


def _portable(
    schema: Schema, definitions: dict[str, Schema], is_open: IsOpen, level: int
) -> Schema:
    name = _referenced(schema)
    schema = _without_null(_inlined(schema, definitions), definitions)
    if union := {"anyOf", "oneOf", "allOf"} & schema.keys():
        raise ValueError(f"{union.pop()} has no portable form: {sorted(schema)}")
    written = {key: value for key, value in schema.items() if key not in _LEFT_OUT}
    if "properties" in written and name and is_open(name, schema, level):
        return {key: written[key] for key in ("description", "type") if key in written}

    def inner(part: Schema, below: int) -> Schema:
        return _portable(part, definitions, is_open, level + below)

    if "const" in written:
        written["enum"] = [written.pop("const")]
    if written.get("default", ...) is None:
        del written["default"]
    if "properties" in written:
        fields = cast("dict[str, Schema]", written["properties"])
        written["properties"] = {name: inner(field, 1) for name, field in fields.items()}
    if written.get("type") == "array":
        written["items"] = inner(written.get("items", {"type": "string"}), 0)
    if isinstance(values := written.get("additionalProperties"), dict):
        written["additionalProperties"] = inner(cast("Schema", values), 0)
    return written


def _referenced(schema: Schema) -> str | None:
    """Return the name of the model that a schema refers to, or a union of it and null."""
    members = cast("list[Schema]", schema.get("anyOf", []))
    names = [each["$ref"].rpartition("/")[2] for each in [schema, *members] if "$ref" in each]
    return names[0] if names else None


def _inlined(schema: Schema, definitions: dict[str, Schema]) -> Schema:
    """Replace a reference by its target; keys beside the reference override the target's."""
    if "$ref" not in schema:
        return schema
    target = definitions[schema["$ref"].rpartition("/")[2]]
    beside = {key: value for key, value in schema.items() if key != "$ref"}
    return {**_inlined(target, definitions), **beside}


def _without_null(schema: Schema, definitions: dict[str, Schema]) -> Schema:
    """Replace a union of one type and null by the type."""
    members = cast("list[Schema]", schema.get("anyOf", []))
    others = [member for member in members if member.get("type") != "null"]
    if len(others) != 1:
        return schema
    beside = {key: value for key, value in schema.items() if key != "anyOf"}
    return {**_inlined(others[0], definitions), **beside}
