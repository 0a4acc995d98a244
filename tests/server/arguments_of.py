"""Arguments for a tool, drawn from its own schema: fitting ones, near ones, and any JSON at all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

Schema = Mapping[str, Any]

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=12)
"""Control characters and halves of surrogate pairs are among it."""

HUGE_TEXT = st.sampled_from(["x" * 50_000, "{" * 5_000, "{{" * 500, "\u202e\x1b[31m" * 2_000])


def nested(depth: int) -> Any:
    value: Any = "deep"
    for level in range(depth):
        value = [value] if level % 2 else {"a": value}
    return value


JUNK: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**30), 10**30),
    st.floats(),
    ANY_TEXT,
    HUGE_TEXT,
    st.sampled_from([nested(30), nested(300), [[]] * 2_000, {"": {}}]),
    st.recursive(
        st.one_of(st.none(), st.integers(), ANY_TEXT),
        lambda below: st.lists(below, max_size=3) | st.dictionaries(ANY_TEXT, below, max_size=3),
        max_leaves=8,
    ),
)


Texts = Mapping[str, list[str]]
"""Texts worth trying, by the name of the field; those under `""` for every other."""


def arguments(schema: Schema, texts: Texts, *good: dict[str, Any]) -> st.SearchStrategy[Any]:
    """What a call may bring.

    Args:
        schema: the tool's input schema.
        texts: what to write into fields of text.
        good: calls that succeed, of which a few fields are changed.
    """
    drawn = _object(schema, texts)
    fields = _fields(schema, texts)
    changes = [_some(fields, most) for most in (0, 1, 3)]
    changed = [st.builds(_merged, st.sampled_from(good), change) for change in changes if good]
    spoilt = st.builds(_merged, drawn, st.dictionaries(ANY_TEXT, JUNK, max_size=1))
    return st.one_of(*changed, drawn, spoilt)


def _merged(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    return first | second


def _fields(schema: Schema, texts: Texts) -> dict[str, st.SearchStrategy[Any]]:
    found = schema.get("properties", {}).items()
    return {name: _mostly(_value(name, below, texts)) for name, below in found}


def _some(fields: Mapping[str, st.SearchStrategy[Any]], most: int) -> st.SearchStrategy[Any]:
    if not fields:
        return st.builds(dict[str, Any])
    names = st.lists(st.sampled_from(sorted(fields)), max_size=most)
    return names.flatmap(lambda few: st.fixed_dictionaries({name: fields[name] for name in few}))


def _object(schema: Schema, texts: Texts) -> st.SearchStrategy[dict[str, Any]]:
    if "properties" not in schema:
        return st.dictionaries(st.sampled_from(texts[""]) | ANY_TEXT, _cell(texts), max_size=4)
    fields = _fields(schema, texts)
    required = {name: fields.pop(name) for name in schema.get("required", [])}
    always = st.fixed_dictionaries(required)
    return st.builds(_merged, always, _some(fields, 5))


def _mostly(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.integers(0, 9).flatmap(lambda chance: strategy if chance else JUNK)


def _cell(texts: Texts) -> st.SearchStrategy[Any]:
    return st.one_of(st.sampled_from(texts[""]), ANY_TEXT, st.integers(), JUNK)


def _value(name: str, schema: Schema, texts: Texts) -> st.SearchStrategy[Any]:
    if values := schema.get("enum"):
        return st.sampled_from(values)
    low, high = schema.get("minimum", -10), schema.get("maximum", 100)
    match schema.get("type"):
        case "boolean":
            found = st.booleans()
        case "integer":
            found = st.integers(int(low), int(high))
        case "number":
            found = st.floats(low, high)
        case "string":
            known = st.sampled_from(texts.get(name, texts[""]))
            found = st.one_of(known, known, known, ANY_TEXT, HUGE_TEXT)
        case "array":
            found = st.lists(_value(name, schema["items"], texts), max_size=4)
        case _:
            found = _object(schema, texts)
    return found
