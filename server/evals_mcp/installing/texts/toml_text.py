"""Changes tables and settings in TOML; all other lines stay as they are."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from evals_mcp.installing.texts.errors import UnreadableTextError
from evals_mcp.installing.texts.values import is_mapping, is_table

Path = tuple[str, ...]


def parse(text: str) -> dict[str, object]:
    """Return what a file holds.

    Raises:
        UnreadableTextError: the text is not TOML.
    """
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise UnreadableTextError(str(error)) from None


def merged(text: str, path: Sequence[str], values: Mapping[str, object]) -> str:
    """Return the text with these values in a table, whose other settings stay.

    The caller checks what the result holds: a table that is written in another form, such as
    inline, is not found here.

    Raises:
        UnreadableTextError: the text is not TOML.
    """
    parse(text)
    table = tuple(path)
    for key, value in values.items():
        if is_mapping(value) and _has_header(text, (*table, key)):
            text = merged(text, (*table, key), value)
        elif _has_header(text, table):
            text = _with_setting(text, table, key, value)
        else:
            text = _with_new_table(text, table, {key: value})
    return text


def without(text: str, path: Sequence[str]) -> str:
    """Return the text without a table, those below it, and the blank line before each.

    Raises:
        UnreadableTextError: the text is not TOML.
    """
    parse(text)
    table, lines = tuple(path), _lines(text)
    dropped: set[int] = set()
    end_of_previous = None
    for statement in _statements(text):
        if statement.table[: len(table)] != table:
            end_of_previous = None
            continue
        start = statement.start
        if not statement.is_header and end_of_previous is not None:
            start = end_of_previous  # with the comments inside the table
        elif start and not lines[start - 1].strip():
            start -= 1
        dropped.update(range(start, statement.end))
        end_of_previous = statement.end
    return "".join(line for number, line in enumerate(lines) if number not in dropped)


def block(path: Sequence[str], values: Mapping[str, object]) -> str:
    """Return a table with these values as text."""
    settings = "".join(f"{_key(key)} = {value_text(value)}\n" for key, value in values.items())
    return f"[{_dotted(tuple(path))}]\n{settings}"


def value_text(value: object) -> str:
    """Return a value as TOML on one line."""
    if is_mapping(value):
        pairs = (f"{_key(key)} = {value_text(below)}" for key, below in value.items())
        return f"{{ {', '.join(pairs)} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(value_text, cast('Sequence[object]', value)))}]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


@dataclass(frozen=True)
class _Statement:
    """A header or a setting, with the lines that it takes."""

    start: int
    end: int
    table: Path
    """The table of a header, or that a setting stands in."""
    is_header: bool
    key: str | None
    """The first part of a setting's key; None for a header."""


def _statements(text: str) -> list[_Statement]:
    """Return the statements of a text that parses."""
    lines = [line.rstrip("\r\n") for line in _lines(text)]
    table: Path = ()
    statements: list[_Statement] = []
    start = 0
    while start < len(lines):
        end, content = start + 1, _parsed(lines[start])
        while content is None and end < len(lines):
            end += 1
            content = _parsed("\n".join(lines[start:end]))
        if content:
            is_header = lines[start].lstrip().startswith("[")
            table = _path_of(content) if is_header else table
            key = None if is_header else next(iter(content))
            statements.append(_Statement(start, end, table, is_header, key))
        start = end
    return statements


def _parsed(text: str) -> dict[str, object] | None:
    try:
        return tomllib.loads(text)
    except ValueError:
        return None


def _path_of(content: object) -> Path:
    """Return the table that a parsed header opens."""
    path: Path = ()
    while is_table(content) and content:
        key, content = next(iter(content.items()))
        path = (*path, key)
    return path


def _has_header(text: str, table: Path) -> bool:
    return any(each.is_header and each.table == table for each in _statements(text))


def _with_new_table(text: str, table: Path, values: Mapping[str, object]) -> str:
    newline = _newline(text)
    if text and not text.endswith("\n"):
        text += newline
    new = block(table, values).replace("\n", newline)
    return f"{text}{newline}{new}" if text else new


def _with_setting(text: str, table: Path, key: str, value: object) -> str:
    newline, lines = _newline(text), _lines(text)
    in_table = [each for each in _statements(text) if each.table == table]
    statement = next((each for each in in_table if each.key == key), None)
    setting = f"{_key(key)} = {value_text(value)}"
    if statement:
        comment = _comment(lines[statement.start : statement.end])
        lines[statement.start : statement.end] = [f"{setting}{comment}{newline}"]
    else:
        end = max(each.end for each in in_table)
        if not lines[end - 1].endswith("\n"):
            lines[end - 1] += newline
        lines.insert(end, setting + newline)
    return "".join(lines)


def _comment(lines: Sequence[str]) -> str:
    """Return the comment after a setting on one line, with the spaces before it."""
    if len(lines) > 1:
        return ""
    line = lines[0].rstrip("\r\n")
    for match in re.finditer(r"\s*#", line):
        if _parsed(line[: match.start()]):
            return line[match.start() :]
    return ""


def _lines(text: str) -> list[str]:
    """Return the lines with their ends; only a line feed ends one, as in TOML."""
    return [line for line in re.split(r"(?<=\n)", text) if line]


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _dotted(path: Path) -> str:
    return ".".join(map(_key, path))


def _key(name: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9_-]+", name):
        return name
    return json.dumps(name, ensure_ascii=False)
