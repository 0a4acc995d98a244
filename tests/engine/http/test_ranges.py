"""Byte ranges of a stored file, and the answers to those that cannot be served."""

from pathlib import Path

import pytest

from tests.engine.running import running_engine

LINES = b'{"a": 1}\n{"a": 2}\n'


@pytest.mark.parametrize(
    ("header", "status", "message"),
    [
        ("bytes=18-", 416, "the file has 18 bytes"),
        ("bytes=5-2", 400, "write bytes=FIRST-LAST"),
        ("lines=1-2", 400, "write bytes=FIRST-LAST"),
        ("nonsense", 400, "write bytes=FIRST-LAST"),
    ],
)
async def test_a_malformed_range_is_refused_in_the_apis_form(
    tmp_path: Path, header: str, status: int, message: str
) -> None:
    async with running_engine(tmp_path) as engine:
        file = await engine.upload_bytes(LINES, "data.jsonl")
        answer = await engine.http.get(f"/files/{file['id']}/content", headers={"Range": header})
        assert answer.status_code == status
        assert message in answer.json()["error"]["message"]
        assert answer.headers.get("content-range") == ("bytes */18" if status == 416 else None)


async def test_bytes_that_are_gone_are_said_to_be_gone(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as engine:
        file = await engine.upload_bytes(LINES, "data.jsonl")
        (tmp_path / "files" / file["id"]).unlink()
        answer = await engine.http.get(f"/files/{file['id']}/content")
        assert answer.status_code == 410
        assert "gone from the data directory" in answer.json()["error"]["message"]


async def test_a_files_name_is_cleaned_before_it_is_quoted(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as engine:
        sent = {"file": ("a.jsonl", b"{")}
        fields = {"file_name": "\u202eevil\x1b[31m\x00.jsonl"}
        answer = await engine.http.post("/files/upload", files=sent, data=fields)
        assert answer.json()["error"]["message"].isprintable()
