"""The cache of result files: one download, complete files only, a size limit, one per account."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest

from evals_mcp.errors import BadAnswerError, NotFoundError, OperatorError
from evals_mcp.result_files.cache import Download, ResultFile, ResultFiles
from evals_mcp.result_files.conditions import Where
from evals_mcp.result_files.index import Damage
from evals_mcp.results.types.table import row_reader

READ = row_reader("classify", {"labels": ["good", "bad"], "pass_labels": ["good"]})
FAILING = Where("state = 'ok' AND passed = 0")


def lines(*labels: str, pad: int = 0) -> bytes:
    rows = [{"n": number, "pad": "x" * pad, "label": one} for number, one in enumerate(labels)]
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


class Remote:
    """A service that counts its downloads."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.downloads = 0

    @asynccontextmanager
    async def download(self) -> AsyncGenerator[AsyncIterator[bytes]]:
        self.downloads += 1
        yield self._chunks()

    async def _chunks(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self.content), 7):
            yield self.content[start : start + 7]


async def failing_of(
    files: ResultFiles, remote: Remote, account: str = "a", name: str = "f"
) -> int:
    async with files.open(ResultFile(account, name, READ), remote.download) as index:
        return index.matching(FAILING)


async def test_a_second_read_downloads_nothing(tmp_path: Path) -> None:
    files, remote = ResultFiles(tmp_path / "kept", 10**9), Remote(lines("good", "bad", "bad"))
    assert await failing_of(files, remote) == 2
    assert await failing_of(files, remote) == 2
    assert remote.downloads == 1


async def test_equal_ids_of_two_accounts_are_two_files(tmp_path: Path) -> None:
    files = ResultFiles(tmp_path, 10**9)
    assert await failing_of(files, Remote(lines("bad")), account="ada") == 1
    assert await failing_of(files, Remote(lines("good")), account="eve") == 0
    assert not any("ada" in path.name or path.name == "f" for path in tmp_path.iterdir())


async def test_concurrent_readers_end_with_one_complete_file(tmp_path: Path) -> None:
    files, remote = ResultFiles(tmp_path, 10**9), Remote(lines(*["good", "bad"] * 200))
    found: list[int] = []

    async def look() -> None:
        found.append(await failing_of(files, remote))

    async with anyio.create_task_group() as tasks:
        for _ in range(6):
            tasks.start_soon(look)
    assert found == [200] * 6
    assert [path for path in tmp_path.iterdir() if path.name.startswith(".")] == []
    assert len(list(tmp_path.iterdir())) == 1


async def test_the_least_recently_read_file_is_removed_first(
    tmp_path: Path,
) -> None:
    content = lines("good", "bad", pad=200_000)
    files = ResultFiles(tmp_path, 3 * 420_000 + 100_000)
    for name in ("one", "two", "three"):
        await failing_of(files, Remote(content), name=name)
    kept = {path.name for path in tmp_path.iterdir()}
    await failing_of(files, first := Remote(content), name="one")
    await failing_of(files, Remote(content), name="four")
    assert len({path.name for path in tmp_path.iterdir()} & kept) == 2
    await failing_of(files, first, name="one")
    assert first.downloads == 0


async def test_a_file_larger_than_the_limit_can_still_be_read(tmp_path: Path) -> None:
    assert await failing_of(ResultFiles(tmp_path, 1), Remote(lines("bad"))) == 1


async def test_a_download_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    @asynccontextmanager
    async def gone() -> AsyncGenerator[AsyncIterator[bytes]]:
        raise NotFoundError("expired")
        yield

    download: Download = gone
    with pytest.raises(NotFoundError):
        async with ResultFiles(tmp_path, 10**9).open(ResultFile("a", "f", READ), download):
            raise AssertionError
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(b"<html>not yours</html>", "a web page", id="a page"),
        pytest.param(b"\x1f\x8b\x08\x00rest", "compressed with gzip", id="compressed"),
        pytest.param(b'{"label": "go', "not complete JSON", id="cut in its only row"),
    ],
)
async def test_a_file_without_a_single_row_is_an_error_that_names_the_line(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    with pytest.raises(BadAnswerError, match=f"line 1 is {reason}"):
        await failing_of(ResultFiles(tmp_path, 10**9), Remote(content))
    assert list(tmp_path.iterdir()) == []


async def test_damaged_lines_are_counted_and_the_rest_is_read(tmp_path: Path) -> None:
    content = lines("bad") + b"[1]\n\xff\xfe\n" + lines("good", "bad") + b'{"label": "ba'
    files = ResultFiles(tmp_path, 10**9)
    async with files.open(ResultFile("a", "f", READ), Remote(content).download) as index:
        assert index.total() == 3
        assert index.matching(FAILING) == 2
        assert index.damage == Damage(3, 2, "not a JSON object")


async def test_a_byte_order_mark_and_a_lone_surrogate_lose_no_row(tmp_path: Path) -> None:
    content = b"\xef\xbb\xbf" + lines("bad") + b'{"n": 1, "label": "\\ud800"}\n' + lines("bad")
    async with ResultFiles(tmp_path, 10**9).open(
        ResultFile("a", "f", READ), Remote(content).download
    ) as index:
        assert (index.total(), index.matching(FAILING), index.damage.lines) == (3, 2, 0)
        assert index.read(index.page(Where(), "file", 1)[0])["label"] == "bad"


async def test_incomplete_folders_of_a_killed_process_are_removed(tmp_path: Path) -> None:
    old, new = tmp_path / ".old", tmp_path / ".new"
    for folder in (old, new):
        folder.mkdir()
        (folder / "rows.jsonl").write_text("x")
    os.utime(old, (1, 1))
    await failing_of(ResultFiles(tmp_path, 10**9), Remote(lines("bad")))
    assert (old.exists(), new.exists()) == (False, True)


async def test_a_damaged_index_is_built_again(tmp_path: Path) -> None:
    files, remote = ResultFiles(tmp_path, 10**9), Remote(lines("bad"))
    await failing_of(files, remote)
    (place,) = tmp_path.iterdir()
    (place / "index.sqlite3").write_bytes(b"no database")
    assert await failing_of(files, remote) == 1
    assert remote.downloads == 2


async def test_an_error_about_the_folder_names_the_setting(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(OperatorError, match=r"results\.cache_dir"):
        await failing_of(ResultFiles(tmp_path / "taken", 10**9), Remote(lines("bad")))
