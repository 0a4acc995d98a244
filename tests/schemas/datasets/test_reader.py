"""The data-set reader: what is a row, what is a fault, and where."""

import csv
import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals_schemas.datasets import reader as datasets
from evals_schemas.datasets.quality import DatasetQuality, Repetitions
from evals_schemas.datasets.reader import Check, DatasetError, Fault, Kind, check, read_rows, scan

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
        pytest.param(b"a,b\n1\n", "csv", "line 2: 1 cell, the header has 2", id="short row"),
        pytest.param(b"a,b\n1,2,3\n", "csv", "line 2: 3 cells, the header has 2", id="long row"),
        pytest.param(
            b"1,2\n3,4\n", "csv", "line 1: '1' does not look like a column name", id="no header"
        ),
        pytest.param(b"a,a\n1,2\n", "csv", "line 1: two columns with the same name", id="twice"),
        pytest.param(b"a,\n1,2\n", "csv", "line 1: a column with no name", id="nameless"),
        pytest.param(b"a,b\n1,\xff\n", "csv", "line 2: not UTF-8", id="bad UTF-8 in CSV"),
        pytest.param(b'a,b\n1,"2\n', "csv", "not CSV", id="open quote"),
        pytest.param(
            b"a;b\n1;2\n",
            "csv",
            "'a;b': is the file separated by semicolons? Then save it with commas",
            id="semicolons",
        ),
        pytest.param(
            b"a\tb\n1\t2\n",
            "csv",
            "is the file separated by tabs? Then give the file a name that ends in .tsv",
            id="tabs",
        ),
        pytest.param(
            b"a,b\n1,2\n",
            "tsv",
            "is the file separated by commas? Then give the file a name that ends in .csv",
            id="commas in TSV",
        ),
        pytest.param(b"a\tb\n1\n", "tsv", "line 2: 1 cell, the header has 2", id="short TSV row"),
        pytest.param(b'{"a": 1} x\n', "jsonl", "line 1: not JSON (Extra data", id="more behind"),
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


@given(st.binary(max_size=300), st.sampled_from(["jsonl", "csv", "tsv"]))
def test_no_bytes_at_all_make_the_reader_fail(data: bytes, kind: Kind) -> None:
    found = checked(data, kind)
    assert found.rows >= 0


def warnings(data: bytes, kind: Kind = "jsonl") -> list[str]:
    return checked(data, kind).quality.warnings()


def test_rows_that_repeat_an_earlier_one_are_counted_with_the_first_line() -> None:
    data = b'{"a": 1}\n{"a": 2}\n\n{"a": 1}\n{"a": 1}\n{"a": 2}\n'
    assert warnings(data) == ["3 rows repeat an earlier one, first at line 4"]
    assert warnings(b"a,b\n1,2\n1,3\n1,2\n", "csv") == [
        "1 row repeats an earlier one, first at line 4"
    ]


def test_empty_cells_are_counted_a_column_with_the_first_line() -> None:
    data = b'{"q": "x", "a": "y"}\n{"q": "x", "a": ""}\n{"q": "z", "a": null}\n{"q": 0, "a": []}\n'
    assert warnings(data) == ["`a` is empty in 2 rows, first at line 2"]
    assert warnings(b"q,a\nx,y\nx,\n", "csv") == ["`a` is empty in 1 row, first at line 3"]


def test_many_columns_with_empty_cells_are_named_up_to_a_number() -> None:
    row = {"full": 1} | {f"c{number}": "" for number in range(30)}
    assert warnings(json.dumps(row).encode())[-1] == "22 more columns have empty cells"


def test_zero_and_false_are_no_empty_cells() -> None:
    assert warnings(b'{"a": 0, "b": false, "c": [], "d": {}, "e": " "}\n') == []


@pytest.mark.parametrize(
    ("data", "kind"),
    [(b'{"a": 1, "b": 2}\n{"a": "", "b": null}\n', "jsonl"), (b"a,b\n1,2\n,\n1,2\n", "csv")],
)
def test_a_row_in_which_every_value_is_empty_is_a_fault(data: bytes, kind: Kind) -> None:
    line = 2 if kind == "jsonl" else 3
    assert checked(data, kind).problem() == f"line {line}: every value is empty"


def test_a_stored_file_with_an_empty_row_is_still_read() -> None:
    assert list(read_rows(io.BytesIO(b'{"a": ""}\n'), "jsonl")) == [{"a": ""}]


def test_a_faulty_row_counts_neither_as_a_repetition_nor_as_empty() -> None:
    found = checked(b'{"a": 1}\n{"b": ""}\n{"b": ""}\n{"a": 1}\n')
    assert found.quality.warnings() == ["1 row repeats an earlier one, first at line 4"]


@pytest.mark.parametrize("value", ['""', '"  "', "null", "3", '["x"]'])
def test_a_column_that_must_hold_text_is_a_fault_where_it_does_not(value: str) -> None:
    data = f'{{"q": "x", "a": "y"}}\n{{"q": "x", "a": {value}}}\n'.encode()
    found = check(io.BytesIO(data), "jsonl", quality=DatasetQuality(text_columns=("q", "a")))
    assert found.problem() == "line 2: `a` must be text that is not empty"


def test_faults_and_warnings_say_row_where_a_line_is_one_of_another_file() -> None:
    found = checked(b'{"a": 1}\n{"a": 1}\n3\n')
    assert found.problem("row") == (
        "row 3: not a JSON object: each line is one row, {column: value, …}"
    )
    assert found.quality.warnings("row") == ["1 row repeats an earlier one, first at row 2"]


@given(st.lists(st.integers(0, 20), max_size=60))
def test_repetitions_are_exact_while_the_distinct_rows_fit(keys: list[int]) -> None:
    repetitions = Repetitions(capacity=21)
    for line, key in enumerate(keys, 1):
        repetitions.add(str(key), line)
    assert repetitions.exact
    assert repetitions.count == len(keys) - len(set(keys))
    first = next((n for n, key in enumerate(keys, 1) if key in keys[: n - 1]), None)
    assert repetitions.first_line == first


def test_beyond_the_bound_repetitions_are_estimated_and_said_to_be() -> None:
    quality = DatasetQuality(repetitions=Repetitions(capacity=1024))
    for line in range(40_000):
        # Every fourth row is that of 20,000 lines before.
        number = line - 20_000 if line >= 20_000 and line % 4 == 0 else line
        quality.add({"a": number}, line, f"row {number}")
    estimate = quality.repetitions.count
    # 1,024 kept of 35,000 distinct rows: a seventh of them repeated, so a deviation near 8 %.
    assert 5_000 * 0.5 < estimate < 5_000 * 1.5
    assert not quality.repetitions.exact
    assert quality.warnings()[0].startswith(f"about {estimate:,} rows repeat an earlier one")


def test_no_repetition_is_estimated_where_there_is_none() -> None:
    repetitions = Repetitions(capacity=64)
    for line in range(5_000):
        repetitions.add(f"row {line}", line)
    assert (repetitions.count, repetitions.exact) == (0, False)


@given(st.lists(st.text(max_size=5), max_size=300))
def test_a_repetition_that_was_seen_is_never_estimated_away(keys: list[str]) -> None:
    repetitions = Repetitions(capacity=8)
    for line, key in enumerate(keys):
        repetitions.add(key, line)
    assert (repetitions.count > 0) == (repetitions.first_line is not None)
    assert repetitions.exact == (len(set(keys)) <= 8)
