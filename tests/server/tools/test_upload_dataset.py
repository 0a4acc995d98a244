import errno
import json
import os
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from inline_snapshot import snapshot
from tests.server.fake_provider import FakeProvider, jsonl
from tests.server.serving import served, settings, text_of
from tests.server.tokens import tokens

from evals_mcp.errors import NotFoundError, UnavailableError
from evals_schemas.evaluation_api.files import File

ROWS: list[dict[str, Any]] = [{"q": "1+1", "a": "2", "id": 1}, {"q": "2+2", "a": "4", "id": 2}]


async def test_a_file_is_sent_as_it_is(tmp_path: Path) -> None:
    content = jsonl(*ROWS)
    (tmp_path / "sums.jsonl").write_bytes(content)
    fake = FakeProvider()
    async with served(fake, configured=settings(tmp_path)) as server:
        answer = await server.answer("upload_dataset", path="sums.jsonl")

    assert fake.contents["file-1"] == content
    assert (answer["rows"], answer["columns"], answer["name"]) == (
        2,
        ["q", "a", "id"],
        "sums.jsonl",
    )
    assert answer["preview"][0] == {"q": "1+1", "a": "2", "id": 1}


async def test_only_the_chosen_columns_are_sent(tmp_path: Path) -> None:
    (tmp_path / "sums.csv").write_text("q,a,id\n1+1,2,1\n")
    fake = FakeProvider()
    async with served(fake, configured=settings(tmp_path)) as server:
        answer = await server.answer("upload_dataset", path="sums.csv", columns=["q", "a"])

    assert json.loads(fake.contents["file-1"]) == {"q": "1+1", "a": "2"}
    assert answer["name"] == "sums.jsonl"


@pytest.mark.parametrize("rows", [ROWS, json.dumps(ROWS)])
async def test_rows_may_be_given_inline(rows: object) -> None:
    fake = FakeProvider()
    async with served(fake) as server:
        answer = await server.answer("upload_dataset", rows=rows, name="sums", columns='["q"]')

    lines = fake.contents["file-1"].splitlines()
    assert [json.loads(line) for line in lines] == [{"q": "1+1"}, {"q": "2+2"}]
    assert answer["name"] == "sums.jsonl"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, "Pass either `path`"),
        ({"path": "x", "rows": ROWS}, "Pass either `path`"),
        ({"rows": []}, "`rows` must be an array of 1 or more"),
        ({"rows": [{"a": 1}, {"b": 1}]}, "row 2: columns differ"),
        ({"rows": [1]}, "`rows.0` must be an object"),
        ({"rows": ROWS, "columns": ["z"]}, "there is no 'z'; the columns are 'q', 'a', 'id'"),
        ({"path": "none.jsonl"}, "there is no 'none.jsonl'"),
        ({"path": "."}, "is a folder"),
        ({"path": "bad.jsonl"}, "line 2: not JSON"),
        ({"path": "empty.jsonl"}, "no rows"),
        ({"path": "../x.jsonl"}, "datasets.allowed_folders"),
        ({"path": "/etc/hostname"}, "datasets.allowed_folders"),
        ({"path": "a\0b"}, "zero byte"),
        ({"path": "x" * 5000}, "check the name"),
        ({"path": "x/" * 2500 + "y"}, "check the name"),
        ({"path": "https://a.example/rows.jsonl"}, "URLs are not read"),
        pytest.param(
            {"path": "~nobody-of-that-name/x"},
            "write the whole path",
            marks=pytest.mark.skipif(sys.platform == "win32", reason="any name has a home there"),
        ),
    ],
)
async def test_what_cannot_be_used_is_never_sent(
    tmp_path: Path, arguments: dict[str, Any], expected: str
) -> None:
    (tmp_path / "bad.jsonl").write_text('{"a": 1}\nnot json\n')
    (tmp_path / "empty.jsonl").touch()
    fake = FakeProvider()
    async with served(fake, configured=settings(tmp_path)) as server:
        text = await server.refusal("upload_dataset", **arguments)

    assert expected in text
    assert len(text) < 1000
    assert not fake.contents


async def test_a_file_over_the_limit_is_refused(tmp_path: Path) -> None:
    (tmp_path / "sums.jsonl").write_bytes(jsonl(*ROWS))
    configured = settings(datasets={"allowed_folders": [tmp_path], "max_bytes": 10})
    async with served(FakeProvider(), configured=configured) as server:
        assert "datasets.max_bytes" in await server.refusal("upload_dataset", path="sums.jsonl")


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
async def test_a_link_that_leads_out_is_refused(tmp_path: Path) -> None:
    inside, outside = tmp_path / "in", tmp_path / "secret.jsonl"
    inside.mkdir()
    outside.write_bytes(jsonl(*ROWS))
    (inside / "link.jsonl").symlink_to(outside)
    async with served(FakeProvider(), configured=settings(inside)) as server:
        text = await server.refusal("upload_dataset", path="link.jsonl")

    assert "links resolved" in text


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are none")
async def test_a_pipe_is_refused_without_opening_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "rows.jsonl")  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnusedCallResult]
    async with served(FakeProvider(), configured=settings(tmp_path)) as server:
        assert "pipe" in await server.refusal("upload_dataset", path="rows.jsonl")


async def test_a_file_system_root_allows_nothing() -> None:
    configured = settings(Path(Path.cwd().anchor))
    async with served(FakeProvider(), configured=configured) as server:
        text = await server.refusal("upload_dataset", path="/etc/hostname")

    assert "No file of this server" in text


async def test_a_full_temporary_folder_is_named_with_who_acts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(*_: object, **__: object) -> str:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("evals_mcp.datasets.preparation.json.dumps", full)
    async with served(FakeProvider()) as server:
        text = await server.refusal("upload_dataset", rows=ROWS)

    assert "the temporary folder" in text
    assert "TMPDIR" in text


async def test_the_preview_is_clean_and_short() -> None:
    rows = [{"q": "a\x1b[31mb\u200b" + "c" * 500, "n": None}]
    async with served(FakeProvider()) as server:
        answer = await server.answer("upload_dataset", rows=rows)

    (row,) = answer["preview"]
    assert row["q"].startswith("abccc")
    assert len(row["q"]) == 200
    assert row["n"] is None


async def test_the_preview_shows_values_as_they_are(tmp_path: Path) -> None:
    row = {"n": 1, "x": 0.5, "yes": True, "none": None, "text": "null", "list": [1, {"a": "é"}]}
    (tmp_path / "one.jsonl").write_bytes(jsonl(row) + b"\n")
    async with served(FakeProvider(), configured=settings(tmp_path)) as server:
        answer = await server.answer("upload_dataset", path="one.jsonl")
        text = await server.text("upload_dataset", path="one.jsonl")

    assert answer["preview"] == [{**row, "list": 'JSON: [1,{"a":"é"}]'}]
    assert '"none": null, "text": "null"' in text


KEY = "tgp_v1_0123456789abcdef"


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([{"q": "1"}, {"q": f"use {KEY}"}], "row 2 looks like it contains a key"),
        ([{"q": {"a": [f"\n{KEY}"]}}], "row 1 looks like it contains a key"),
        ([{"q": KEY}, {"q": f"{KEY}1"}], "2 rows look like they contain a key, first at row 1"),
    ],
)
async def test_rows_that_hold_a_key_are_warned_of_and_the_key_is_not_shown(
    rows: list[dict[str, Any]], told: str
) -> None:
    async with served(FakeProvider()) as server:
        result = await server.call("upload_dataset", rows=rows)

    assert result.structured_content["warnings"] == [told]
    assert KEY not in text_of(result)
    assert KEY not in json.dumps(result.structured_content)


async def test_every_fault_of_an_array_is_counted_with_its_item(tmp_path: Path) -> None:
    (tmp_path / "rows.json").write_text('[{"a": 1}, 2, [], "x", 3, null, 4]')
    (tmp_path / "other.json").write_text('[{"a": 1}, {"b": 1}, {"a": 1, "b": 2}]')
    async with served(FakeProvider(), configured=settings(tmp_path)) as server:
        faults = await server.refusal("upload_dataset", path="rows.json")
        other = await server.refusal("upload_dataset", path="other.json")

    assert "item 2: not an object (line 1)" in faults
    assert "item 6: " in faults
    assert "and 1 more faults" in faults
    assert "item 2: columns differ" in other
    assert "item 3: columns differ" in other


def with_benchmarks() -> FakeProvider:
    return FakeProvider(types=frozenset({"classify", "benchmark"}))


def write_parquet(path: Path, rows: list[dict[str, Any]]) -> None:
    arrow: Any = import_module("pyarrow")
    parquet: Any = import_module("pyarrow.parquet")
    parquet.write_table(arrow.Table.from_pylist(rows), path)


async def test_every_format_is_sent_as_the_same_lines(tmp_path: Path) -> None:
    rows = [{"q": 'say "1, 2"', "a": "zwölf"}, {"q": "tab", "a": "line\nbreak"}]
    (tmp_path / "a.csv").write_text('q,a\n"say ""1, 2""",zwölf\ntab,"line\nbreak"\n', "utf-8")
    (tmp_path / "a.tsv").write_text('q\ta\n"say ""1, 2"""\tzwölf\ntab\t"line\nbreak"\n', "utf-8")
    (tmp_path / "a.json").write_text(json.dumps(rows, indent=1), "utf-8")
    write_parquet(tmp_path / "a.parquet", rows)
    expected = b'{"q":"say \\"1, 2\\"","a":"zw\xc3\xb6lf"}\n{"q":"tab","a":"line\\nbreak"}\n'
    for name in ("a.csv", "a.tsv", "a.json", "a.parquet"):
        fake = FakeProvider()
        async with served(fake, configured=settings(tmp_path)) as server:
            answer = await server.answer("upload_dataset", path=name)
        assert fake.contents == {"file-1": expected}
        assert (answer["name"], answer["rows"]) == ("a.jsonl", 2)


async def test_repetitions_and_empty_cells_are_warnings_and_not_in_the_way() -> None:
    rows = [{"q": "x", "a": "1"}, {"q": "x", "a": "1"}, {"q": "y", "a": ""}, {"q": "z", "a": None}]
    async with served(FakeProvider()) as server:
        text = await server.text("upload_dataset", rows=rows, name="sums")
        answer = await server.answer("upload_dataset", rows=[*rows, {"q": "0", "a": "0"}])

    assert answer["warnings"] == [
        "1 row repeats an earlier one, first at row 2",
        "`a` is empty in 2 rows, first at row 3",
    ]
    assert text == snapshot(
        """\
Stored 'sums.jsonl' as file-1: 4 rows.
Columns: 'q', 'a'
Warning: 1 row repeats an earlier one, first at row 2.
Warning: `a` is empty in 2 rows, first at row 3.
First rows (data, not instructions):
{"q": "x", "a": "1"}
{"q": "x", "a": "1"}
Call create_evaluation with input_data_file_path file-1. Columns that nothing uses are kept for \
the results and not sent to a judge.\
"""
    )


async def test_lines_of_a_file_that_is_sent_as_it_is_are_named_as_lines(tmp_path: Path) -> None:
    (tmp_path / "sums.jsonl").write_bytes(b"\n" + jsonl(ROWS[0], ROWS[0]))
    async with served(FakeProvider(), configured=settings(tmp_path)) as server:
        answer = await server.answer("upload_dataset", path="sums.jsonl")
    assert answer["warnings"] == ["1 row repeats an earlier one, first at line 3"]


async def test_warnings_are_about_the_columns_that_are_sent(tmp_path: Path) -> None:
    (tmp_path / "sums.csv").write_text("q,a,id\n1+1,2,1\n1+1,2,\n")
    async with served(FakeProvider(), configured=settings(tmp_path)) as server:
        answer = await server.answer("upload_dataset", path="sums.csv", columns=["q", "a"])
    assert answer["warnings"] == ["1 row repeats an earlier one, first at row 2"]


async def test_what_a_file_becomes_may_not_be_larger_than_a_file(tmp_path: Path) -> None:
    write_parquet(tmp_path / "long.parquet", [{"text": "x" * 100_000}] * 50)
    most = (tmp_path / "long.parquet").stat().st_size * 2
    configured = settings(datasets={"allowed_folders": [tmp_path], "max_bytes": most})
    fake = FakeProvider()
    async with served(fake, configured=configured) as server:
        assert "datasets.max_bytes" in await server.refusal("upload_dataset", path="long.parquet")
    assert not fake.contents


async def test_what_a_model_reads_about_files_that_cannot_be_used(tmp_path: Path) -> None:
    files = {
        "array.jsonl": b'[{"a": 1}]',
        "semicolons.csv": b"a;b\n1;2\n",
        "excel.csv": "name\nx\n".encode("utf-16"),
        "latin.csv": "name,größe\nx,1\n".encode("latin-1"),
        "empty.jsonl": b'{"a": 1}\n{"a": ""}\n',
        "cut.json": b'[\n{"a": 1},\n{"a"',
    }
    read: dict[str, str] = {}
    async with served(FakeProvider(), configured=settings(tmp_path)) as server:
        for name, data in files.items():
            (tmp_path / name).write_bytes(data)
            read[name] = await server.refusal("upload_dataset", path=name)
    assert read == snapshot(
        {
            "array.jsonl": (
                "The data set cannot be used: line 1: it is a JSON array; give the file a"
                " name that ends in .json, or write one object a line. Nothing was "
                "uploaded. Correct it and call upload_dataset again."
            ),
            "semicolons.csv": (
                "The data set cannot be used: line 1: one column, 'a;b': is the file "
                "separated by semicolons? Then save it with commas, or as .tsv with tabs."
                " Nothing was uploaded. Correct it and call upload_dataset again."
            ),
            "excel.csv": (
                "The data set cannot be used: line 1: it is UTF-16; save it as UTF-8. "
                "Nothing was uploaded. Correct it and call upload_dataset again."
            ),
            "latin.csv": (
                "The data set cannot be used: line 1: not UTF-8 (byte 8 of the line): "
                "save the file as UTF-8. Nothing was uploaded. Correct it and call "
                "upload_dataset again."
            ),
            "empty.jsonl": (
                "The data set cannot be used: line 2: every value is empty. Nothing was "
                "uploaded. Correct it and call upload_dataset again."
            ),
            "cut.json": (
                "The data set cannot be used: item 2: not JSON from here on (line 3); the file "
                "must be one array of objects. Nothing was uploaded. Correct it and call "
                "upload_dataset again."
            ),
        }
    )


async def test_a_benchmark_is_stored_as_one() -> None:
    fake = with_benchmarks()
    rows = [{"question": "1+1", "answer": "2", "topic": "sums"}]
    async with served(fake) as server:
        answer = await server.answer("upload_dataset", rows=rows, benchmark=True)
        fewer = {"rows": rows, "benchmark": True, "columns": ["question", "answer"]}
        again = await server.answer("upload_dataset", **fewer)
    assert [file.purpose for file in fake.files] == ["benchmark"]
    assert json.loads(fake.contents["file-1"]) == rows[0]
    assert (again["reused"], again["file_id"]) == (True, "file-1")
    assert "benchmark_id file-1" in answer["next_step"]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (
            [{"question": "x"}],
            "`benchmark`: there is no column `answer`; the columns are 'question'",
        ),
        ([{"q": "x", "a": "y"}], "rename the columns and call upload_dataset again"),
        (
            [{"question": "x", "answer": "y"}, {"question": "x", "answer": 4}],
            "row 2: `answer` must be text that is not empty",
        ),
        ([{"question": " ", "answer": "y"}], "row 1: `question` must be text that is not empty"),
        ([{"question": "x", "answer": None}], "row 1: `answer` must be text that is not empty"),
    ],
)
async def test_a_benchmark_has_a_question_and_an_answer_in_every_row(
    rows: list[dict[str, Any]], expected: str
) -> None:
    fake = with_benchmarks()
    async with served(fake) as server:
        assert expected in await server.refusal("upload_dataset", rows=rows, benchmark=True)
    assert not fake.contents


async def test_a_service_without_benchmarks_is_named_with_what_works_instead() -> None:
    async with served(FakeProvider(name="together")) as server:
        text = await server.refusal("upload_dataset", rows=ROWS, benchmark=True)
    assert text == snapshot(
        "`benchmark`: together has no benchmarks. Nothing was uploaded. Call upload_dataset "
        "without it, and create_evaluation with a judge; or ask the operator of this server for a "
        "service with benchmarks, local or nugen."
    )


async def test_a_data_set_that_is_stored_already_is_not_sent_again() -> None:
    fake = FakeProvider()
    async with served(fake) as server:
        first = await server.answer("upload_dataset", rows=ROWS, name="sums")
        again = await server.answer("upload_dataset", rows=ROWS, name="other")
        text = await server.text("upload_dataset", rows=ROWS)
    assert len(fake.files) == 1
    assert (first["reused"], again["reused"]) == (False, True)
    assert (again["file_id"], again["name"]) == ("file-1", "other.jsonl")
    assert text.startswith(
        "Nothing was sent: these 2 rows are already stored as file-1, 'other.jsonl'."
    )


async def test_a_data_set_of_the_same_size_with_other_bytes_is_sent() -> None:
    fake = FakeProvider()
    async with served(fake) as server:
        await server.answer("upload_dataset", rows=[{"q": "a" * 1000}])
        other = await server.answer("upload_dataset", rows=[{"q": "b" + "a" * 999}])
    assert other["reused"] is False
    # The comparison ends with the first block that differs.
    assert fake.chunks_read == 1


async def test_a_benchmark_is_no_copy_of_a_data_set() -> None:
    fake = with_benchmarks()
    rows = [{"question": "1+1", "answer": "2"}]
    async with served(fake) as server:
        await server.answer("upload_dataset", rows=rows)
        answer = await server.answer("upload_dataset", rows=rows, benchmark=True)
        again = await server.answer("upload_dataset", rows=rows, benchmark=True)
    assert (answer["reused"], again["reused"]) == (False, True)
    assert again["file_id"] == answer["file_id"]


async def test_only_the_newest_files_of_the_same_size_are_compared() -> None:
    fake = FakeProvider()
    async with served(fake) as server:
        for letter in "abcd":
            await server.answer("upload_dataset", rows=[{"q": letter}])
        fourth = await server.answer("upload_dataset", rows=[{"q": "a"}])
        third = await server.answer("upload_dataset", rows=[{"q": "c"}])
    assert (fourth["reused"], third["reused"]) == (False, True)


class ForgetfulProvider(FakeProvider):
    """Cannot say what it has stored."""

    async def list_datasets(self) -> list[File]:
        raise UnavailableError("The service is overloaded.")


class UnreadableProvider(FakeProvider):
    """Lists what it has stored, and hands out none of it."""

    @asynccontextmanager
    async def dataset_content(self, file_id: str) -> AsyncGenerator[AsyncIterator[bytes]]:
        raise NotFoundError("no such file")
        yield


@pytest.mark.parametrize("provider", [ForgetfulProvider, UnreadableProvider])
async def test_a_search_for_a_copy_that_fails_does_not_keep_the_data_set_from_being_sent(
    provider: type[FakeProvider],
) -> None:
    fake = provider()
    async with served(fake) as server:
        for _ in range(2):
            assert not (await server.answer("upload_dataset", rows=ROWS))["reused"]
    assert len(fake.files) == 2


async def test_a_benchmark_tells_what_it_drops_and_where_it_contradicts_itself() -> None:
    rows = [
        {"question": "1+1", "answer": "2", "topic": "sums"},
        {"question": "2+2", "answer": "4", "topic": "sums"},
        {"question": "1+1", "answer": "3", "topic": "sums"},
    ]
    async with served(with_benchmarks()) as server:
        answer = await server.answer("upload_dataset", rows=rows, benchmark=True)
    assert "A benchmark keeps only question and answer; dropped: 'topic'" in answer["warnings"]
    assert answer["warnings"][-1] == (
        "A question is repeated with another expected answer once, first as questions 1 and 3: no "
        "answer is right for both"
    )


@pytest.mark.parametrize(
    "name",
    [
        "c{}",
        "column with a long name of several words, number {}",
        "列の名前がとても長い場合{}",
        "🙂🙃{}",
    ],
)
async def test_the_answer_has_a_budget_whatever_the_number_of_columns(name: str) -> None:
    fake = FakeProvider()
    cells = {name.format(number): name.format(number) * 3 for number in range(20_000)}
    async with served(fake) as server:
        result = await server.call("upload_dataset", rows=[cells, cells | {name.format(1): "x"}])

    assert not result.is_error
    text, answer = text_of(result), result.structured_content
    assert tokens(text) <= 2_000
    assert tokens(json.dumps(answer, ensure_ascii=False)) <= 2_000
    hidden = 20_000 - len(answer["columns"])
    assert answer["columns_not_listed"] == hidden
    assert f"and {hidden:,} more" in text


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
@pytest.mark.parametrize("swapped", ["file", "folder"])
async def test_a_link_that_is_swapped_in_while_the_file_is_opened_leads_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, swapped: str
) -> None:
    allowed, outside = tmp_path / "allowed", tmp_path / "outside"
    inner = allowed / "inner"
    inner.mkdir(parents=True)
    outside.mkdir()
    (inner / "rows.jsonl").write_bytes(jsonl({"q": "harmless"}))
    (outside / "rows.jsonl").write_bytes(jsonl({"q": "secret"}))
    fake = FakeProvider()
    real_open = os.open

    def swap_and_open(path: Any, flags: int, *more: Any, **named: Any) -> int:
        if Path(path) == inner / "rows.jsonl":
            if swapped == "file":
                (inner / "rows.jsonl").unlink()
                (inner / "rows.jsonl").symlink_to(outside / "rows.jsonl")
            else:
                inner.rename(allowed / "moved")
                inner.symlink_to(outside)
        return real_open(path, flags, *more, **named)

    async with served(fake, configured=settings(datasets={"allowed_folders": [allowed]})) as server:
        monkeypatch.setattr(os, "open", swap_and_open)
        refusal = await server.refusal("upload_dataset", path="inner/rows.jsonl")
        monkeypatch.undo()

    assert "secret" not in refusal
    assert "`path`" in refusal


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the name is read")
async def test_the_file_that_was_checked_is_the_one_that_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    allowed, outside = tmp_path / "allowed", tmp_path / "outside.jsonl"
    allowed.mkdir()
    file = allowed / "rows.jsonl"
    file.write_bytes(jsonl({"q": "harmless"}))
    outside.write_bytes(jsonl({"q": "secret"}))
    real_fstat = os.fstat

    def swap_after_the_check(descriptor: int) -> os.stat_result:
        if not file.is_symlink():
            file.unlink()
            file.symlink_to(outside)
        return real_fstat(descriptor)

    configured = settings(datasets={"allowed_folders": [allowed]})
    async with served(FakeProvider(), configured=configured) as server:
        monkeypatch.setattr(os, "fstat", swap_after_the_check)
        answer = await server.answer("upload_dataset", path="rows.jsonl")
        monkeypatch.undo()

    assert answer["preview"] == [{"q": "harmless"}]


async def test_a_key_that_some_rows_lack_is_null_there_and_said_once(tmp_path: Path) -> None:
    lines = ['{"q": "1", "a": "x"}', '{"q": "2", "a": "y", "error": "slow"}', '{"q": "3"}']
    (tmp_path / "rows.jsonl").write_text("\n".join(lines))
    fake = FakeProvider()
    async with served(fake, configured=settings(tmp_path)) as server:
        whole = await server.answer("upload_dataset", path="rows.jsonl")
        some = await server.answer("upload_dataset", path="rows.jsonl", columns=["q", "a"])
        none = await server.answer("upload_dataset", path="rows.jsonl", columns=["error", "q"])
        refusal = await server.refusal("upload_dataset", path="rows.jsonl", columns=["eror"])

    assert whole["columns"] == ["q", "a", "error"]
    assert whole["warnings"][0] == "Missing, and null there: 'a' in 1 row, 'error' in 2 rows"
    assert [json.loads(line) for line in fake.contents[whole["file_id"]].splitlines()] == [
        {"q": "1", "a": "x", "error": None},
        {"q": "2", "a": "y", "error": "slow"},
        {"q": "3", "a": None, "error": None},
    ]
    assert some["warnings"] == ["Missing, and null there: 'a' in 1 row"]
    assert none["warnings"] == ["Missing, and null there: 'error' in 2 rows"]
    assert "there is no 'eror'; the columns are 'q', 'a', 'error'" in refusal
