"""Reads the lines of a result file without decoding more than the verdicts need.

The fast reading uses msgspec. What it refuses is read by the `json` module, which alone decides
whether a line is a row: it accepts NaN, lone surrogates and numbers of any size, and msgspec does
not.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from itertools import zip_longest
from operator import attrgetter
from typing import Any, Literal, cast

import msgspec

from evals_mcp.results.rows import RESULT_FIELDS, longer_side
from evals_schemas.digests import column_key, column_keys_of_json

ABSENT_KEY = column_key(None)
"""The key of null, and of a column that a row does not have."""

EMPTY_KEYS = frozenset({ABSENT_KEY, column_key("")})
"""The keys of cells without a value."""

MAX_KEYED_COLUMNS = 256
"""Columns with keys in the index; a comparison by a later column reads the rows."""

_LONG_TEXTS = frozenset(
    {
        "evaluation_error",
        "feedback",
        "judge_attempts",
        "judge_feedback_flipped_order",
        "judge_feedback_original_order",
        "judge_raw_output",
        "judge_raw_output_flipped",
        "judge_raw_output_original",
    }
)
_VERDICT_FIELDS = RESULT_FIELDS - _LONG_TEXTS
"""Columns that most verdicts depend on, and on nothing else."""

_MAX_SCHEMAS = 64
"""How often a file may show new columns before lines with further ones are read by `json` alone."""

_MAX_DIGITS = 4300
"""Digits of the longest integer that Python reads; msgspec skips longer ones unread."""

_DIGIT = re.compile(rb"\d")
_UNFIT_NAME = re.compile(r'[\x00-\x1f"\\\ud800-\udfff]')
_ABSENT = msgspec.Raw(b"null")
"""The value of a column that a line does not have."""

_MISSING = object()
_QUOTE = ord('"')
_decode_text = msgspec.json.Decoder(str).decode
_SIDE_SPELLINGS = {None: b"", "A": b"\0A", "B": b"\0B"}

Row = Mapping[str, Any]
Written = Any
"""A line with its columns as written: attributes of the type `msgspec.Raw`."""


class _WrittenRow(Mapping[str, Any]):
    """A row whose columns are decoded when they are looked up. One object serves all lines."""

    __slots__ = ("attributes", "fields", "is_read_elsewhere")

    def __init__(self) -> None:
        self.attributes: dict[str, str] = {}
        """The attribute of `fields` by the name of the column."""
        self.fields: Written = None
        self.is_read_elsewhere = False
        """Whether something else than the value of a verdict field was looked up."""

    def get(self, key: str, default: Any = None) -> Any:
        attribute = self.attributes.get(key)
        if attribute is None:
            return default
        if key not in _VERDICT_FIELDS or default is not None:
            self.is_read_elsewhere = True
        value = getattr(self.fields, attribute)
        return default if value is _ABSENT else _value(bytes(value))

    def __getitem__(self, key: str) -> Any:
        value = self.get(key, _MISSING)
        if value is _MISSING:
            raise KeyError(key)
        return value

    def __iter__(self) -> Iterator[str]:
        return (name for name in self.attributes if self.get(name, _MISSING) is not _MISSING)

    def __len__(self) -> int:
        return sum(1 for _ in self)


class NotAnObjectError(ValueError):
    """A line is JSON, but not an object."""


class LineReader:
    """Reads the lines of one file, and learns its columns on the way."""

    def __init__(self, sides: tuple[str, str] | None = None) -> None:
        """Begin a file.

        Args:
            sides: the columns of two answers, of which the longer one is part of a verdict.
        """
        self._sides = sides
        self.columns: dict[str, None] = {}
        """The columns of all rows, in the order of their first occurrence."""
        self.keyed: list[str] = []
        """The columns with keys, in the order of their first occurrence."""
        self.row = _WrittenRow()
        """The row that `select` chose."""
        self._decode_plainly = json.JSONDecoder().decode
        self._schemas = 0
        self._keys = _Keys()
        self._use_schema()

    def read_written(self, lines: Sequence[bytes]) -> list[Written]:
        """Return the lines with their columns as written.

        Raises:
            ValueError: a line has to be read by `read_plainly`.
            RecursionError: likewise.
        """
        joined = b"".join(lines)
        if not joined.isascii():
            joined.decode()  # msgspec does not look into the columns
        if max(map(len, lines)) > _MAX_DIGITS and any(map(_may_have_long_number, lines)):
            raise ValueError("a number may be too long for Python")
        try:
            return list(map(self._decode, lines))
        except msgspec.MsgspecError as error:
            raise ValueError(str(error)) from None

    def verdict_spellings(self, written: Sequence[Written]) -> list[bytes]:
        """Return for each line what its verdict depends on.

        These are the verdict fields as written, as far as the file has them, and the longer answer.
        """
        spellings = [b"\0".join(fields) for fields in map(self._verdict_fields, written)]
        if self._sides is None:
            return spellings
        longer = map(self.longer, written)
        return [
            spelling + _SIDE_SPELLINGS[side]
            for spelling, side in zip(spellings, longer, strict=True)
        ]

    def longer(self, written: Written) -> Literal["A", "B"] | None:
        """Return the longer of the two answers of a line, see `RowVerdict.longer`."""
        a, b = self._answers(written)
        return longer_side(_length(bytes(a)), _length(bytes(b)))

    def select(self, written: Written) -> _WrittenRow:
        """Return the row of a line that `read_written` has returned, valid until the next call."""
        self.row.fields = written
        self.row.is_read_elsewhere = False
        return self.row

    def take_written(self, written: Sequence[Written]) -> None:
        """Collect the keys of lines that the last `read_written` has returned."""
        columns = zip(*map(self._keyed_fields, written), strict=True)
        keys = [column_keys_of_json(list(map(bytes, column))) for column in columns]
        self._keys.add(keys, len(written))

    def read_plainly(self, line: bytes, encoding: str) -> dict[str, Any]:
        """Return the row of any line.

        Raises:
            ValueError: the line is not complete JSON or not UTF-8.
            NotAnObjectError: it is not an object.
            RecursionError: it is nested too deeply.
        """
        row = self._decode_plainly(line.decode(encoding))
        if not isinstance(row, dict):
            raise NotAnObjectError
        return cast("dict[str, Any]", row)

    def take_plain(self, row: Row, line: bytes) -> None:
        """Collect the keys of a row that `read_plainly` has returned, and learn its columns."""
        if not row.keys() <= self.columns.keys():
            self.columns.update(dict.fromkeys(row))
            inputs = (name for name in self.columns if name not in RESULT_FIELDS)
            self.keyed = [name for name, _ in zip(inputs, range(MAX_KEYED_COLUMNS), strict=False)]
            if self._schemas < _MAX_SCHEMAS:
                self._schemas += 1
                self._use_schema()
        self._keys.add([[_key_in(row, name, line)] for name in self.keyed], 1)

    def taken_keys(self) -> list[list[bytes]]:
        """Return the keys of the rows taken since the last call, for each column of `keyed`."""
        keys, self._keys = self._keys, _Keys()
        return keys.columns

    def _use_schema(self) -> None:
        """Read the next lines with a structure of the known columns."""
        fit = [name for name in self.columns if not _UNFIT_NAME.search(name)]
        attributes = {name: f"c{place}" for place, name in enumerate(fit)}
        structure = msgspec.defstruct(
            "Written",
            [(attribute, msgspec.Raw, _ABSENT) for attribute in attributes.values()],
            rename={attribute: name for name, attribute in attributes.items()},
            forbid_unknown_fields=True,
            gc=False,
        )
        self._decode: Callable[[bytes], Written] = msgspec.json.Decoder(structure).decode
        self.row.attributes = attributes
        # A column that the structure cannot have is absent from every line that it reads.
        self._keyed_fields = _getter([attributes.get(name) for name in self.keyed])
        self._answers = _getter([attributes.get(name) for name in self._sides or ()])
        self._verdict_fields = _getter(
            [attribute for name, attribute in attributes.items() if name in _VERDICT_FIELDS]
        )


class _Keys:
    """The keys of consecutive rows, column by column."""

    def __init__(self) -> None:
        self.columns: list[list[bytes]] = []
        self._rows = 0

    def add(self, columns: Sequence[list[bytes]], rows: int) -> None:
        """Add the keys of more rows; columns at the end may be missing."""
        for _ in columns[len(self.columns) :]:
            self.columns.append([ABSENT_KEY] * self._rows)
        for column, keys in zip_longest(self.columns, columns, fillvalue=[ABSENT_KEY] * rows):
            column.extend(keys)
        self._rows += rows


def _getter(attributes: Sequence[str | None]) -> Callable[[Written], Sequence[Any]]:
    """Return a function that returns these attributes of an object; None for an absent column."""
    if len(attributes) > 1 and None not in attributes:
        return attrgetter(*cast("list[str]", attributes))
    return lambda fields: [
        _ABSENT if name is None else getattr(fields, name) for name in attributes
    ]


def _length(spelling: bytes) -> int | None:
    """Return the number of characters of a text as it is written; None for anything else."""
    if spelling[0] != _QUOTE:
        return None
    if b"\\" not in spelling and spelling.isascii():
        return len(spelling) - 2
    try:
        return len(_decode_text(spelling))
    except msgspec.MsgspecError:  # lone surrogates
        return len(json.loads(spelling))


def _may_have_long_number(line: bytes) -> bool:
    return len(line) > _MAX_DIGITS and _DIGIT.search(line[:: _MAX_DIGITS + 1]) is not None


def _key_in(row: Row, column: str, line: bytes) -> bytes:
    with suppress(RecursionError):
        return column_key(row.get(column))
    # A value that is nested too deeply for its key is equal only to one in an equal line.
    return column_key(line.decode("utf-8", "replace"))


def _value(spelling: bytes) -> object:
    return _short_value(spelling) if len(spelling) <= 64 else json.loads(spelling)


@lru_cache(maxsize=1024)
def _short_value(spelling: bytes) -> object:
    return json.loads(spelling)
