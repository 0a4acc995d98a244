"""What becomes of the rows of an original before a service is sent them."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any, Protocol

from evals_mcp.datasets.profiles import DatasetProfile
from evals_mcp.results.rows import OUTPUTS, RESULT_FIELDS
from evals_schemas.datasets.list_cells import with_lists
from evals_schemas.datasets.reader import Row
from evals_schemas.digests import value_digest

Rows = Callable[[], Iterator[Row]]
"""Reads all rows of the original, from the first one."""


class Selection(Protocol):
    """Which rows of an original are sent, and which columns they get in addition."""

    @property
    def arguments(self) -> Mapping[str, Any]:
        """The arguments of `create_evaluation` that named it, such as `{"sample": 50}`."""
        ...

    @property
    def added(self) -> Sequence[str]:
        """Columns that the rows get and that the original does not have."""
        ...

    def profile(self, whole: DatasetProfile) -> DatasetProfile:
        """Return the profile of the chosen rows, given that of the original."""
        ...

    def note(self, rows: int) -> str:
        """Return the sentence of a plan that says which rows are chosen of so many."""
        ...

    def choose(self, rows: Rows) -> Iterator[tuple[int, Row]]:
        """Yield the chosen rows in the order of the original, each once; blocks.

        Yields each with its number in the original, 1 for the first row, and the added columns.
        """
        ...


@dataclass(frozen=True)
class Recipe:
    """What of each row is sent, and what is joined back."""

    sent: tuple[str, ...]
    """Columns of the original that are sent, in its order."""
    carried: tuple[str, ...] = ()
    """The other columns of the original, in its order."""
    lists: tuple[str, ...] = ()
    """Sent columns whose cells are JSON texts of lists, and are sent as lists."""
    added: tuple[str, ...] = ()
    """Sent columns that the original does not have."""
    arguments: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """The arguments of `create_evaluation` that chose the rows."""

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Recipe:
        """Return the recipe of a record."""
        columns = {name: tuple(value[name]) for name in ("sent", "carried", "lists", "added")}
        return cls(**columns, arguments=value["arguments"])

    def to_json(self) -> dict[str, Any]:
        """Return the recipe as a JSON value."""
        return json.loads(json.dumps(asdict(self)))

    @property
    def keys(self) -> tuple[str, ...]:
        """The columns by which a result row is found in the original.

        An evaluation may write a verdict over a column with the name of a result field.
        """
        return tuple(name for name in self.sent if not is_taken(name))

    @property
    def shown_as(self) -> dict[str, str]:
        """The names of the carried columns in result rows, `input_…` where a verdict has the name.

        The engine renames sent columns in the same way.
        """
        names: dict[str, str] = {}
        for column in self.carried:
            name = column
            while is_taken(name) or (name != column and name in {*self.sent, *self.carried}):
                name = f"input_{name}"
            names[column] = name
        return names

    def row(self, row: Row) -> Row:
        """Return the row as it is sent."""
        cells = {name: row.get(name) for name in (*self.sent, *self.added)}
        return with_lists(cells, self.lists)


@dataclass(frozen=True)
class Derivation:
    """How the file that a service is sent is made from an original."""

    recipe: Recipe
    selection: Selection | None = None
    """None for all rows."""

    def chosen(self, rows: Rows) -> Iterator[tuple[int, Row]]:
        """Yield the chosen rows of the original with their numbers."""
        return enumerate(rows(), 1) if self.selection is None else self.selection.choose(rows)

    def digest(self, original: str) -> str:
        """Return the name of the file that is made from an original, given the original's id."""
        return value_digest("derivation", [original, self.recipe.to_json()])


@dataclass(frozen=True)
class DerivedFile:
    """A derived file at a service."""

    file_id: str
    """The service's own id."""
    original: str
    """The service's own id of the original."""
    recipe: Recipe
    numbers: str | None = None
    """The numbers of the rows that were sent, see `packed`; None for all."""

    def to_json(self) -> dict[str, Any]:
        """Return the record of the file."""
        return {"original": self.original, "recipe": self.recipe.to_json(), "rows": self.numbers}

    @classmethod
    def from_json(cls, file_id: str, value: Mapping[str, Any]) -> DerivedFile:
        """Return the file of a record."""
        return cls(file_id, value["original"], Recipe.from_json(value["recipe"]), value["rows"])

    def was_sent(self) -> Callable[[int], bool]:
        """Return a function that returns whether the row with a number was sent."""
        if self.numbers is None:
            return lambda _: True
        return partial(_has, unpacked(self.numbers))

    def sent_rows(self, rows: Iterable[Row]) -> Iterator[tuple[Row, Row]]:
        """Yield each row that was sent as it was sent, without added columns, and its original."""
        was_sent = self.was_sent()
        for number, row in enumerate(rows, 1):
            if was_sent(number):
                yield self.recipe.row(row), row


def packed(numbers: Iterable[int]) -> str:
    """Return row numbers as a text: one bit for each row, compressed, in base64."""
    bits = bytearray()
    for number in numbers:
        index, bit = divmod(number, 8)
        if index >= len(bits):
            bits.extend(bytes(max(index + 1 - len(bits), len(bits))))
        bits[index] |= 1 << bit
    return base64.b64encode(zlib.compress(bytes(bits).rstrip(b"\0"))).decode()


def unpacked(text: str) -> bytes:
    """Return the bits of `packed`."""
    return zlib.decompress(base64.b64decode(text))


def _has(bits: bytes, number: int) -> bool:
    index, bit = divmod(number, 8)
    return index < len(bits) and bool(bits[index] >> bit & 1)


def is_taken(name: str) -> bool:
    """Return whether an evaluation writes a verdict or an answer under this name."""
    return name in RESULT_FIELDS or name in OUTPUTS
