"""The rows of a JSON file that holds one array of objects, read as a stream."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from typing import Any, BinaryIO, NoReturn, cast

from evals_schemas.datasets.reader import MAX_ROW_BYTES, Fault, Row, not_utf8

MAX_DEPTH = 200
"""Most levels of nested arrays and objects in a row; a row with more is refused."""

_BLOCK = 64 * 1024

_CUT = 16
"""Characters before the end of the text within which an error may come from the cut alone: a word
or an escape is shorter."""

_BLANKS = re.compile(r"[ \t\r\n]*")


def json_rows(stream: BinaryIO) -> Iterator[Row | Fault]:
    """Yield every object of the array in order, with numbers as the `json` module reads them.

    Yield a fault in place of an item that is not an object or is nested too deeply, with the item's
    number, 1 for the first. If the file cannot be read further, the last item is a fault.

    The time grows with the length of the file: an item that is not whole is read again only after
    twice as much text is there.
    """
    text, number = _Text(stream), 1
    try:
        for item in _items(text):
            yield _row(item, number, text)
            number += 1
    except _UnreadableError as error:
        yield Fault(number, f"{error} (line {error.line})")
    except _NotJsonError as error:
        yield Fault(
            number,
            f"not JSON from here on (line {error.line}); the file must be one array of objects",
        )


def _row(item: object, number: int, text: _Text) -> Row | Fault:
    if not isinstance(item, dict):
        return Fault(
            number,
            f"not an object (line {text.line}): each item of the array is one row, "
            "{column: value, …}",
        )
    row = cast("Row", item)
    if text.brackets > MAX_DEPTH and _is_too_deep(row):
        return Fault(number, f"nested too deeply (line {text.line})")
    return row


class _StoppedError(Exception):
    """The file cannot be read further."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


class _UnreadableError(_StoppedError):
    """The brackets are nested too deeply, a row is too long, or the text is not UTF-8."""


class _NotJsonError(_StoppedError):
    """The text is not JSON, or the array is not the whole text."""


def _no_constant(name: str) -> NoReturn:
    raise json.JSONDecodeError(f"{name} is not JSON", "", 0)


_decoder = json.JSONDecoder(parse_constant=_no_constant)


class _Text:
    """The text of the file from the place that is read next, as far as it is in memory."""

    def __init__(self, stream: BinaryIO) -> None:
        self.line = 1
        """Number of the line of the place that is read next."""
        self.brackets = 0
        """Opening brackets in the last value."""
        self._stream = stream
        self._text = ""
        self._position = 0
        self._undecoded = b""
        self._has_ended = False
        self._error: _UnreadableError | None = None
        self._lines_read = 1
        self._line_bytes = 0
        self._is_start = True

    def next_mark(self) -> str:
        """Skip blanks and return the next character; empty at the end of the file."""
        while True:
            self._skip_to(cast("re.Match[str]", _BLANKS.match(self._text, self._position)).end())
            if self._position < len(self._text):
                return self._text[self._position]
            if not self._read_more(_BLOCK):
                return ""

    def skip_mark(self) -> None:
        """Skip the character that `next_mark` has returned."""
        self._skip_to(self._position + 1)

    def next_value(self) -> object:
        """Return the JSON value at this place, and skip it.

        Raises:
            _StoppedError: there is no value that can be read.
        """
        while True:
            error: ValueError | None = None
            value: object = None
            end = len(self._text)
            try:
                value, end = self._value_here()
            except RecursionError:
                raise _UnreadableError("nested too deeply", self.line) from None
            except ValueError as caught:
                error = caught
                if not self._may_be_cut(error):
                    raise self._not_json(error) from None
            if end - self._position > MAX_ROW_BYTES:
                limit = MAX_ROW_BYTES // 2**20
                raise _UnreadableError(f"a row longer than {limit} MiB", self.line)
            # A number at the end of the text may go on in the next block.
            is_number = not isinstance(value, dict | list | str)
            if error is None and (end < len(self._text) or not is_number):
                break
            if not self._read_more(max(_BLOCK, len(self._text) - self._position)):
                if error is not None:
                    raise self._not_json(error)
                break
        self.brackets = sum(self._text.count(mark, self._position, end) for mark in "[{")
        self._skip_to(end)
        return value

    def _value_here(self) -> tuple[object, int]:
        return _decoder.raw_decode(self._text, self._position)

    def not_json(self) -> _NotJsonError:
        """Return the error that the text is not one array from this place on."""
        return _NotJsonError("", self.line)

    def _not_json(self, error: ValueError) -> _NotJsonError:
        place = error.pos if isinstance(error, json.JSONDecodeError) else self._position
        return _NotJsonError("", self.line + self._text.count("\n", self._position, place))

    def _may_be_cut(self, error: ValueError) -> bool:
        """Return whether the error may come from the end of the text instead of its content."""
        if not isinstance(error, json.JSONDecodeError):
            # A number with too many digits, which more text only makes longer.
            return False
        is_near_end = error.pos >= len(self._text) - _CUT
        return is_near_end or error.msg.startswith("Unterminated string")

    def _skip_to(self, position: int) -> None:
        self.line += self._text.count("\n", self._position, position)
        self._position = position

    def _read_more(self, size: int) -> bool:
        """Read a block and forget what was skipped; return whether there was more.

        Raises:
            _UnreadableError: the text is not UTF-8 from here on.
        """
        if self._error is not None:
            raise self._error
        if self._has_ended:
            return False
        block = self._stream.read(size)
        self._has_ended = not block
        content = self._undecoded + block
        try:
            text, used = self._decode(content)
        except UnicodeDecodeError as error:
            text, used = self._decode(content[: error.start], final=True)
            line_start = content.rfind(b"\n", 0, error.start) + 1
            before = 0 if line_start else self._line_bytes
            byte = before + error.start - line_start + 1
            line = self._lines_read + content.count(b"\n", 0, error.start)
            self._error = _UnreadableError(not_utf8(byte), line)
        self._undecoded = content[used:]
        self._count_lines(content[:used])
        self._text = self._text[self._position :] + text
        self._position = 0
        return True

    def _decode(self, content: bytes, *, final: bool = False) -> tuple[str, int]:
        text, used = codecs.utf_8_decode(content, "strict", final or self._has_ended)
        if self._is_start and text:
            self._is_start = False
            text = text.removeprefix("\ufeff")
        return text, used

    def _count_lines(self, content: bytes) -> None:
        lines = content.count(b"\n")
        self._lines_read += lines
        last = len(content) - (content.rfind(b"\n") + 1)
        self._line_bytes = last if lines else self._line_bytes + last


def _items(text: _Text) -> Iterator[object]:
    """Yield the items of the array that is the whole text. Raises _StoppedError."""
    if text.next_mark() != "[":
        raise text.not_json()
    text.skip_mark()
    is_first = True
    while not (text.next_mark() == "]" and is_first):
        yield text.next_value()
        is_first = False
        mark = text.next_mark()
        if mark == "]":
            break
        if mark != ",":
            raise text.not_json()
        text.skip_mark()
    text.skip_mark()
    if text.next_mark():
        raise text.not_json()


def _is_too_deep(row: object) -> bool:
    level: list[Any] = [row]
    for _ in range(MAX_DEPTH):
        level = [
            inner for part in level for inner in _parts(part) if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True


def _parts(value: Any) -> Any:
    return cast("dict[str, Any]", value).values() if isinstance(value, dict) else value
