"""The rows of a JSON file that holds one array of objects, read as a stream."""

from __future__ import annotations

from codecs import getincrementaldecoder
from collections.abc import Iterable, Iterator
from importlib import import_module
from typing import Any, BinaryIO, cast

from evals_schemas.datasets.reader import MAX_ROW_BYTES, Fault, Row, not_utf8

MAX_DEPTH = 200
"""Most levels of nested arrays and objects; a file with more is refused."""

_BLOCK = 64 * 1024

Event = tuple[str, Any]
"""A part of JSON, such as `map_key`, `string`, `number` or `start_map`, with its value, if any."""


def json_rows(stream: BinaryIO) -> Iterator[Row | Fault]:
    """Yield every object of the array in order, with numbers as the `json` module reads them.

    Yield a fault in place of an item that is not an object, with the item's number, 1 for the
    first. If the file cannot be read further, the last item is a fault.
    """
    # Imported by name, because the package has no types.
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
    """The brackets are nested too deeply, a row is too long, or the text is not UTF-8."""


class _Lines:
    """Gives the parser one line at a time, so that the line of a fault is known."""

    def __init__(self, stream: BinaryIO) -> None:
        self.number = 0
        """Number of the last line read, 1 for the first."""
        self.since_row = 0
        """Bytes since the end of a row; the consumer of the rows resets it to 0."""
        self._stream = stream
        self._decoder = getincrementaldecoder("utf-8-sig")()
        self._ended = True

    def read(self, size: int = -1) -> bytes:
        """Return the rest of the line or a block of it; empty at the end, or if `size` is 0.

        Raises:
            _UnreadableError: the line is not UTF-8, or a row is too long.
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
    """Yield the items of the outermost array, each built from its events."""
    open_: list[dict[str, Any] | list[Any]] = []
    keys: list[str] = []
    for event, event_value in events:
        value = event_value
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
