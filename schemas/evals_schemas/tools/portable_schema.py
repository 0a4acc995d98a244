"""JSON schemas that every model API and every client accepts.

Some clients fail on references, `oneOf`, `const`, null unions, discriminators or arrays without
`items`. The schemas written here mean the same without any of these.
"""

from __future__ import annotations

from typing import Any, cast

from pydantic import BaseModel

Schema = dict[str, Any]

_LEFT_OUT = frozenset({"$defs", "$schema", "title", "discriminator"})


def portable_schema(model: type[BaseModel]) -> Schema:
    """Return the schema of an object of this model, without references.

    The model's docstring is left out, since the tool has a description. A field that may be None
        becomes an optional field, because None is written as absence.

        Raises:
            ValueError: the model needs something that has no portable form, such as a real union.
    """
    schema = model.model_json_schema(by_alias=True, mode="validation")
    portable = _portable(schema, schema.get("$defs", {}))
    portable.pop("description", None)
    return portable


def _portable(schema: Schema, definitions: dict[str, Schema]) -> Schema:
    schema = _without_null(_inlined(schema, definitions), definitions)
    if union := {"anyOf", "oneOf", "allOf"} & schema.keys():
        raise ValueError(f"{union.pop()} has no portable form: {sorted(schema)}")
    written = {key: value for key, value in schema.items() if key not in _LEFT_OUT}
    if "const" in written:
        written["enum"] = [written.pop("const")]
    if written.get("default", ...) is None:
        del written["default"]
    if "properties" in written:
        fields = cast("dict[str, Schema]", written["properties"])
        written["properties"] = {
            name: _portable(field, definitions) for name, field in fields.items()
        }
    if written.get("type") == "array":
        written["items"] = _portable(written.get("items", {"type": "string"}), definitions)
    if isinstance(values := written.get("additionalProperties"), dict):
        written["additionalProperties"] = _portable(cast("Schema", values), definitions)
    return written


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
