"""The data-set reader: what is a row, what is a fault, and where."""

import csv
import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals_schemas import datasets
from evals_schemas.datasets import Check, DatasetError, Fault, Kind, check, read_rows, scan

CELL = st.text(
    st.characters(exclude_categories=("Cs",), exclude_characters="\x00\r\n"),
    min_size=1,
    max_size=20,
)
VALUE: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | CELL,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(CELL, inner, max_size=3),
    max_leaves=5,
)


def checked(data: bytes, kind: Kind = "jsonl") -> Check:
    return check(io.BytesIO(data), kind)


@given(st.lists(CELL, min_size=1, max_size=4, unique=True), st.data())
def test_every_jsonl_row_comes_back_as_it_was_written(
    columns: list[str], data: st.DataObject
) -> None:
    rows = data.draw(
        st.lists(st.fixed_dictionaries(dict.fromkeys(columns, VALUE)), min_size=1, max_size=5)
    )
    file = "\n".join(json.dumps(row) for row in rows).encode()
    assert list(read_rows(io.BytesIO(file), "jsonl")) == rows


@given(st.lists(st.tuples(CELL, st.text(max_size=20)), min_size=1, max_size=5))
def test_every_csv_cell_comes_back_as_text(cells: list[tuple[str, str]]) -> None:
    rows = [{"first": a, "second": b.replace("\x00", "").replace("\r", "")} for a, b in cells]
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, ["first", "second"])
    writer.writeheader()
    writer.writerows(rows)
    try:
        file = out.getvalue().encode()
    except UnicodeEncodeError:
        return
    assert list(read_rows(io.BytesIO(file), "csv")) == rows


@pytest.mark.parametrize(
    ("data", "kind", "problem"),
    [
        pytest.param(b"", "jsonl", "the data set has no rows", id="empty file"),
        pytest.param(b"\n \n", "jsonl", "the data set has no rows", id="blank lines only"),
        pytest.param(b"a,b\n", "csv", "the data set has no rows", id="header only"),
        pytest.param(b'{"a": 1}\n[1]\n', "jsonl", "line 2: not a JSON object", id="array"),
        pytest.param(b'{"a": 1}\n{"a": \n', "jsonl", "line 2: not JSON", id="truncated"),
        pytest.param(b'{"a": NaN}\n', "jsonl", "line 1: not JSON (NaN is not JSON)", id="NaN"),
        pytest.param(b"{}\n", "jsonl", "line 1: a row with no columns", id="no columns"),
        pytest.param(
            b'{"a": 1, "b": 2}\n{"a": 1, "c": 3}\n',
            "jsonl",
            "line 2: columns differ from the first row's: lacks ['b'] and has extra ['c']",
            id="ragged",
        ),
        pytest.param(b'{"a": "\xff"}\n', "jsonl", "line 1: not UTF-8 (byte 8", id="bad UTF-8"),
        pytest.param(b"[" * 100_000, "jsonl", "line 1: n", id="nested without end"),
        pytest.param(b"a,b\n1\n", "csv", "line 2: 1 cells, the header has 2", id="short row"),
        pytest.param(b"a,b\n1,2,3\n", "csv", "line 2: 3 cells, the header has 2", id="long row"),
        pytest.param(
            b"1,2\n3,4\n", "csv", "line 1: '1' does not look like a column name", id="no header"
        ),
        pytest.param(b"a,a\n1,2\n", "csv", "line 1: two columns with the same name", id="twice"),
        pytest.param(b"a,\n1,2\n", "csv", "line 1: a column with no name", id="nameless"),
        pytest.param(b"a,b\n1,\xff\n", "csv", "line 2: not UTF-8", id="bad UTF-8 in CSV"),
        pytest.param(b'a,b\n1,"2\n', "csv", "not CSV", id="open quote"),
        pytest.param(b"a;b\n1;2\n", "csv", "'a;b': is the file separated by semicolons?", id=";"),
        pytest.param(b"a\tb\n1\t2\n", "csv", "is the file separated by tabs?", id="tabs"),
        pytest.param(b'{"a": 1, "b": 2}\n', "csv", "line 1: it looks like JSONL;", id="JSONL"),
        pytest.param(
            b'{"a": "x"}\n{"a": "\\ud83d"}\n',
            "jsonl",
            "line 2: half of a surrogate pair in 'a'",
            id="cut character",
        ),
        pytest.param(
            b'{"a": {"b": ["\\uDE00"]}}\n',
            "jsonl",
            "half of a surrogate pair in 'a'",
            id="cut character further down",
        ),
    ],
)
def test_an_unusable_file_is_refused_with_the_line_and_the_reason(
    data: bytes, kind: Kind, problem: str
) -> None:
    assert problem in (checked(data, kind).problem() or "")
    with pytest.raises(DatasetError):
        list(read_rows(io.BytesIO(data), kind))


def test_an_escaped_character_outside_the_first_plane_is_whole() -> None:
    row = b'{"a": "\\ud83d\\ude00 and \\\\ud83d", "b": [1]}\n'
    assert checked(row).preview == [{"a": "\U0001f600 and \\ud83d", "b": [1]}]


def test_one_column_is_enough() -> None:
    assert checked(b"question\nWhy?\n", "csv").preview == [{"question": "Why?"}]


def test_a_byte_order_mark_is_not_part_of_the_first_column() -> None:
    assert checked(b"\xef\xbb\xbfname\nBrisa\n", "csv").columns == ["name"]
    assert checked(b'\xef\xbb\xbf{"name": 1}\n').columns == ["name"]


def test_a_csv_cell_may_span_lines() -> None:
    assert checked(b'a,b\n"one\ntwo",3\n', "csv").preview == [{"a": "one\ntwo", "b": "3"}]


def test_a_line_over_the_limit_is_skipped_and_never_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets, "MAX_ROW_BYTES", 1000)
    asked: list[int] = []

    class Stream(io.BytesIO):
        def readline(self, size: int | None = -1, /) -> bytes:
            asked.append(size or 0)
            return super().readline(size)

    data = b'{"a": "' + b"x" * 300_000 + b'"}\n{"a": "kept"}\n'
    found = list(scan(Stream(data), "jsonl"))
    assert found == [Fault(1, "longer than 0 MiB"), {"a": "kept"}]
    assert max(asked) <= 1001


def test_the_first_faults_are_named_and_the_rest_counted() -> None:
    found = checked(b'{"a": 1}\n' + b"nonsense\n" * 40)
    assert found.fault_count == 40
    assert [fault.line for fault in found.faults] == [2, 3, 4, 5, 6]
    assert (found.problem() or "").endswith("and 35 more faults")


@given(st.binary(max_size=300), st.sampled_from(["jsonl", "csv"]))
def test_no_bytes_at_all_make_the_reader_fail(data: bytes, kind: Kind) -> None:
    found = checked(data, kind)
    assert found.rows >= 0
