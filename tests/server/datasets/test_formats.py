"""Files in every format become the same rows; what is not what its name says is told apart."""

import csv
import decimal
import gzip
import io
import json
import sys
import tempfile
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals_mcp.datasets.formats import format_of, rows_of
from evals_mcp.datasets.json_arrays import json_rows
from evals_mcp.datasets.parquet_files import parquet_rows
from evals_mcp.errors import OperatorError
from evals_schemas.datasets.reader import DatasetError, Fault, Row

ARROW: Any = import_module("pyarrow")
PARQUET: Any = import_module("pyarrow.parquet")

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00\r"), max_size=20)
NUMBER = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
VALUE: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | NUMBER | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
NAMES = st.lists(
    st.sampled_from(["question", "answer", "the id", "größe"]), min_size=1, unique=True
)


def tables(values: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Row]]:
    """One to five rows with the same columns."""
    rows = NAMES.map(lambda names: st.fixed_dictionaries(dict.fromkeys(names, values)))
    return rows.flatmap(lambda row: st.lists(row, min_size=1, max_size=5))


def read(name: str, data: bytes) -> list[Row | Fault]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(data)
        return list(rows_of(path, format_of(name)))


def problem(name: str, data: bytes) -> str:
    """The first fault, or what reading ends with."""
    try:
        found = read(name, data)
    except DatasetError as error:
        return str(error)
    fault = next(item for item in found if isinstance(item, Fault))
    return fault.at("item" if name.endswith(".json") else "line")


def parquet(**columns: Any) -> bytes:
    return parquet_of(ARROW.table(columns))


def parquet_of(table: Any) -> bytes:
    out = io.BytesIO()
    PARQUET.write_table(table, out)
    return out.getvalue()


@given(tables(VALUE), st.sampled_from([None, 2]))
def test_a_json_array_becomes_the_rows_that_it_holds(rows: list[Row], indent: int | None) -> None:
    assert read("rows.json", json.dumps(rows, indent=indent).encode()) == rows
    plain = json.dumps(rows, ensure_ascii=False).encode("utf-8-sig")
    assert read("rows.json", plain) == rows


@given(tables(NUMBER))
def test_numbers_stay_the_numbers_that_they_were(rows: list[Row]) -> None:
    found = read("rows.json", json.dumps(rows).encode())
    assert [json.dumps(row) for row in found] == [json.dumps(row) for row in rows]


@pytest.mark.parametrize(("name", "mark"), [("rows.csv", ","), ("rows.tsv", "\t")])
@given(rows=tables(TEXT.filter(bool)))
def test_cells_of_text_come_back_as_they_were(name: str, mark: str, rows: list[Row]) -> None:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, list(rows[0]), delimiter=mark)
    writer.writeheader()
    writer.writerows(rows)
    assert read(name, out.getvalue().encode()) == rows


@given(
    tables(st.none() | TEXT)
    | tables(st.none() | st.integers(-(2**63), 2**63 - 1))
    | tables(st.none() | st.floats(allow_nan=False, allow_infinity=False))
    | tables(st.lists(st.booleans(), max_size=3))
)
def test_a_parquet_table_becomes_the_rows_that_it_holds(rows: list[Row]) -> None:
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    assert read("rows.parquet", parquet(**columns)) == rows


def test_times_and_decimals_of_parquet_become_text_and_numbers() -> None:
    at = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)
    data = parquet(
        at=[at],
        on=[date(2026, 11, 20)],
        hour=[time(12, 30)],
        price=[decimal.Decimal("1.50")],
        big=[decimal.Decimal(12345678901234567890123456789)],
        gap=[float("nan")],
        nested=[{"at": at, "list": [at]}],
    )
    (row,) = read("rows.parquet", data)
    assert row == {
        "at": "2026-11-20T12:30:00+00:00",
        "on": "2026-11-20",
        "hour": "12:30:00",
        "price": 1.5,
        "big": 12345678901234567890123456789,
        "gap": None,
        "nested": {"at": "2026-11-20T12:30:00+00:00", "list": ["2026-11-20T12:30:00+00:00"]},
    }
    assert json.dumps(row)


def test_times_finer_than_microseconds_and_maps_are_read() -> None:
    table = ARROW.table(
        {
            "at": ARROW.array([1_000_000_001], ARROW.timestamp("ns")),
            "hour": ARROW.array([1_001], ARROW.time64("ns")),
            "map": ARROW.array([[("a", 1)]], ARROW.map_(ARROW.string(), ARROW.int64())),
            "code": ARROW.array(["x"]).dictionary_encode(),
        }
    )
    assert read("rows.parquet", parquet_of(table)) == [
        {"at": "1970-01-01T00:00:01", "hour": "00:00:00.000001", "map": {"a": 1}, "code": "x"}
    ]


def test_a_parquet_file_is_read_in_batches() -> None:
    found = read("rows.parquet", parquet(n=list(range(1_000))))
    assert found == [{"n": number} for number in range(1_000)]


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ([b"\x89PNG"], "row 1: `c` contains bytes, which no judge reads: leave the column out"),
        ([1.0, float("inf")], "row 2: `c` is infinite, which JSON cannot represent"),
        ([timedelta(1)], "row 1: `c` contains values of a type that JSON lacks (timedelta)"),
        ([{"in": b"x"}], "row 1: `c` contains bytes"),
    ],
)
def test_a_value_of_parquet_that_json_cannot_hold_is_refused_by_row_and_column(
    column: list[Any], expected: str
) -> None:
    assert problem("rows.parquet", parquet(c=column)).startswith(expected)


def damaged(data: bytes) -> bytes:
    return data[:4] + bytes(len(data) - 12) + data[-8:]


def cut(data: bytes) -> bytes:
    return data[:-6]


@pytest.mark.parametrize("spoil", [cut, damaged])
def test_a_damaged_parquet_file_is_refused(spoil: Callable[[bytes], bytes]) -> None:
    text = problem("rows.parquet", spoil(parquet(a=["secret text"] * 9)))
    assert "it is damaged" in text
    assert "secret" not in text


def test_two_parquet_columns_of_one_name_are_refused() -> None:
    table = ARROW.table([ARROW.array([1]), ARROW.array([2])], names=["a", "a"])
    assert "two columns with the same name" in problem("rows.parquet", parquet_of(table))


def test_without_its_package_parquet_is_refused_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = parquet(a=[1])
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(OperatorError, match=r"ask the administrator to run `pip install 'evals-"):
        read("rows.parquet", data)


ARRAY_ROWS = [
    (b'[\n{"a": 1},\n{"a": x}]', "item 2: not JSON from here on (line 3)"),
    (b'[\n{"a": 1},\n3]', "item 2: not an object (line 3): each item"),
    (
        b'[\n{"a": "\xe9"}]',
        "item 1: not UTF-8 (byte 8 of the line): save the file as UTF-8 (line 2)",
    ),
    (b'[{"a": NaN}]', "item 1: not JSON"),
    (b'[{"a": 1}', "item 2: not JSON"),
    (b'[{"a": 1}] more', "item 2: not JSON"),
    (b'[{"a": ' + b"9" * 5000 + b"}]", "item 1: not JSON"),
    (b"[" * 100_000, "item 1: nested too deeply"),
    (b'[{"a":' * 100_000, "item 1: nested too deeply"),
    (b'[{"a": "' + b"x" * 18_000_000 + b'"}]', "item 1: a row longer than 16 MiB"),
    (b"", "the file is empty"),
    (b'[{"a": 1}, ]', "item 2: not JSON"),
    (b'[{"a": ' + b"[" * 200 + b"]" * 200 + b"}]", "item 1: nested too deeply (line 1)"),
    (b'[{"a": "' + b"x" * 70_000 + b'\n"}]', "item 1: not JSON from here on (line 1)"),
    (b"[\n" + b'{"a": 1},\n' * 9_000 + b'{"a": "\xc3', "item 9001: not UTF-8 (byte 8 of the line)"),
]


@pytest.mark.parametrize(("data", "expected"), ARRAY_ROWS)
def test_what_is_wrong_in_a_json_array_is_named_with_its_item(data: bytes, expected: str) -> None:
    assert problem("rows.json", data).startswith(expected)


@pytest.mark.parametrize("cut", range(-12, 13, 3))
def test_items_across_the_blocks_of_a_file_are_read_whole(cut: int) -> None:
    first = {"a": "x" * (64 * 1024 - 12 + cut)}
    rows: list[Any] = [first, {"a": "é\u2028\n", "b": [1, -2.5e10, None, True]}, {"a": 12345}]
    for ascii_only in (True, False):
        data = json.dumps(rows, ensure_ascii=ascii_only).encode()
        assert read("rows.json", data) == rows


class CountedReads(io.BytesIO):
    """A file that counts how often it is read."""

    reads = 0

    def read(self, size: int | None = -1) -> bytes:
        self.reads += 1
        return super().read(size)


@pytest.mark.parametrize(
    "text",
    [
        b'[{"a": "' + b"x" * 15_000_000 + b'"}]',
        b'[{"a": "' + b"x" * 15_000_000,
        b'[{"a": "' + b"\\u00e9" * 2_500_000 + b'"}]',
        b'[{"a": [' + b"1," * 5_000_000 + b"1]}]",
    ],
)
def test_a_long_item_is_read_again_only_after_twice_as_much_text(text: bytes) -> None:
    stream = CountedReads(text)
    (item,) = list(json_rows(stream))
    assert isinstance(item, dict) == text.endswith(b"]")
    assert stream.reads < 16


def test_rows_of_parquet_that_unfold_are_read_a_few_at_a_time() -> None:
    # 64 rows of 4 MB each in a file of a few hundred bytes.
    data = parquet(a=["x" * 4_000_000] * 64)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.parquet"
        path.write_bytes(data)
        tracemalloc.start()
        try:
            rows = sum(len(row["a"]) == 4_000_000 for row in parquet_rows(path))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert rows == 64
    assert peak < 60_000_000


def test_a_row_of_parquet_that_is_too_large_is_refused_by_its_number() -> None:
    data = parquet(a=[[0], [0] * 9_000_000])
    assert problem("rows.parquet", data).startswith("row 2: it has 73,125,005 bytes in memory")


def test_reading_an_array_goes_on_after_an_item_that_is_no_object() -> None:
    found = read("rows.json", b'[1, {"a": 1}, "x", {"a": 2}, {"a"')
    assert [item.line if isinstance(item, Fault) else item["a"] for item in found] == [
        1,
        1,
        3,
        2,
        5,
    ]


LINES = b'{"a": 1}\n{"a": 2}\n'
CELLS = "name,größe\nx,1\n"


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("a.jsonl", b'[{"a": 1}]', "line 1: it is a JSON array; give the file a name that ends in"),
        ("a.jsonl", b'\n{\n"a": 1}', "line 2: an object over several lines; JSONL has a whole"),
        ("a.jsonl", CELLS.encode(), "line 1: it looks like CSV; give the file a name that ends in"),
        ("a.jsonl", b"a\tb\n1\t2\n", "line 1: it looks like TSV; give the file a name that ends"),
        (
            "a.jsonl",
            gzip.compress(LINES, mtime=0),
            "line 1: it is compressed with gzip; decompress it",
        ),
        ("a.jsonl", parquet(a=[1]), "line 1: it is Parquet; give the file a name that ends in"),
        ("a.ndjson", LINES.decode().encode("utf-16"), "line 1: it is UTF-16; save it as UTF-8"),
        ("a.jsonl", b'{"a": "\xe9"}\n', "line 1: not UTF-8 (byte 8 of the line): save the file"),
        ("a.csv", CELLS.encode("utf-16"), "line 1: it is UTF-16; save it as UTF-8"),
        ("a.csv", CELLS.encode("utf-16-le"), "line 1: it contains zero bytes, as UTF-16 does"),
        ("a.csv", CELLS.encode("latin-1"), "line 1: not UTF-8 (byte 8 of the line): save the"),
        ("a.csv", b"a;b\n1;2\n", "line 1: one column, 'a;b': is the file separated by semicolons?"),
        ("a.csv", b'{"a": "x", "b": "y"}\n', "line 1: it looks like JSONL; give the file a name"),
        ("a.tsv", b'\n{"a":"x","b":"y"}\n', "line 2: it looks like JSONL; give the file a name"),
        ("a.csv", LINES, "line 1: it looks like JSONL; give the file a name that ends in .jsonl"),
        ("a.csv", b'[{"a": 1}]', "line 1: it is a JSON array; give the file a name that ends in"),
        ("a.xlsx", b"PK\x03\x04\x14", "line 1: it is a ZIP archive or an Excel workbook; save the"),
        (
            "a.tsv",
            CELLS.encode(),
            "line 1: one column, 'name,größe': is the file separated by comm",
        ),
        ("a.json", LINES, "line 1: it looks like JSONL; give the file a name that ends in .jsonl"),
        (
            "a.json",
            b'{"rows": [\n{"a": 1}]}',
            "line 1: the rows are inside 'rows'; write the array alone",
        ),
        ("a.json", b'\n"text"', "line 2: it is not a JSON array"),
        ("a.parquet", LINES, "line 1: it is not a Parquet file; name the file after its content"),
    ],
)
def test_a_file_that_is_not_what_its_name_says_is_told_what_to_do(
    name: str, data: bytes, expected: str
) -> None:
    assert problem(name, data).startswith(expected)


@pytest.mark.parametrize("name", ["a.jsonl", "a.NDJSON", "a.txt", "a"])
def test_lines_are_read_under_any_name_that_promises_nothing_else(name: str) -> None:
    assert read(name, LINES) == [{"a": 1}, {"a": 2}]


@given(st.binary(max_size=200), st.sampled_from(["a.jsonl", "a.csv", "a.tsv", "a.json"]))
def test_no_bytes_at_all_make_a_reader_fail_otherwise(data: bytes, name: str) -> None:
    for start in (b"", b"[", b'[{"a":'):
        with suppress(DatasetError):
            assert all(isinstance(item, Fault | dict) for item in read(name, start + data))
