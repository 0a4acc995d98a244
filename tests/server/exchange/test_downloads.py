"""Files to fetch by a link: whole, private, one copy for one content, and a sentence otherwise."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import httpx2
import pytest
from starlette.applications import Starlette

from evals_mcp.errors import OperatorError, UnavailableError, UnsupportedError
from evals_mcp.exchange.downloads import Downloads
from evals_mcp.exchange.exchange_folder import ExchangeFolder
from evals_mcp.exchange.links import Links
from evals_mcp.http.links import LinkRoute
from tests.server.exchange.test_export_folder import writer


def downloads(folder: Path, **facts: bool) -> Downloads:
    links = Links(b"k" * 32, "http://evals.example", lambda: datetime.now(UTC))
    return Downloads(links, ExchangeFolder(folder / "exports"), "alice", **facts)


async def test_a_link_answers_the_file_and_with_manifest_at_its_end_what_made_it(
    tmp_path: Path,
) -> None:
    offered = downloads(tmp_path)
    link, size = offered.offer("a.csv", writer(b"a,b"), writer(b"{} and more"))
    again, _ = offered.offer("a.csv", writer(b"other"), writer(b"other"))

    async def links() -> Links:
        return offered.links

    app = Starlette(routes=[LinkRoute(links, offered.folder).route])
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app)) as client:
        texts = [(await client.get(url)).text for url in (link, again, f"{link}?manifest")]
        altered = await client.get(link[:-3] + "abc")
    assert (texts, size) == (["a,b", "a,b", "{} and more"], 3)
    assert altered.status_code == 403


def test_a_file_that_cannot_be_finished_is_not_left_and_can_be_written_again(
    tmp_path: Path,
) -> None:
    def fail(_: BinaryIO) -> None:
        raise OSError(28, "No space left on device")

    offered = downloads(tmp_path)
    for rows, manifest in ((fail, writer(b"{}")), (writer(b"a"), fail)):
        with pytest.raises(OperatorError, match=r"No space left.*export\.folder"):
            offered.offer("a.csv", rows, manifest)
        assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    assert offered.offer("a.csv", writer(b"a"), writer(b"{}"))[1] == 1


def test_a_file_that_another_call_writes_is_not_touched(tmp_path: Path) -> None:
    offered = downloads(tmp_path)
    with (
        offered.folder.begin("alice", "a.csv"),
        pytest.raises(UnavailableError, match="again in a minute"),
    ):
        offered.offer("a.csv", writer(b"a"), None)


def test_servers_without_a_common_folder_refuse_with_what_to_do_instead(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match=r"state\.shared is false\): call read_results"):
        downloads(tmp_path, is_shared=False).check("call read_results.")
