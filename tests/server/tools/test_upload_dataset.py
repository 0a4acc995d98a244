import errno
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.server.fake_provider import FakeProvider, jsonl
from tests.server.serving import served, settings

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
    assert answer["preview"][0] == {"q": "1+1", "a": "2", "id": "1"}


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
        ({"rows": [{"a": 1}, {"b": 1}]}, "line 2: columns differ"),
        ({"rows": [1]}, "`rows.0` must be an object"),
        ({"rows": ROWS, "columns": ["z"]}, "there is no 'z'; the columns are q, a, id"),
        ({"path": "none.jsonl"}, "there is no none.jsonl"),
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

    assert "No folder is open" in text


async def test_a_full_temporary_folder_is_named_with_who_acts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(*_: object, **__: object) -> str:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("evals_mcp.tools.upload_dataset.json.dumps", full)
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
    assert row["n"] == "null"
