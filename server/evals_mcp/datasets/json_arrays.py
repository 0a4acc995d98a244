"""The rows of a JSON file that holds one array of objects, read as a stream."""

from __future__ import annotations

from codecs import getincrementaldecoder
from collections.abc import Iterable, Iterator
from importlib import import_module
from typing import Any, BinaryIO, cast

from evals_schemas.datasets.reader import MAX_ROW_BYTES, Fault, Row, not_utf8

MAX_DEPTH = 200
"""Arrays and objects inside one another; a file that nests deeper is refused."""

_BLOCK = 64 * 1024

Event = tuple[str, Any]
"""A piece of JSON: `map_key`, `string`, `number`, `start_map`, … with its value if it has one."""


def json_rows(stream: BinaryIO) -> Iterator[Row | Fault]:
    """Every object of the array in order, numbers as the `json` module reads them.

    In the place of an item that is no object there is a fault with the item's number, 1 for the
    first, and so there is at the end where the file cannot be read on.
    """
    # By name, since it has no types.
    ijson: Any = import_module("ijson")
    lines, number = _Lines(stream), 1
    try:
        for item in _items(ijson.basic_parse(lines)):
            lines.since_row = 0
            yield _row(item, number, lines.number)
            number += 1
    except _UnreadableError as error:
        yield Fault(number, f"{error} (line {lines.number})")
    except (ijson.JSONError, ValueError):
        # The parser's own message quotes the rows.
        yield Fault(
            number,
            f"not JSON from here on (line {lines.number}); the file must be one array of objects",
        )


def _row(item: object, number: int, line: int) -> Row | Fault:
    if isinstance(item, dict):
        return cast("Row", item)
    return Fault(
        number,
        f"not an object (line {line}): each item of the array is one row, {{column: value, …}}",
    )


class _UnreadableError(Exception):
    """There is no end to the brackets or to a row, or it is no UTF-8."""


class _Lines:
    """Hands the parser one line at a time, so that a fault is known by its line."""

    def __init__(self, stream: BinaryIO) -> None:
        self.number = 0
        """Of the line handed out last, 1 for the first."""
        self.since_row = 0
        """Bytes since the end of a row; whoever gets the rows sets it back."""
        self._stream = stream
        self._decoder = getincrementaldecoder("utf-8-sig")()
        self._ended = True

    def read(self, size: int = -1) -> bytes:
        """The rest of the line, or a block of it; nothing at the end or for nothing.

        Raises:
            _UnreadableError: it is not UTF-8, or a row is longer than one may be.
        """
        if not size:
            return b""
        data = self._stream.readline(_BLOCK)
        self.number += self._ended
        self._ended = data.endswith(b"\n")
        self.since_row += len(data)
        if self.since_row > MAX_ROW_BYTES + _BLOCK:
            raise _UnreadableError(f"a row longer than {MAX_ROW_BYTES // 2**20} MiB")
        try:
            return self._decoder.decode(data, final=not data).encode()
        except UnicodeDecodeError as error:
            raise _UnreadableError(not_utf8(error.start + 1)) from None


def _items(events: Iterable[Event]) -> Iterator[Any]:
    """The items of the outermost array, each built from its events and then forgotten."""
    open_: list[dict[str, Any] | list[Any]] = []
    keys: list[str] = []
    for event, given in events:
        value = given
        match event:
            case "map_key":
                keys[-1] = value
                continue
            case "start_map" | "start_array":
                open_.append({} if event == "start_map" else [])
                keys.append("")
                if len(open_) > MAX_DEPTH:
                    raise _UnreadableError("nested too deeply")
                continue
            case "end_map" | "end_array":
                value = open_.pop()
                keys.pop()
            case "number":
                value = value if isinstance(value, int) else float(value)
            case _:
                pass
        if len(open_) == 1:
            yield value
        elif open_:
            _put(open_[-1], keys[-1], value)


def _put(container: dict[str, Any] | list[Any], key: str, value: Any) -> None:
    if isinstance(container, dict):
        container[key] = value
    else:
        container.append(value)
