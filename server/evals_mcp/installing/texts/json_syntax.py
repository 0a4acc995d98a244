"""Reads JSON with comments and trailing commas, and records where each value stands."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from evals_mcp.installing.texts.errors import UnreadableTextError

COMMENT = re.compile(r"//[^\r\n]*|/\*[\s\S]*?\*/")
_TRIVIA = re.compile(r"(?:[ \t\r\n]|//[^\r\n]*|/\*[\s\S]*?\*/)*")
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\.)*"')
_SCALAR = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null")


@dataclass(frozen=True)
class Node:
    """A value in a text."""

    start: int
    end: int
    """Where the text continues after the value."""
    value: object
    members: tuple[Member, ...] = ()
    """The members of an object in their order; empty for other values."""

    @property
    def is_object(self) -> bool:
        """Return whether the value is an object."""
        return isinstance(self.value, dict)

    def member(self, key: str) -> Member | None:
        """Return the member with this key, or None."""
        return next((member for member in self.members if member.key == key), None)


@dataclass(frozen=True)
class Member:
    """A key of an object with its value."""

    key: str
    start: int
    """Where the key begins."""
    node: Node
    comma: int | None
    """Where the comma after the value stands; None without a comma."""


def read_json(text: str) -> Node:
    """Return the only value of a text.

    Raises:
        UnreadableTextError: the text is not JSON, or an object has a key twice.
    """
    reader = _Reader(text)
    try:
        node = reader.value(reader.skip(0))
    except RecursionError:
        raise UnreadableTextError("it is nested too deeply") from None
    if (end := reader.skip(node.end)) != len(text):
        raise reader.problem(end, "the end of the file is expected")
    return node


def comments(text: str, start: int, end: int) -> Iterator[re.Match[str]]:
    """Yield the comments of a part of the text that has nothing but comments and white space."""
    return COMMENT.finditer(text, start, end)


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text

    def problem(self, at: int, what: str) -> UnreadableTextError:
        line = self._text.count("\n", 0, at) + 1
        column = at - self._text.rfind("\n", 0, at)
        return UnreadableTextError(f"line {line}, column {column}: {what}")

    def skip(self, at: int) -> int:
        """Return where the next token begins."""
        match = _TRIVIA.match(self._text, at)
        return match.end() if match else at

    def value(self, at: int) -> Node:
        if self._text.startswith("{", at):
            return self._object(at)
        if self._text.startswith("[", at):
            return self._array(at)
        if match := _SCALAR.match(self._text, at):
            return Node(at, match.end(), json.loads(match[0]))
        text, end = self._string(at, "a value is expected")
        return Node(at, end, text)

    def _string(self, at: int, otherwise: str) -> tuple[str, int]:
        match = _STRING.match(self._text, at)
        if match is None:
            raise self.problem(at, otherwise)
        try:
            return json.loads(match[0]), match.end()
        except ValueError:
            raise self.problem(at, "this text has an unknown escape") from None

    def _array(self, at: int) -> Node:
        values: list[object] = []
        position = self.skip(at + 1)
        while not self._text.startswith("]", position):
            node = self.value(position)
            values.append(node.value)
            position, _ = self._after(node.end, "]")
        return Node(at, position + 1, values)

    def _object(self, at: int) -> Node:
        members: list[Member] = []
        keys: set[str] = set()
        position = self.skip(at + 1)
        while not self._text.startswith("}", position):
            start = position
            key, position = self._string(start, "a key in quotes or } is expected")
            if key in keys:
                raise self.problem(start, "this key stands here a second time")
            keys.add(key)
            if not self._text.startswith(":", position := self.skip(position)):
                raise self.problem(position, ": is expected")
            node = self.value(self.skip(position + 1))
            position, comma = self._after(node.end, "}")
            members.append(Member(key, start, node, comma))
        value = {member.key: member.node.value for member in members}
        return Node(at, position + 1, value, tuple(members))

    def _after(self, at: int, closing: str) -> tuple[int, int | None]:
        """Return where the next item or the closing bracket stands, and the comma before it."""
        position = self.skip(at)
        if self._text.startswith(",", position):
            return self.skip(position + 1), position
        if not self._text.startswith(closing, position):
            raise self.problem(position, f", or {closing} is expected")
        return position, None
