"""The formats of the clients' files: each changes one entry and checks the result by reading it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from evals_mcp.installing.texts import json_text, toml_text, yaml_text
from evals_mcp.installing.texts.errors import UnchangeableTextError
from evals_mcp.installing.texts.values import is_table

Content = dict[str, object]
Path = Sequence[str]


@dataclass(frozen=True)
class TextFormat:
    """How a format is read and changed; None where files of the format are not changed."""

    block: Callable[[Path, Content], str]
    """Returns an entry as a person would paste it."""
    parse: Callable[[str], Content] | None = None
    merged: Callable[[str, Path, Content], str] | None = None
    replaced: Callable[[str, Path, Content], str] | None = None
    without: Callable[[str, Path], str] | None = None


def _replaced_table(text: str, path: Path, entry: Content) -> str:
    return toml_text.merged(toml_text.without(text, path), path, entry)


FORMATS: Mapping[str, TextFormat] = {
    "json": TextFormat(
        json_text.block, json_text.parse, json_text.merged, json_text.replaced, json_text.without
    ),
    "toml": TextFormat(
        toml_text.block, toml_text.parse, toml_text.merged, _replaced_table, toml_text.without
    ),
    "yaml": TextFormat(yaml_text.block),
}


def entry_in(content: Mapping[str, object], path: Path) -> object | None:
    """Return what a file holds at a path; None if it holds nothing there."""
    value: object = content
    for key in path:
        if not is_table(value):
            return None
        value = value.get(key)
    return value


def with_entry(form: TextFormat, text: str, path: Path, entry: Content, *, whole: bool) -> str:
    """Return the text with an entry.

    Args:
        form: The format of the text.
        text: What the file holds.
        path: Where the entry stands.
        entry: The entry.
        whole: Replace an entry that exists; else its other members stay.

    Raises:
        UnreadableTextError: the text does not parse.
        UnchangeableTextError: the change cannot be made without changing anything else.
    """
    assert form.parse is not None
    assert form.merged is not None
    assert form.replaced is not None
    before = form.parse(text)
    existing = entry_in(before, path)
    expected = _with(before, path, entry if whole else _united(existing, entry))
    change = form.replaced if whole and existing is not None else form.merged
    return _checked(form, change(text, path, entry), expected)


def without_entry(form: TextFormat, text: str, path: Path) -> str:
    """Return the text without an entry that exists.

    Raises:
        UnreadableTextError: the text does not parse.
        UnchangeableTextError: the entry cannot be removed without changing anything else.
    """
    assert form.parse is not None
    assert form.without is not None
    bare = copy.deepcopy(form.parse(text))
    _drop(bare, path, prune=True)
    with_empty_tables = copy.deepcopy(form.parse(text))
    _drop(with_empty_tables, path, prune=False)
    return _checked(form, form.without(text, path), bare, with_empty_tables)


def _checked(form: TextFormat, text: str, *expected: Content) -> str:
    """Return a changed text if it holds exactly what is expected, in one form or another."""
    assert form.parse is not None
    try:
        holds = form.parse(text)
    except ValueError:
        holds = None
    if holds not in expected:
        raise UnchangeableTextError("the entry stands in a form that cannot be changed safely")
    return text


def _united(existing: object, entry: Content) -> Content:
    if not is_table(existing):
        return entry
    united = dict(existing)
    for key, value in entry.items():
        below = united.get(key)
        nested = is_table(value) and is_table(below)
        united[key] = _united(below, cast("Content", value)) if nested else value
    return united


def _with(content: Content, path: Path, entry: Content) -> Content:
    if not path:
        return entry
    below = content.get(path[0], {})
    if not is_table(below):
        raise UnchangeableTextError(f"{path[0]} holds something else")
    return {**content, path[0]: _with(below, path[1:], entry)}


def _drop(content: Content, path: Path, *, prune: bool) -> None:
    """Remove a member and, if wanted, objects that are empty then."""
    if len(path) == 1:
        del content[path[0]]
        return
    below = cast("Content", content[path[0]])
    _drop(below, path[1:], prune=prune)
    if prune and not below:
        del content[path[0]]
