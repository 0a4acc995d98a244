"""Files over REST: the three ways in, the ways out, and what is turned away."""

from pathlib import Path

import pytest

from tests.engine.running import RULE_JUDGE, running_engine

LINES = b'{"expected": "a", "answer": "a"}\n{"expected": "b", "answer": "c"}\n'


async def test_a_direct_upload_comes_back_whole_and_by_range(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as engine:
        file = await engine.upload_bytes(LINES, "data.jsonl")
        assert file["LineCount"] == 2
        assert file["bytes"] == len(LINES)
        content = f"/files/{file['id']}/content"
        whole = await engine.http.get(content)
        assert whole.content == LINES
        assert whole.headers["content-length"] == str(len(LINES))
        part = await engine.http.get(content, headers={"Range": "bytes=2-9"})
        assert (part.status_code, part.content) == (206, LINES[2:10])


@pytest.mark.parametrize("form", ["multipart", "urlencoded"])
async def test_an_announced_upload_is_put_where_the_redirect_says_and_once(
    tmp_path: Path, form: str
) -> None:
    fields = {"purpose": "eval", "file_name": "data.jsonl", "file_type": "jsonl"}
    async with running_engine(tmp_path) as engine:
        if form == "multipart":
            parts = {name: (None, value) for name, value in fields.items()}
            announced = await engine.http.post("/files", files=parts)
        else:
            announced = await engine.http.post("/files", data=fields)
        assert announced.status_code == 302
        file_id = announced.headers["x-together-file-id"]
        assert (await engine.http.get(f"/files/{file_id}")).status_code == 404
        target = announced.headers["location"]
        assert (await engine.http.put(target + "x", content=LINES)).status_code == 404
        assert (await engine.http.put(target, content=LINES)).status_code == 200
        assert (await engine.http.put(target, content=LINES)).status_code == 404
        done = await engine.http.post(f"/files/{file_id}/preprocess")
        assert done.json()["LineCount"] == 2


@pytest.mark.parametrize(
    ("data", "name", "reason"),
    [
        (b"", "data.jsonl", "no rows"),
        (b'{"a": 1}\n{"b": 1}\n', "data.jsonl", "line 2: columns differ"),
        (b'{"a": "\xff"}\n', "data.jsonl", "line 1: not UTF-8"),
        (b"1,2\n3,4\n", "data.csv", "does not look like a column name"),
    ],
)
async def test_a_file_that_is_no_data_set_is_refused_and_leaves_nothing_behind(
    tmp_path: Path, data: bytes, name: str, reason: str
) -> None:
    async with running_engine(tmp_path) as engine:
        body = await engine.upload_bytes(data, name)
        assert reason in body["error"]["message"]
        assert (await engine.http.get("/files")).json()["data"] == []
        assert list((tmp_path / "files").iterdir()) == []


async def test_a_file_over_the_limit_is_refused_and_leaves_nothing_behind(tmp_path: Path) -> None:
    async with running_engine(tmp_path, max_upload_bytes=20) as engine:
        body = await engine.upload_bytes(LINES, "data.jsonl")
        assert "larger than 20 bytes" in body["error"]["message"]
        assert list((tmp_path / "files").iterdir()) == []


async def test_a_full_disk_is_said_so_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("evals_engine.uploads.os.fsync", full)
    async with running_engine(tmp_path) as engine:
        body = await engine.upload_bytes(LINES, "data.jsonl")
        assert body["error"]["code"] == "disk_full"
        assert list((tmp_path / "files").iterdir()) == []


async def test_a_csv_file_is_read_as_csv(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as engine:
        file = await engine.upload_bytes(b"expected,answer\na,a\nb,c\n", "data.csv")
        assert (file["FileType"], file["LineCount"]) == ("csv", 2)
        job = await engine.finished(
            await engine.create(
                "classify",
                judge=RULE_JUDGE,
                input_data_file_path=file["id"],
                model_to_evaluate="answer",
                labels=["yes", "no"],
                pass_labels=["yes"],
            )
        )
        assert job["results"]["label_counts"] == {"yes": 1, "no": 1}


async def test_a_deleted_file_is_gone_and_its_bytes_too(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as engine:
        file_id = (await engine.upload_bytes(LINES, "data.jsonl"))["id"]
        gone = await engine.http.delete(f"/files/{file_id}")
        assert gone.json() == {"id": file_id, "deleted": True}
        assert (await engine.http.get(f"/files/{file_id}/content")).status_code == 404
        assert list((tmp_path / "files").iterdir()) == []


async def test_another_purpose_than_eval_is_refused(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as engine:
        answer = await engine.http.post(
            "/files/upload", files={"file": ("x.jsonl", LINES)}, data={"purpose": "fine-tune"}
        )
        assert answer.status_code == 400
        assert "eval" in answer.json()["error"]["message"]
