"""Carried columns come back to their rows, whatever a service does to the order and the number."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals_mcp.derivations.carried_columns import CarriedColumns, notes_beside
from evals_mcp.derivations.derivation import DerivedFile, Recipe, packed, unpacked
from evals_mcp.derivations.sample import Sample
from evals_mcp.errors import NotFoundError

Row = dict[str, Any]

CELLS = st.sampled_from(["", "a", "é", 0, 1, 1.0, True, None, ["a"], {"a": 1}])
ROWS = st.lists(
    st.fixed_dictionaries({"q": CELLS, "a b": CELLS, "id": CELLS, "label": CELLS}),
    min_size=1,
    max_size=8,
)
RECIPE = Recipe(("q", "a b"), ("id", "label"))


@dataclass
class Joined:
    """A joined result file."""

    rows: list[Row | None]
    """None for a line without a row."""
    notes: list[str]


def joined(originals: list[Row], came: list[bytes], derived: DerivedFile) -> Joined:
    """Join the columns into a result file."""

    async def join(path: Path) -> None:
        @asynccontextmanager
        async def fetch() -> AsyncGenerator[AsyncIterator[bytes]]:
            async def content() -> AsyncIterator[bytes]:
                for row in originals:
                    yield json.dumps(row).encode() + b"\n"

            yield content()

        await CarriedColumns(derived, "file-1", fetch).bring_into(path)

    with TemporaryDirectory() as folder:
        path = Path(folder) / "rows.jsonl"
        path.write_bytes(b"".join(came))
        anyio.run(join, path)
        assert sorted(entry.name for entry in path.parent.iterdir()) == [
            "carried.json",
            "rows.jsonl",
        ]
        return Joined(list(map(read, path.read_bytes().splitlines())), notes_beside(path))


def read(line: bytes) -> Row | None:
    try:
        return json.loads(line)
    except ValueError:
        return None


def sent(row: Row) -> str:
    """What of a row is sent, as a text that is equal for equal JSON."""
    return json.dumps([plain(row["q"]), plain(row["a b"])])


def plain(value: Any) -> Any:
    return int(value) if isinstance(value, float) else value


def line(row: Row, **verdict: Any) -> bytes:
    return json.dumps({"q": row["q"], "a b": row["a b"], **verdict}).encode() + b"\n"


def carried(row: Row) -> str:
    return json.dumps([plain(row["id"]), plain(row["label"])])


@pytest.mark.usefixtures("lines_not_counted")
@given(ROWS, st.data())
def test_no_cell_is_given_to_the_wrong_row(originals: list[Row], data: st.DataObject) -> None:
    numbers = st.integers(0, len(originals) - 1)
    came = data.draw(st.lists(numbers, max_size=12) | st.permutations(range(len(originals))))
    lines = [line(originals[place], label=f"of {at}") for at, place in enumerate(came)]

    result = joined(originals, lines, DerivedFile("file-2", "file-1", RECIPE))

    sent_counts = Counter(map(sent, originals))
    came_counts = Counter(sent(originals[place]) for place in came)
    for at, (place, row) in enumerate(zip(came, result.rows, strict=True)):
        assert row is not None
        assert row["label"] == f"of {at}"
        key = sent(originals[place])
        alike = [original for original in originals if sent(original) == key]
        if sent_counts[key] == came_counts[key]:
            assert {"id": row["id"], "label": row["input_label"]} in [
                {"id": one["id"], "label": one["label"]} for one in alike
            ]
            continue
        for name, shown in (("id", "id"), ("label", "input_label")):
            values = {json.dumps(one[name], sort_keys=True) for one in alike}
            assert json.dumps(row[shown]) == (values.pop() if len(values) == 1 else "null")
    if sent_counts == came_counts:
        given_back = Counter(
            json.dumps([plain(r["id"]), plain(r["input_label"])]) for r in result.rows if r
        )
        assert given_back == Counter(map(carried, originals))
        assert result.notes == []


def test_rows_that_cannot_be_told_apart_are_counted_and_not_guessed() -> None:
    originals = [
        {"q": "x", "a b": 1, "id": "one", "label": "same"},
        {"q": "x", "a b": 1, "id": "two", "label": "same"},
        {"q": "y", "a b": 1, "id": "three", "label": "other"},
    ]
    came = [line(originals[0]), b"not a row\n", line(originals[2]), line({"q": "z", "a b": 1})]

    result = joined(originals, came, DerivedFile("file-2", "file-1", RECIPE))

    assert result.rows == [
        {"id": None, "input_label": "same", "q": "x", "a b": 1},
        None,
        {"id": "three", "input_label": "other", "q": "y", "a b": 1},
        {"id": None, "input_label": None, "q": "z", "a b": 1},
    ]
    assert result.notes == [
        "1 row without 'id', 'input_label': no row of the data set has the same content.",
        (
            "1 row with empty cells among 'id', 'input_label': several rows of the data set were "
            "sent as equal, not as many came back, and which ones is unknown."
        ),
    ]


@pytest.mark.usefixtures("lines_not_counted")
@given(st.integers(1, 300), st.integers(1, 300))
def test_a_sample_joins_its_own_rows_and_is_part_of_a_larger_one(rows: int, size: int) -> None:
    originals = [{"q": "same", "a b": number // 7, "id": number} for number in range(rows)]
    chosen = list(Sample(size).choose(lambda: iter(originals)))
    larger = list(Sample(size + 1).choose(lambda: iter(originals)))
    numbers = packed(number for number, _ in chosen)
    recipe = Recipe(("q", "a b"), ("id",), arguments={"sample": size})

    back = joined(
        originals,
        [line(row) for _, row in chosen],
        DerivedFile("file-2", "file-1", recipe, numbers),
    )

    assert len(chosen) == min(rows, size)
    assert [row["id"] for row in back.rows if row] == [row["id"] for _, row in chosen]
    assert {number for number, _ in chosen} <= {number for number, _ in larger}


@given(st.lists(st.integers(1, 5_000), unique=True).map(sorted))
def test_row_numbers_are_packed_without_loss(numbers: list[int]) -> None:
    bits = unpacked(packed(numbers))
    found = [
        place * 8 + bit for place, byte in enumerate(bits) for bit in range(8) if byte >> bit & 1
    ]
    assert found == numbers


async def test_a_deleted_original_is_said_and_the_rows_stay(tmp_path: Path) -> None:
    @asynccontextmanager
    async def gone() -> AsyncGenerator[AsyncIterator[bytes]]:
        raise NotFoundError("deleted")
        yield

    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'{"q": 1}\n')
    derived = DerivedFile("file-2", "file-1", RECIPE)
    await CarriedColumns(derived, "local:file-1", gone).bring_into(path)

    assert path.read_bytes() == b'{"q": 1}\n'
    assert notes_beside(path) == [
        "Without 'id', 'input_label': the data set 'local:file-1', which has them, was deleted."
    ]
