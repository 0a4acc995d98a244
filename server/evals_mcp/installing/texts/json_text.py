"""Changes members of objects in JSON with comments; all other characters stay as they are."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from evals_mcp.installing.texts.errors import UnchangeableTextError, UnreadableTextError
from evals_mcp.installing.texts.json_syntax import Member, Node, comments, read_json
from evals_mcp.installing.texts.values import is_mapping, is_table

Path = Sequence[str]


def parse(text: str) -> dict[str, object]:
    """Return what a file holds; a file with white space alone holds an empty object.

    Raises:
        UnreadableTextError: the text is not JSON, or no object.
    """
    if not text.strip():
        return {}
    content = read_json(text).value
    if not is_table(content):
        raise UnreadableTextError("the file holds no object ({…})")
    return content


def merged(text: str, path: Path, value: object) -> str:
    """Return the text with a value at this path; objects that exist keep their other members.

    Raises:
        UnreadableTextError: the text is not JSON.
        UnchangeableTextError: something on the path is no object.
    """
    if not text.strip():
        text = "{}\n"
    node = root = read_json(text)
    for depth, key in enumerate(path):
        if not node.is_object:
            raise UnchangeableTextError(f"{'.'.join(path[:depth])} is no object ({{…}})")
        member = node.member(key)
        if member is None:
            return _inserted(text, root, node, key, _nested(path[depth + 1 :], value))
        node = member.node
    if is_mapping(value) and node.is_object:
        for key, below in value.items():
            text = merged(text, (*path, key), below)
        return text
    return text if node.value == value else _replaced(text, root, node, value)


def replaced(text: str, path: Path, value: object) -> str:
    """Return the text with this value, and nothing else, at an existing path.

    Raises:
        UnreadableTextError: the text is not JSON.
    """
    root = read_json(text)
    return _replaced(text, root, _members(root, path)[-1].node, value)


def without(text: str, path: Path) -> str:
    """Return the text without the member at a path, and without objects that are empty then.

    Raises:
        UnreadableTextError: the text is not JSON.
    """
    root = read_json(text)
    members = _members(root, path)
    depth = len(members) - 1
    while depth and len(members[depth - 1].node.members) == 1:
        depth -= 1
    parent = members[depth - 1].node if depth else root
    return _removed(text, parent, members[depth])


def block(path: Path, value: object) -> str:
    """Return the text of a new file with this value at this path."""
    return json.dumps(_nested(path, value), indent=2, ensure_ascii=False) + "\n"


def _nested(path: Path, value: object) -> object:
    for key in reversed(path):
        value = {key: value}
    return value


def _members(root: Node, path: Path) -> list[Member]:
    """Return the members on a path that exists."""
    members: list[Member] = []
    node = root
    for key in path:
        member = node.member(key)
        if member is None:
            raise LookupError(".".join(path))
        members.append(member)
        node = member.node
    return members


def _replaced(text: str, root: Node, node: Node, value: object) -> str:
    written = _written(text, root, _indent_of_line(text, node.start), value)
    return text[: node.start] + written + text[node.end :]


def _inserted(text: str, root: Node, parent: Node, key: str, value: object) -> str:
    """Return the text with a new last member of an object."""
    last = parent.members[-1] if parent.members else None
    content_end = _content_end(text, parent, last)
    closing = parent.end - 1
    if _is_on_one_line(text, root, parent):
        member = f"{json.dumps(key, ensure_ascii=False)}: {json.dumps(value, ensure_ascii=False)}"
        new = f" {member}" if last else member
    else:
        outer = _indent_of_line(text, parent.start)
        inner = outer + _unit(text, root)
        if last and text[_line_start(text, last.start) : last.start].isspace():
            inner = _indent_of_line(text, last.start)
        newline = _newline(text)
        member = json.dumps(key, ensure_ascii=False)
        new = f"{newline}{inner}{member}: {_written(text, root, inner, value)}"
        if "\n" not in text[content_end:closing]:
            new += ("," if last and last.comma is not None else "") + newline + outer
            return _spliced(text, last, content_end, closing, new)
    new += "," if last and last.comma is not None else ""
    return _spliced(text, last, content_end, content_end, new)


def _spliced(text: str, last: Member | None, start: int, end: int, new: str) -> str:
    """Return the text with a part replaced, and with a comma after the member before it."""
    changed = text[:start] + new + text[end:]
    if last and last.comma is None:
        changed = changed[: last.node.end] + "," + changed[last.node.end :]
    return changed


def _removed(text: str, parent: Node, member: Member) -> str:
    """Return the text without a member, its comma, and the white space before it."""
    position = parent.members.index(member)
    before = parent.members[position - 1] if position else None
    start = _content_end(text, parent, before, member.start)
    end = member.node.end if member.comma is None else member.comma + 1
    if len(parent.members) == 1:
        inner = text[parent.start + 1 : member.start] + text[end : parent.end - 1]
        if not inner.strip():
            end = parent.end - 1
    removed = text[:start] + text[end:]
    if before and before.comma is not None and member.comma is None:
        removed = removed[: before.comma] + removed[before.comma + 1 :]
    return removed


def _content_end(text: str, parent: Node, last: Member | None, until: int | None = None) -> int:
    """Return where the last comment, comma or value before `until` or the closing brace ends."""
    end = parent.start + 1
    if last:
        end = last.node.end if last.comma is None else last.comma + 1
    limit = parent.end - 1 if until is None else until
    return max([end, *(match.end() for match in comments(text, end, limit))])


def _is_on_one_line(text: str, root: Node, parent: Node) -> bool:
    """Return whether new members of an object go on its line."""
    if "\n" in text[parent.start : parent.end]:
        return False
    if parent.members:
        return True
    return bool(root.members) and "\n" not in text.strip()


def _written(text: str, root: Node, indent: str, value: object) -> str:
    """Return a value as JSON whose further lines begin with this indent."""
    if root.members and "\n" not in text.strip():
        return json.dumps(value, ensure_ascii=False)
    lines = json.dumps(value, indent=_unit(text, root), ensure_ascii=False).split("\n")
    return f"{_newline(text)}{indent}".join(lines)


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _unit(text: str, root: Node) -> str:
    """Return how far the file indents the members of its outermost object."""
    if not root.members:
        return "  "
    first = root.members[0].start
    indent = text[_line_start(text, first) : first]
    return indent if indent and not indent.strip(" \t") else "  "


def _line_start(text: str, at: int) -> int:
    return text.rfind("\n", 0, at) + 1


def _indent_of_line(text: str, at: int) -> str:
    match = re.compile(r"[ \t]*").match(text, _line_start(text, at))
    return match[0] if match else ""
