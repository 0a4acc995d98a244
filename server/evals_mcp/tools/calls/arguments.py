"""From what a model sent to a checked input, or to a short text that says how to send it.

Models send numbers as strings, JSON inside a string and nulls for what they leave out: all of that
is read. What is refused is refused by name, and no long value is echoed, nor a key.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar, cast

from pydantic import ValidationError

from evals_mcp.cleaning import clean
from evals_mcp.errors import InvalidRequestError
from evals_mcp.key_shapes import holds_key, looks_random
from evals_mcp.refused_arguments import Schema, explain, unknown_argument
from evals_schemas.contract import Request

Taken = TypeVar("Taken", bound=Request)

_DROPPED = frozenset({"wait_for_previous"})
"""What clients add to every call on their own account."""

_SECRETS = frozenset({"external_api_token", "external_base_url", "api_key", "api_token"})

_DATA = frozenset({"rows"})
"""Arguments that hold data, not settings: keys in them are found where they are stored."""

_OWN_TEXTS = frozenset({"confirm", "cursor"})
"""Arguments that hold what this server has given out, random to look at; they are never quoted."""

_ANY_TEXT = frozenset(
    {
        "system_template",
        "input_template",
        "text",
        "path",
        "name",
        "input_data_file_path",
        "benchmark_id",
        "evaluation_id",
        "evaluation_id_a",
        "evaluation_id_b",
    }
)
"""Texts of any length, names of files and ids: in them only keys of known kinds can be told."""


def parse_arguments(
    tool: str, model: type[Taken], schema: Schema, given: Mapping[str, Any] | None
) -> Taken:
    """Read a call's arguments.

    Raises:
        InvalidRequestError: says which argument is wrong, what it takes, and what to do.
    """
    arguments = {name: value for name, value in (given or {}).items() if name not in _DROPPED}
    arguments = cast("dict[str, Any]", _decoded(arguments, schema))
    if secret := _secret_in(arguments):
        raise InvalidRequestError(_secret_refused(tool, secret))
    if place := next(_keys_in(arguments), None):
        raise InvalidRequestError(_key_refused(tool, place))
    if unknown := [name for name in arguments if name not in schema["properties"]]:
        raise InvalidRequestError(_unknown_refused(tool, unknown[0], schema))
    try:
        return model.model_validate(arguments)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=True)
        raise InvalidRequestError(
            f"{explain(problems, schema)} Correct this and call {tool} again."
        ) from None


def _decoded(value: Any, schema: Schema) -> Any:
    """Read JSON sent in a string where an object or an array is due, and drop nulls in objects."""
    kind = schema.get("type")
    if isinstance(value, str):
        return _decoded(inside, schema) if (inside := _read_json(value, kind)) else value
    if kind == "object" and isinstance(value, dict) and "properties" in schema:
        fields = cast("Mapping[str, Schema]", schema["properties"])
        return {
            name: _decoded(item, fields.get(name, {}))
            for name, item in cast("dict[str, Any]", value).items()
            if item is not None
        }
    if kind == "array" and isinstance(value, list):
        return [_decoded(item, schema["items"]) for item in cast("list[Any]", value)]
    return cast("object", value)


def _read_json(text: str, kind: str | None) -> Any:
    """The object or array that a string holds; None where neither is due or there.

    One where the other is due comes out as well: what takes both shows one of the two.
    """
    if kind not in {"object", "array"}:
        return None
    try:
        inside: Any = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return cast("object", inside) if isinstance(inside, dict | list) else None


def _secret_in(arguments: Mapping[str, Any]) -> str | None:
    """The path of a field that carries a key or a URL; rows of data are not searched."""
    for name, value in arguments.items():
        if name in _SECRETS:
            return name
        if isinstance(value, dict):
            inner = cast("dict[str, Any]", value)
            if found := next((key for key in inner if key in _SECRETS), None):
                return f"{name}.{found}"
    return None


def _secret_refused(tool: str, field: str) -> str:
    return (
        f"`{field}` is not taken: keys and URLs do not pass through a conversation. Leave it out "
        "and give `external_credential`, the name of a credential that whoever runs this server "
        "has put under [credentials] in its configuration, with model_source `external`; then "
        f"call {tool} again. If a key was just written here, it should be replaced."
    )


def _keys_in(value: Any, path: str = "", field: str = "") -> Iterator[str]:
    """The places of texts that have the shape of a key, names of fields among them."""
    if isinstance(value, str):
        if holds_key(value) or (field not in _ANY_TEXT and looks_random(value)):
            yield f"`{clean(path, 80)}`"
    elif isinstance(value, dict):
        for name, below in cast("dict[str, Any]", value).items():
            if holds_key(name) or looks_random(name):
                yield f"The name of a field{f' of `{clean(path, 80)}`' if path else ''}"
            elif path or name not in _DATA | _OWN_TEXTS:
                yield from _keys_in(below, f"{path}.{name}" if path else name, name)
    elif isinstance(value, list):
        for item in cast("list[Any]", value):
            yield from _keys_in(item, path, field)


def _key_refused(tool: str, place: str) -> str:
    return (
        f"{place} holds what looks like a key: keys do not pass through a conversation. Leave it "
        "out; a model that needs one takes `external_credential`, the name of a credential that "
        "whoever runs this server has put under [credentials] in its configuration, with "
        f"model_source `external`. Then call {tool} again. If it is a key, it should be replaced."
    )


def _unknown_refused(tool: str, name: str, schema: Schema) -> str:
    if name == "parameters":
        return (
            f"`parameters` is not an argument of {tool}: put its fields beside `type`, at the top "
            "level, and call it again."
        )
    return f"{unknown_argument(name, schema)} Correct this and call {tool} again."
