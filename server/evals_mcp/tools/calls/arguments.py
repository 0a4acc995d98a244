"""Reads the arguments of a tool call, or explains in a short text how to send them.

Numbers in strings, JSON in strings and nulls for absent arguments are accepted, because models send
them. An error names the argument and never echoes a key or a long value.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar, cast

from pydantic import ValidationError

from evals_mcp.argument_errors.messages import Schema, explain, unknown_arguments
from evals_mcp.cleaning import inert
from evals_mcp.errors import InvalidRequestError
from evals_mcp.key_shapes import holds_key, looks_random
from evals_schemas.contract import Request

Arguments = TypeVar("Arguments", bound=Request)

_DROPPED = frozenset({"wait_for_previous"})
"""Arguments that some clients add to every call."""

_SECRETS = frozenset({"external_api_token", "external_base_url", "api_key", "api_token"})

_DATA = frozenset({"rows"})
"""Arguments that hold data, not settings; keys in them are detected when the data is stored."""

_REPEATS_THE_CALL = frozenset({"metrics"})
"""Arguments that are lists of objects with the arguments of the call itself."""

_OWN_TEXTS = frozenset({"confirm", "cursor"})
"""Arguments with texts that this server issued, which look random; messages never quote them."""

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
"""Long texts, file names and ids, in which only keys of known kinds can be recognized."""


def parse_arguments(
    tool: str, model: type[Arguments], schema: Schema, raw: Mapping[str, Any] | None
) -> Arguments:
    """Return the checked arguments of a call.

    Raises:
        InvalidRequestError: an argument is wrong; the message says which, what is allowed, and
            what to do.
    """
    arguments = {name: value for name, value in (raw or {}).items() if name not in _DROPPED}
    arguments = cast("dict[str, Any]", _decoded(arguments, schema))
    if secret := _secret_in(arguments):
        raise InvalidRequestError(_secret_refused(tool, secret))
    if key_path := next(_keys_in(arguments), None):
        raise InvalidRequestError(_key_refused(tool, key_path))
    if unknown := [name for name in arguments if name not in schema["properties"]]:
        raise InvalidRequestError(_unknown_refused(tool, unknown, arguments, schema))
    try:
        return model.model_validate(arguments)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=True)
        raise InvalidRequestError(
            f"{explain(problems, schema, tool)} Correct this and call {tool} again."
        ) from None


def _decoded(value: Any, schema: Schema) -> Any:
    """Return the value with JSON strings parsed if the schema wants JSON, and without nulls."""
    arguments: object = _decoded_value(value, schema)
    if isinstance(arguments, dict):
        fields = cast("dict[str, Any]", arguments)
        for name in _REPEATS_THE_CALL & fields.keys() & schema["properties"].keys():
            if isinstance(fields[name], list):
                fields[name] = [_decoded_value(item, schema) for item in fields[name]]
        return fields
    return arguments


def _decoded_value(value: Any, schema: Schema) -> Any:
    kind = schema.get("type")
    if isinstance(value, str):
        return _decoded_value(inside, schema) if (inside := _read_json(value, kind)) else value
    if kind == "object" and isinstance(value, dict) and "properties" in schema:
        fields = cast("Mapping[str, Schema]", schema["properties"])
        return {
            name: _decoded_value(item, fields.get(name, {}))
            for name, item in cast("dict[str, Any]", value).items()
            if item is not None
        }
    if kind == "array" and isinstance(value, list):
        return [_decoded_value(item, schema["items"]) for item in cast("list[Any]", value)]
    return cast("object", value)


def _read_json(text: str, kind: str | None) -> Any:
    """Return the object or array in a string; None if the schema wants neither or it holds neither.

    An object is returned for an array and the reverse: an argument that accepts both shows one.
    """
    if kind not in {"object", "array"}:
        return None
    try:
        inside: Any = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return cast("object", inside) if isinstance(inside, dict | list) else None


def _secret_in(arguments: Mapping[str, Any]) -> str | None:
    """Return the path of a field that carries a key or a URL; rows of data are not searched."""
    for name, value in arguments.items():
        if name in _SECRETS:
            return name
        if name in _REPEATS_THE_CALL and isinstance(value, list):
            for item in cast("list[Any]", value):
                own = cast("dict[str, Any]", item) if isinstance(item, dict) else {}
                if secret := _secret_in(own):
                    return f"{name}.{secret}"
        if isinstance(value, dict):
            inner = cast("dict[str, Any]", value)
            if secret := next((key for key in inner if key in _SECRETS), None):
                return f"{name}.{secret}"
    return None


def _secret_refused(tool: str, field: str) -> str:
    return (
        f"`{field}` is not accepted: keys and URLs must not be part of a conversation. Leave it "
        "out and give `external_credential`, the name of a credential that the operator of this "
        "server has configured under [credentials], with model_source `external`; then call "
        f"{tool} again. If the conversation contains a key, replace that key."
    )


def _keys_in(value: Any, path: str = "", field: str = "") -> Iterator[str]:
    """Yield the path of each text or field name that looks like a key."""
    if isinstance(value, str):
        if holds_key(value) or (field not in _ANY_TEXT and looks_random(value)):
            yield _marked(path)
    elif isinstance(value, dict):
        for name, below in cast("dict[str, Any]", value).items():
            if holds_key(name) or looks_random(name):
                yield f"The name of a field{f' of {_marked(path)}' if path else ''}"
            elif path or name not in _DATA | _OWN_TEXTS:
                yield from _keys_in(below, f"{path}.{name}" if path else name, name)
    elif isinstance(value, list):
        for item in cast("list[Any]", value):
            yield from _keys_in(item, path, field)


def _marked(path: str) -> str:
    """Return the path of an argument as messages name arguments."""
    return f"`{inert(path.replace('`', ''), 80)}`"


def _key_refused(tool: str, key_path: str) -> str:
    return (
        f"{key_path} holds what looks like a key: keys must not be part of a conversation. Leave "
        "it out; for a model that needs a key, give `external_credential`, the name of a "
        "credential that the operator of this server has configured under [credentials], with "
        f"model_source `external`. Then call {tool} again. If it is a key, replace that key."
    )


def _unknown_refused(
    tool: str, names: list[str], arguments: Mapping[str, Any], schema: Schema
) -> str:
    if "parameters" in names:
        return (
            f"`parameters` is not an argument of {tool}: put its fields beside `type`, at the top "
            "level, and call it again."
        )
    text = unknown_arguments(names, schema, tool, arguments.get("type"))
    return f"{text} Correct this and call {tool} again."
